"""Two Connections in conversation, over a link that may cut the stream anywhere."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.exchange import (
    MAX_DATA,
    VERSION,
    BitfieldMessage,
    Bye,
    ByeReason,
    Data,
    GetMeta,
    Have,
    Hello,
    Meta,
    RejectMeta,
    RejectReason,
    Request,
    State,
    UnsupportedVersionError,
    encode,
)
from protocols.geometry import Geometry
from tests.protocols.exchange_pair import CID, GEOMETRY, LIMIT, ConnectionPair, bitfield, connect, frame, ready_pair

OTHER_CID = Cid.of(DAG_CBOR, b"another manifest")


class Seeder:
    """The least driver that serves: answers what it hears, at once."""

    def __init__(self, pair: ConnectionPair, block: bytes, content: list[bytes]) -> None:
        self.pair, self.side, self.block, self.content = pair, pair.acceptor, block, content

    def hear(self, message) -> None:
        match message:
            case Hello():
                self.pair.send(self.side, self.side.hello("seeder"))
                self.side.set_geometry(self.pair.geometry)
                self.pair.send(self.side, bitfield(self.pair.geometry.chunk_count))
            case GetMeta(part=0, offset=offset):
                data = self.block[offset : offset + MAX_DATA]
                self.pair.send(self.side, Meta(0, len(self.block), offset, data))
            case GetMeta(part=part):
                self.pair.send(self.side, RejectMeta(part, RejectReason.UNAVAILABLE))
            case Request(chunk, offset, length):
                end = offset + length
                for start in range(offset, end, 20_000):
                    data = self.content[chunk][start : min(start + 20_000, end)]
                    self.pair.send(self.side, Data(chunk, start, data))


class Leecher:
    """The least driver that downloads: the manifest, then all chunks in order, then goodbye."""

    def __init__(self, pair: ConnectionPair) -> None:
        self.pair, self.side = pair, pair.opener
        self.block = b""
        self.content = [bytearray() for _ in range(pair.geometry.chunk_count)]
        self.seen: list[str] = []
        pair.send(self.side, self.side.hello("leecher"), GetMeta(0, 0), GetMeta(1, 0))

    def hear(self, message) -> None:
        self.seen.append(message.TYPE.name)
        match message:
            case Meta(data=data):
                self.block += data
            case RejectMeta():
                for bitfield_message in self.side.set_geometry(self.pair.geometry):
                    self.hear(bitfield_message)
            case BitfieldMessage():
                count = self.pair.geometry.chunk_count
                self.pair.send(self.side, bitfield(count, ()))
                self.pair.send(self.side, *(Request(n, 0, self.pair.geometry.chunk_length(n)) for n in range(count)))
            case Data(chunk, offset, data):
                assert offset == len(self.content[chunk])
                self.content[chunk] += bytes(data)
                if len(self.content[chunk]) == self.pair.geometry.chunk_length(chunk):
                    self.pair.send(self.side, Have((chunk,)))
                if sum(map(len, self.content)) == self.pair.geometry.total_size:
                    self.pair.send(self.side, Bye(ByeReason.FINISHED, "thank you"))


def whole_exchange(sizes) -> tuple[Seeder, Leecher]:
    pair = ConnectionPair()
    content = [sha256(b"%d" % n).digest() * (GEOMETRY.chunk_length(n) // 32 + 1) for n in range(GEOMETRY.chunk_count)]
    content = [chunk[: GEOMETRY.chunk_length(n)] for n, chunk in enumerate(content)]
    leecher = Leecher(pair)
    seeder = Seeder(pair, b"the manifest's block", content)
    while pair.to_acceptor or pair.to_opener:
        for driver in (seeder, leecher):
            for message in pair.deliver(driver.side, next(sizes)):
                driver.hear(message)
    assert seeder.block == leecher.block
    assert seeder.content == leecher.content
    return seeder, leecher


def repeat(sizes: list[int]):
    while True:
        yield from sizes


@given(st.lists(st.integers(1, 200) | st.integers(1, 300_000), min_size=1, max_size=30))
def test_a_whole_exchange_however_the_stream_is_cut(sizes):
    seeder, leecher = whole_exchange(repeat([*sizes, 100_000]))
    assert seeder.side.local_state is State.PARTING
    assert leecher.side.local_state is State.DONE
    seeder.side.receive_eof()
    leecher.side.receive_eof()


def test_a_whole_exchange_byte_at_a_time():
    _, leecher = whole_exchange(repeat([1]))
    assert leecher.seen[:4] == ["HELLO", "META", "REJECT_META", "BITFIELD"]
    assert set(leecher.seen[4:]) == {"DATA"}


@given(st.integers(0, 200), st.integers(0, 255), st.integers(1, 100))
def test_a_wrong_byte_gives_messages_or_the_peers_fault(place, byte, size):
    pair = ready_pair()
    pair.tell(pair.opener, Request(3, 0, 3000), Request(2, 0, 3000))
    pair.send(pair.acceptor, Data(2, 0, b"x" * 3000), Data(3, 0, b"y" * 3000))
    pair.send(pair.acceptor, Bye(ByeReason.STOPPING, "bye"))
    pair.to_opener[place % len(pair.to_opener)] = byte
    try:
        while pair.to_opener:
            pair.deliver(pair.opener, size)
        pair.opener.receive_eof()
    except RemoteProtocolError:
        assert not pair.opener.is_open


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_whatever_bytes_come_they_are_messages_or_the_peers_fault(pieces):
    pair = ready_pair()
    try:
        for piece in pieces:
            pair.opener.receive_data(piece)
    except RemoteProtocolError:
        assert pair.opener.local_state is State.PARTING


def test_the_side_that_accepted_greets_second():
    acceptor = connect(None)
    with pytest.raises(LocalProtocolError, match="after it has read the peer's HELLO"):
        acceptor.hello()
    assert acceptor.remote_cid is None
    acceptor.receive_data(b"".join(encode(Hello(VERSION, CID, 5 * LIMIT, "them"))))
    assert (acceptor.remote_cid, acceptor.remote_request_limit) == (CID, 5 * LIMIT)
    assert acceptor.hello("us") == Hello(VERSION, CID, LIMIT, "us")


def test_an_unknown_manifest_is_answered_with_bye():
    pair = ConnectionPair()
    pair.tell(pair.opener, pair.opener.hello(), GetMeta(0, 0))
    assert pair.tell(pair.acceptor, Bye(ByeReason.NOT_FOUND)) == [Bye(ByeReason.NOT_FOUND)]
    assert not pair.opener.is_open
    pair.opener.receive_eof()


def test_both_sides_speak_about_one_manifest():
    opener = connect(CID)
    opener.send(opener.hello())
    with pytest.raises(RemoteProtocolError, match=f"HELLO about {OTHER_CID} in a conversation about {CID}"):
        opener.receive_data(b"".join(encode(Hello(VERSION, OTHER_CID, LIMIT))))


def test_a_newer_version_is_spoken_with_as_this_one():
    acceptor = connect(None)
    acceptor.receive_data(b"".join(encode(Hello(VERSION + 1, CID, LIMIT))))
    acceptor.send(acceptor.hello())
    assert acceptor.is_open


def test_a_version_that_is_too_old_leaves_only_goodbye():
    acceptor = connect(None)
    for _ in range(2):
        with pytest.raises(UnsupportedVersionError, match="HELLO of version 0, older than 1"):
            acceptor.receive_data(b"".join(encode(Hello(0, CID, LIMIT))))
    assert not acceptor.is_open
    acceptor.send(Bye(ByeReason.UNSUPPORTED_VERSION))
    assert acceptor.local_state is State.DONE


def test_a_bitfield_waits_for_the_manifest_and_gathers_haves():
    pair = ConnectionPair().greet()
    pair.acceptor.set_geometry(GEOMETRY)
    assert pair.tell(pair.acceptor, bitfield(4, (0,)), Have((3, 1))) == []
    assert pair.opener.set_geometry(GEOMETRY) == [bitfield(4, (0, 1, 3))]
    assert pair.tell(pair.acceptor, Have((2,))) == [Have((2,))]


def test_without_a_bitfield_the_manifest_hands_out_nothing():
    assert ConnectionPair().greet().opener.set_geometry(GEOMETRY) == []


@pytest.mark.parametrize(
    ("early", "why"),
    [
        ([BitfieldMessage(b"\xf0\x00")], "4 chunks has 1 bytes, not 2"),
        ([BitfieldMessage(b"\xf1")], "bits set beyond its 4 chunks"),
        ([BitfieldMessage(b"\x00"), Have((7,))], "bits set beyond its 4 chunks"),
    ],
)
def test_a_bitfield_that_doesnt_fit_the_manifest_is_found_late(early, why):
    pair = ConnectionPair().greet()
    assert pair.opener.receive_data(b"".join(b"".join(encode(message)) for message in early)) == []
    with pytest.raises(RemoteProtocolError, match=why):
        pair.opener.set_geometry(GEOMETRY)
    assert pair.opener.local_state is State.PARTING


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (BitfieldMessage(b"\xf0\x00"), "has 1 bytes, not 2"),
        (BitfieldMessage(b"\x0f"), "bits set beyond"),
    ],
)
def test_a_bitfield_that_doesnt_fit_the_manifest_is_found_at_once(message, why):
    pair = ConnectionPair().greet()
    pair.opener.set_geometry(GEOMETRY)
    with pytest.raises(RemoteProtocolError, match=why):
        pair.opener.receive_data(b"".join(encode(message)))
    with pytest.raises(LocalProtocolError, match=why):
        connect_greeted(GEOMETRY).send(message)


def connect_greeted(geometry: Geometry | None):
    pair = ConnectionPair().greet()
    if geometry:
        pair.opener.set_geometry(geometry)
    return pair.opener


def test_we_announce_nothing_before_the_manifest_is_known():
    with pytest.raises(LocalProtocolError, match="BITFIELD before set_geometry"):
        connect_greeted(None).send(BitfieldMessage(b""))


def test_a_manifest_doesnt_change():
    opener = connect_greeted(GEOMETRY)
    with pytest.raises(LocalProtocolError, match="doesn't change"):
        opener.set_geometry(GEOMETRY)


@pytest.mark.parametrize(
    ("have", "why"),
    [
        (Have((4,)), "HAVE of chunk 4 of 4"),
        (Have((0,)), "HAVE of chunk 0, which was announced before"),
        (Have((1, 2, 1)), "HAVE of chunk 1, which was announced before"),
    ],
)
def test_a_chunk_is_announced_once(have, why):
    pair = ConnectionPair().greet().announce((0,), ())
    with pytest.raises(RemoteProtocolError, match=why):
        pair.acceptor.receive_data(b"".join(encode(have)))
    with pytest.raises(LocalProtocolError, match=why):
        pair.opener.send(have)


def test_a_driver_can_ask_what_it_has_announced():
    pair = ConnectionPair()
    assert not pair.opener.announced(0)
    pair.greet().announce((0,), ())
    pair.send(pair.opener, Have((2,)))
    assert [pair.opener.announced(chunk) for chunk in range(4)] == [True, False, True, False]


def test_nothing_is_requested_before_the_manifest_and_the_other_bitfield_are_known():
    pair = ConnectionPair().greet()
    pair.opener.set_geometry(GEOMETRY)
    pair.send(pair.opener, bitfield(4, ()))
    with pytest.raises(LocalProtocolError, match="before the manifest and the other side's BITFIELD are known"):
        pair.opener.send(Request(0, 0, 1))


def test_a_chunk_can_be_requested_after_its_have():
    pair = ConnectionPair().greet().announce((), (0,))
    pair.tell(pair.acceptor, Have((2,)))
    assert pair.tell(pair.opener, Request(2, 0, 100)) == [Request(2, 0, 100)]


def test_a_share_without_chunks_can_be_spoken_about():
    pair = ready_pair(Geometry(1 << 16, (0,)))
    assert pair.opener.local_state is State.READY


def test_the_end_of_the_stream_proves_nothing():
    pair = ready_pair()
    with pytest.raises(RemoteProtocolError, match="ended without BYE"):
        pair.opener.receive_eof()
    assert not pair.opener.is_open


def test_a_failed_peer_may_be_told_why_even_if_it_never_greeted():
    acceptor = connect(None)
    with pytest.raises(RemoteProtocolError, match="unknown message of type 0x0c") as caught:
        acceptor.receive_data(frame(0x0C))
    acceptor.send(Bye.saying(ByeReason.PROTOCOL_ERROR, str(caught.value)))
    with pytest.raises(LocalProtocolError):
        acceptor.send(Bye(ByeReason.OTHER))
