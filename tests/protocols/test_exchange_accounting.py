"""Requests and their answers: each ends once, and neither side gets or owes more than was agreed."""

from __future__ import annotations

import pytest

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.exchange import (
    MAX_META,
    MAX_META_REQUESTS,
    MAX_REQUESTS,
    MIN_DATA,
    Cancel,
    Data,
    GetMeta,
    Meta,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
    encode,
)
from protocols.geometry import Geometry
from tests.protocols.exchange_pair import KIB, LIMIT, MAX_MANIFEST, MAX_PAGE, ConnectionPair, ready_pair

CHUNK = 64 * KIB
MANY_SMALL = Geometry(CHUNK, (3_000,) * 1000)
BIG = Geometry(1 << 20, (4 << 20,))


def refused_from_both(pair: ConnectionPair, speaker, message, why: str) -> None:
    """The same rule, with the same words, stops us from saying it and a peer from being heard."""
    listener = pair.other(speaker)
    with pytest.raises(RemoteProtocolError, match=why):
        listener.receive_data(b"".join(encode(message)))
    with pytest.raises(LocalProtocolError, match=why):
        speaker.send(message)


def asked(*requests: Request, geometry: Geometry = BIG) -> ConnectionPair:
    pair = ready_pair(geometry)
    assert pair.tell(pair.opener, *requests) == list(requests)
    return pair


PART = 1 << 18


def test_a_chunk_comes_in_parts_and_counts_whole_until_its_last_byte():
    pair = asked(Request(1, 0, 1 << 20))
    for offset in range(0, 1 << 20, PART):
        assert pair.opener.outstanding_bytes == pair.acceptor.remote_outstanding_bytes == 1 << 20
        assert pair.opener.awaits(1, 0, 1 << 20)
        assert pair.acceptor.owes(1, 0, 1 << 20)
        (data,) = pair.tell(pair.acceptor, Data(1, offset, b"x" * PART))
        assert (data.chunk, data.offset, len(data.data)) == (1, offset, PART)
    assert pair.opener.outstanding_bytes == pair.acceptor.remote_outstanding_bytes == 0
    assert not pair.opener.awaits(1, 0, 1 << 20)
    assert not pair.acceptor.owes(1, 0, 1 << 20)


def test_requests_are_answered_in_any_order_and_mixed():
    pair = asked(Request(0, 0, 100_000), Request(2, 5, 100), Request(0, 100_000, 100))
    answers = [
        Data(0, 100_000, b"c" * 100),
        Data(0, 0, b"a" * 50_000),
        Data(2, 5, b"b" * 100),
        Data(0, 50_000, b"a" * 50_000),
    ]
    assert pair.tell(pair.acceptor, *answers) == answers
    assert pair.opener.outstanding_bytes == 0


def test_a_range_can_be_asked_for_again_once_its_request_has_ended():
    pair = asked(Request(0, 0, 100))
    pair.tell(pair.acceptor, Data(0, 0, b"x" * 100))
    pair.tell(pair.opener, Request(0, 0, 100))
    pair.tell(pair.acceptor, Reject(0, 0, 100, RejectReason.BUSY))
    assert pair.tell(pair.opener, Request(0, 0, 100)) == [Request(0, 0, 100)]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Request(4, 0, 1), "chunk 4, which was never announced"),
        (Request(0, 1 << 20, 1), "REQUEST of 1 bytes at 1048576 of chunk 0, which has 1048576"),
        (Request(0, (1 << 20) - 9, 10), "REQUEST of 10 bytes at 1048567 of chunk 0, which has 1048576"),
        (Request(1, 100, 200), "overlaps"),
        (Request(1, 0, 101), "overlaps"),
        (Request(1, 299, 1), "overlaps"),
        (Request(1, 150, 10), "overlaps"),
        (Request(1, 0, 400), "overlaps"),
        (Cancel(1, 100, 100), "CANCEL of chunk 1 at 100, which was not requested"),
        (Cancel(1, 0, 200), "CANCEL of chunk 1 at 0, which was not requested"),
    ],
)
def test_requests_that_cant_be(message, why):
    pair = asked(Request(1, 100, 200))
    refused_from_both(pair, pair.opener, message, why)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Data(0, 0, b"x" * 100), "DATA of chunk 0 at 0 is not the next"),
        (Data(1, 0, b"x"), "DATA of chunk 1 at 0 is not the next"),
        (Data(1, 101, b"x"), "DATA of chunk 1 at 101 is not the next"),
        (Data(1, 50_100, b"x"), "DATA of chunk 1 at 50100 is not the next"),
        (Data(1, 100, b"x" * 50_001), "has 50001 bytes of 50000 left"),
        (Data(1, 100, b"x" * (MIN_DATA - 1)), "DATA of 16383 bytes, less than 16384, before its request's end"),
        (Reject(1, 100, 49_999, RejectReason.BUSY), "which is not an unanswered request"),
        (Reject(1, 101, 50_000, RejectReason.BUSY), "which is not an unanswered request"),
        (Reject(2, 100, 50_000, RejectReason.BUSY), "which is not an unanswered request"),
        (Reject(1, 100, 50_000, RejectReason.CANCELLED), "as cancelled, which it was not"),
    ],
)
def test_answers_that_nobody_asked_for(message, why):
    pair = asked(Request(1, 100, 50_000))
    refused_from_both(pair, pair.acceptor, message, why)


def test_data_doesnt_repeat_itself():
    pair = asked(Request(1, 0, 50_000))
    pair.tell(pair.acceptor, Data(1, 0, b"x" * MIN_DATA))
    refused_from_both(pair, pair.acceptor, Data(1, 0, b"x" * MIN_DATA), "DATA of chunk 1 at 0 is not the next")


def test_ranges_beside_an_unanswered_one_are_free():
    pair = asked(Request(1, 100, 200), Request(1, 0, 100), Request(1, 300, 1))
    assert pair.opener.outstanding_bytes == 301


def test_bytes_under_way_are_what_the_server_said():
    pair = asked(Request(0, 0, LIMIT - 1), Request(1, 0, 1))
    refused_from_both(pair, pair.opener, Request(1, 1, 1), f"beyond the {LIMIT} that may be unanswered")


def test_so_many_requests_and_no_more():
    pair = asked(*(Request(chunk, 0, 1) for chunk in range(MAX_REQUESTS)), geometry=MANY_SMALL)
    refused_from_both(pair, pair.opener, Request(MAX_REQUESTS, 0, 1), f"beyond the {MAX_REQUESTS} that")


def test_a_cancelled_request_ends_by_reject():
    pair = asked(Request(1, 0, 100_000))
    pair.tell(pair.acceptor, Data(1, 0, b"x" * 50_000))
    assert pair.tell(pair.opener, Cancel(1, 0, 100_000)) == [Cancel(1, 0, 100_000)]
    assert pair.opener.outstanding_bytes == 100_000  # until the server says so
    pair.tell(pair.acceptor, Reject(1, 0, 100_000, RejectReason.CANCELLED))
    assert pair.opener.outstanding_bytes == pair.acceptor.remote_outstanding_bytes == 0


def test_a_cancelled_request_may_end_by_its_data():
    pair = asked(Request(1, 0, 100))
    pair.tell(pair.opener, Cancel(1, 0, 100))
    pair.tell(pair.acceptor, Data(1, 0, b"x" * 100))
    assert pair.opener.outstanding_bytes == 0


def test_a_request_is_cancelled_once():
    pair = asked(Request(1, 0, 100))
    pair.tell(pair.opener, Cancel(1, 0, 100))
    refused_from_both(pair, pair.opener, Cancel(1, 0, 100), "second CANCEL of chunk 1 at 0")


def test_a_cancel_that_crosses_the_end_of_its_request_is_no_news():
    pair = asked(Request(1, 0, 100))
    pair.send(pair.acceptor, Data(1, 0, b"x" * 100))
    pair.send(pair.opener, Cancel(1, 0, 100))
    assert pair.deliver(pair.acceptor) == []
    assert pair.deliver(pair.opener) == [Data(1, 0, b"x" * 100)]
    assert pair.acceptor.is_open


def test_we_dont_cancel_what_we_know_has_ended():
    pair = asked(Request(1, 0, 100))
    pair.tell(pair.acceptor, Data(1, 0, b"x" * 100))
    with pytest.raises(LocalProtocolError, match="CANCEL of chunk 1 at 0, which has ended"):
        pair.opener.send(Cancel(1, 0, 100))


def test_cancels_without_end_are_refused():
    pair = asked(Request(1, 0, 100), Request(2, 0, 100))
    pair.tell(pair.acceptor, Data(1, 0, b"x" * 100), Data(2, 0, b"x" * 100))
    cancel = b"".join(encode(Cancel(1, 0, 100)))
    assert pair.acceptor.receive_data(2 * cancel) == []  # two requests have ended
    with pytest.raises(RemoteProtocolError, match="CANCEL of chunk 1 at 0, which was not requested"):
        pair.acceptor.receive_data(cancel)


def test_late_cancels_are_counted_up_to_the_requests_that_can_be_under_way():
    pair = ready_pair(MANY_SMALL)
    for chunk in range(MAX_REQUESTS + 1):
        pair.tell(pair.opener, Request(chunk, 0, 1))
        pair.tell(pair.acceptor, Data(chunk, 0, b"x"))
    cancel = b"".join(encode(Cancel(0, 0, 1)))
    assert pair.acceptor.receive_data(MAX_REQUESTS * cancel) == []
    with pytest.raises(RemoteProtocolError, match="not requested"):
        pair.acceptor.receive_data(cancel)


def meta_asked(*asks: GetMeta) -> ConnectionPair:
    pair = ConnectionPair().greet()
    assert pair.tell(pair.opener, *asks) == list(asks)
    assert pair.opener.outstanding_meta == len(asks)
    return pair


def test_metadata_is_answered_in_the_order_it_was_asked_for():
    pair = meta_asked(GetMeta(0, 0), GetMeta(0, MAX_META), GetMeta(7, 0), GetMeta(1, 0))
    answers = [
        Meta(0, MAX_META + 3, 0, b"m" * MAX_META),
        Meta(0, MAX_META + 3, MAX_META, b"end"),
        RejectMeta(7, RejectReason.UNAVAILABLE),
        Meta(1, 4, 0, b"page"),
    ]
    assert pair.tell(pair.acceptor, *answers) == answers
    assert pair.opener.outstanding_meta == 0


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Meta(0, 5, 0, b"block"), "META of part 0 at 0 where part 1 at 9 is due"),
        (Meta(1, 5, 0, b"block"), "META of part 1 at 0 where part 1 at 9 is due"),
        (Meta(1, MAX_PAGE + 1, 9, b"x" * MAX_META), f"claims {MAX_PAGE + 1} bytes, more than {MAX_PAGE}"),
        (RejectMeta(0, RejectReason.BUSY), "REJECT_META of part 0 where part 1 is due"),
    ],
)
def test_metadata_answers_that_dont_fit_the_oldest_question(message, why):
    pair = meta_asked(GetMeta(1, 9), GetMeta(0, 0))
    refused_from_both(pair, pair.acceptor, message, why)


@pytest.mark.parametrize("message", [Meta(0, 5, 0, b"block"), RejectMeta(0, RejectReason.BUSY)])
def test_metadata_that_nobody_asked_for(message):
    pair = meta_asked()
    refused_from_both(pair, pair.acceptor, message, f"{message.TYPE.name} of part 0, which was not asked for")


def test_a_manifest_has_a_greatest_size_of_its_own():
    pair = meta_asked(GetMeta(0, 0), GetMeta(0, 0))
    pair.tell(pair.acceptor, Meta(0, MAX_MANIFEST, 0, b"x" * MAX_META))
    too_big = Meta(0, MAX_MANIFEST + 1, 0, b"x" * MAX_META)
    refused_from_both(pair, pair.acceptor, too_big, f"claims {MAX_MANIFEST + 1} bytes, more than {MAX_MANIFEST}")


def test_a_total_doesnt_change_under_way():
    pair = meta_asked(GetMeta(2, 0), GetMeta(2, 5))
    pair.tell(pair.acceptor, Meta(2, 10, 0, b"ten bytes!"))
    refused_from_both(pair, pair.acceptor, Meta(2, 9, 5, b"nine"), "claims 9 bytes, and claimed 10 before")


def test_so_many_questions_for_metadata_and_no_more():
    pair = meta_asked(*(GetMeta(part, 0) for part in range(MAX_META_REQUESTS)))
    refused_from_both(pair, pair.opener, GetMeta(99, 0), f"GET_META beyond the {MAX_META_REQUESTS}")
