"""Frames: every split of a stream gives the same payloads, and no claim costs memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import MAX_UVARINT, FrameDecoder, decode_uvarint, encode_frame, encode_uvarint

MAX = 1000

payload_lists = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(min(cut, len(data)) for cut in cuts)
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def decode_all(decoder: FrameDecoder, pieces: list[bytes]) -> list[bytes]:
    return [bytes(payload) for piece in pieces for payload in decoder.feed(piece)]


# The examples of https://github.com/multiformats/unsigned-varint, and the ends of each length.
VARINTS = [
    (0, "00"),
    (1, "01"),
    (127, "7f"),
    (128, "8001"),
    (255, "ff01"),
    (300, "ac02"),
    (16383, "ff7f"),
    (16384, "808001"),
    (MAX_UVARINT, "ffffffffffffffff7f"),
]


@pytest.mark.parametrize(("value", "encoded"), VARINTS)
def test_varints_are_those_of_multiformats(value, encoded):
    assert encode_uvarint(value).hex() == encoded
    assert decode_uvarint(bytes.fromhex(encoded)) == (value, len(encoded) // 2)


@given(st.integers(0, MAX_UVARINT), st.binary(max_size=3), st.binary(max_size=3))
def test_a_varint_comes_back_from_wherever_it_stands(value, before, behind):
    encoded = encode_uvarint(value)
    assert decode_uvarint(before + encoded + behind, len(before)) == (value, len(before) + len(encoded))


@pytest.mark.parametrize("value", [-1, MAX_UVARINT + 1])
def test_numbers_that_no_varint_has_are_a_bug_here(value):
    with pytest.raises(LocalProtocolError, match=r"not a number from 0 to 2\^63 - 1"):
        encode_uvarint(value)


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        ("", "ends inside"),
        ("80", "ends inside"),
        ("ffffffffffffffff", "ends inside"),
        ("8000", "shortest"),
        ("ff8000", "shortest"),
        ("ffffffffffffffffff", "longer than nine"),
        ("ffffffffffffffffff01", "longer than nine"),
    ],
)
def test_a_bad_varint_is_the_peers_fault(encoded, why):
    with pytest.raises(RemoteProtocolError, match=why):
        decode_uvarint(bytes.fromhex(encoded))


@given(payload_lists, st.lists(st.integers(0, 3000), max_size=10))
def test_payloads_come_back_however_the_stream_is_split(payloads, cuts):
    stream = b"".join(encode_frame(payload) for payload in payloads)
    decoder = FrameDecoder(MAX)
    assert decode_all(decoder, pieces_of(stream, cuts)) == payloads
    assert decoder.held == 0


@given(payload_lists)
def test_nothing_comes_before_the_last_byte_of_a_frame(payloads):
    decoder = FrameDecoder(MAX)
    for payload in payloads:
        frame = encode_frame(payload)
        for byte in frame[:-1]:
            assert decode_all(decoder, [bytes((byte,))]) == []
        assert decode_all(decoder, [frame[-1:]]) == [payload]


def test_a_frame_can_be_given_in_parts():
    assert encode_frame(b"ab", b"", memoryview(b"c")) == b"\x03abc"


def test_a_payload_that_came_in_one_feed_is_not_copied():
    data = encode_frame(b"first") + encode_frame(b"second")
    assert [payload.obj is data for payload in FrameDecoder(MAX).feed(data)] == [True, True]


@given(payload_lists, st.lists(st.integers(0, 2500), max_size=8), st.lists(st.integers(0, 8), max_size=3))
def test_fed_in_pieces_the_payloads_are_the_same_and_no_part_is_empty(payloads, cuts, feeds):
    decoder = FrameDecoder(MAX)
    pieces = [piece for piece in pieces_of(b"".join(map(encode_frame, payloads)), cuts) if piece]
    decoded = []
    for start, end in zip([0, *sorted(feeds)], [*sorted(feeds), len(pieces)], strict=True):
        for parts in decoder.feed_pieces(pieces[start:end]):
            assert all(map(len, parts))
            decoded.append(b"".join(parts))
    assert decoded == payloads


def test_a_long_payload_in_pieces_is_not_copied():
    pieces = [encode_uvarint(300_000) + bytes(99_997), bytes(100_000), bytes(100_003)]
    ((first, second, third),) = FrameDecoder(300_000).feed_pieces(pieces)
    assert [first.obj, second.obj, third.obj] == pieces
    assert len(first) + len(second) + len(third) == 300_000


def test_a_payload_in_single_bytes_costs_little_more_than_itself():
    decoder = FrameDecoder(100_000)
    stream = encode_frame(bytes(100_000))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for at in range(len(stream) - 1):
        assert not list(decoder.feed_pieces([stream[at : at + 1]]))
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 130_000


def test_payloads_stay_as_they_are_while_more_is_fed():
    decoder = FrameDecoder(MAX)
    stream = encode_frame(b"a" * 200) + encode_frame(b"b" * 200)
    kept = [payload for start in range(0, len(stream), 50) for payload in decoder.feed(stream[start : start + 50])]
    assert kept == [b"a" * 200, b"b" * 200]
    assert all(payload.readonly for payload in kept)


def test_a_claimed_length_costs_only_what_has_arrived():
    decoder = FrameDecoder(1 << 27)
    assert decode_all(decoder, [encode_uvarint(1 << 27), b"x" * 10]) == []
    assert decoder.held == 10


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        ("00", "without a payload"),
        ("8000", "shortest"),
        ("e907", "1001 bytes, more than the 1000"),
        ("ffffffff", "longer than 4 bytes"),
    ],
)
def test_a_bad_length_is_the_peers_fault(stream, why):
    with pytest.raises(RemoteProtocolError, match=why):
        decode_all(FrameDecoder(MAX), [bytes.fromhex(stream)])


def test_the_longest_frame_allowed_passes():
    assert decode_all(FrameDecoder(MAX), [encode_frame(b"x" * MAX)]) == [b"x" * MAX]


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_whatever_arrives_the_decoder_holds_one_frame_at_most(pieces):
    decoder = FrameDecoder(MAX)
    try:
        for piece in pieces:
            for payload in decoder.feed(piece):
                assert 1 <= len(payload) <= MAX
            assert decoder.held <= MAX
    except RemoteProtocolError:
        pass
