"""Two ends of a stream: every answer belongs to a request, however the bytes were cut on their way."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.catalog import Answering, Ask, Asking, GetPage, NoPage, Page, Tell, decode, encode
from protocols.catalog.limits import (
    MAX_HEAD_SIZE,
    MAX_HEADS,
    MAX_NEWS,
    MAX_OPTIONAL,
    MAX_OUTSTANDING,
    MAX_PAYLOAD,
    MAX_PEERS,
    MAX_REQUEST,
    MAX_TELL_HEADS,
)
from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.exchange import KnownPeer
from protocols.exchange.limits import MAX_ADDRESS, MAX_PEER_ADDRESSES, MAX_PEER_ID
from protocols.framing import FrameDecoder, encode_frame

BLOCKS = [b"one block", b"another block", b"x" * 5000]
CIDS = [Cid.of(DAG_CBOR, block) for block in BLOCKS]
PEER = KnownPeer(b"\x12\x20" + bytes(32), (b"\x04\x7f\x00\x00\x01\x06\x0f\xa1",))

peers = st.builds(
    KnownPeer,
    st.binary(min_size=34, max_size=44),
    st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=5).map(tuple),
)
messages = st.one_of(
    st.builds(Ask, st.integers(0, 64), st.integers(0, 20)),
    st.builds(
        Tell,
        st.lists(st.binary(min_size=1, max_size=300), max_size=5).map(tuple),
        st.lists(peers, max_size=4).map(tuple),
    ),
    st.builds(GetPage, st.sampled_from(CIDS)),
    st.builds(Page, st.binary(min_size=1, max_size=300)),
    st.just(NoPage()),
)


def answer(request):
    if isinstance(request, Ask):
        return Tell((b"a head",) * min(1, request.heads), (PEER,) * min(1, request.peers))
    return Page(BLOCKS[CIDS.index(request.cid)]) if request.cid != CIDS[2] else NoPage()


@given(messages)
def test_messages_are_read_as_they_were_written(message):
    (payload,) = FrameDecoder(MAX_PAYLOAD).feed(encode(message))
    assert decode(bytes(payload)) == message


@given(st.binary(min_size=1, max_size=100))
def test_any_payload_is_a_message_or_refused(payload):
    with suppress(RemoteProtocolError):
        decode(payload)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_conversation_cut_anywhere(size):
    asking, answering = Asking(), Answering()
    requests = [Ask(64, 20), GetPage(CIDS[0]), Tell((b"news",)), GetPage(CIDS[2]), Ask(0, 0), GetPage(CIDS[1])]
    there = b"".join(map(asking.send, requests))
    assert asking.owed == 5
    heard = [
        message
        for start in range(0, len(there), size)
        for message in answering.receive_data(there[start : start + size])
    ]
    assert heard == requests
    answering.receive_eof()
    answers = [answer(request) for request in requests if not isinstance(request, Tell)]
    back = b"".join(map(answering.send, answers))
    got = [
        message for start in range(0, len(back), size) for message in asking.receive_data(back[start : start + size])
    ]
    assert got == answers
    asking.receive_eof()


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        (Ask(1, 1), Page(b"x")),
        (Ask(1, 1), NoPage()),
        (Ask(1, 1), Ask(1, 1)),
        (GetPage(CIDS[0]), Tell()),
        (Ask(1, 1), Tell((b"a", b"b"))),
        (Ask(1, 0), Tell((), (PEER,))),
        (GetPage(CIDS[0]), Page(BLOCKS[1])),
    ],
)
def test_an_answer_to_something_else_is_refused(request_, wrong):
    asking = Asking()
    asking.send(request_)
    with pytest.raises(RemoteProtocolError):
        asking.receive_data(encode(wrong))


def test_an_answer_to_nothing_is_refused_and_never_given():
    with pytest.raises(RemoteProtocolError, match="answers nothing"):
        Asking().receive_data(encode(NoPage()))
    with pytest.raises(LocalProtocolError, match="answers nothing"):
        Answering().send(NoPage())
    answering = Answering()
    answering.receive_data(encode(Ask(1, 1)))
    with pytest.raises(LocalProtocolError, match="answers nothing"):
        answering.send(NoPage())


@pytest.mark.parametrize("message", [Page(b"x"), NoPage()])
def test_the_asker_doesnt_answer(message):
    with pytest.raises(RemoteProtocolError, match="from the side that asks"):
        Answering().receive_data(encode(message))


def test_an_end_before_the_answers_and_inside_a_message():
    asking = Asking()
    asking.send(Ask(1, 1))
    with pytest.raises(RemoteProtocolError, match="1 requests unanswered"):
        asking.receive_eof()
    asking = Asking()
    asking.receive_data(b"\x05")
    answering = Answering()
    answering.receive_data(encode(Tell((b"head",)))[:-1])
    with pytest.raises(RemoteProtocolError, match="middle of a message"):
        answering.receive_eof()


def test_too_many_requests_at_once():
    asking, answering = Asking(), Answering()
    for _ in range(MAX_OUTSTANDING):
        answering.receive_data(asking.send(Ask(0, 0)))
    with pytest.raises(LocalProtocolError, match="requests at once"):
        asking.send(Ask(0, 0))
    with pytest.raises(RemoteProtocolError, match="requests at once"):
        answering.receive_data(encode(Ask(0, 0)))


def test_too_many_news():
    asking, answering = Asking(), Answering()
    for _ in range(MAX_NEWS):
        answering.receive_data(asking.send(Tell()))
    with pytest.raises(LocalProtocolError, match="nobody asked for"):
        asking.send(Tell())
    with pytest.raises(RemoteProtocolError, match="nobody asked for"):
        answering.receive_data(encode(Tell()))


def test_optional_messages_are_ignored_up_to_their_limit():
    answering = Answering()
    assert answering.receive_data(encode_frame(b"\x80" + bytes(MAX_OPTIONAL - 1))) == []
    with pytest.raises(RemoteProtocolError, match="optional"):
        answering.receive_data(encode_frame(b"\xff" + bytes(MAX_OPTIONAL)))


def test_the_longest_tell_fits_into_a_request():
    heads = (b"h" * MAX_HEAD_SIZE,) * 21 + (b"h" * (MAX_TELL_HEADS // 64),)
    everybody = (KnownPeer(bytes(MAX_PEER_ID), (bytes(MAX_ADDRESS),) * MAX_PEER_ADDRESSES),) * MAX_PEERS
    assert len(encode(Tell(heads, everybody))) <= MAX_REQUEST
    with pytest.raises(LocalProtocolError, match="bytes of heads"):
        Tell((b"h" * (MAX_TELL_HEADS // 64 + 1),) * MAX_HEADS)


def test_a_page_is_asked_for_by_its_own_codec():
    with pytest.raises(LocalProtocolError, match="dag-cbor"):
        GetPage(Cid.of(RAW, b""))
