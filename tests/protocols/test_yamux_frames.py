"""Yamux headers byte for byte, and the decoder on bytes cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.yamux.frames import ACK, DATA, GO_AWAY, PING, SYN, WINDOW_UPDATE, FrameDecoder, Header, encode_header

HEADERS = st.builds(Header, st.integers(0, 3), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 99))


@pytest.mark.parametrize(
    ("header", "wire"),
    [
        (Header(DATA, 0, 1, 5), "00 00 0000 00000001 00000005"),
        (Header(WINDOW_UPDATE, SYN, 3, 0), "00 01 0001 00000003 00000000"),
        (Header(PING, ACK, 0, 0xDEADBEEF), "00 02 0002 00000000 deadbeef"),
        (Header(GO_AWAY, 0, 0, 1), "00 03 0000 00000000 00000001"),
    ],
)
def test_headers_are_as_specified(header: Header, wire: str):
    encoded = bytes.fromhex(wire)
    assert encode_header(*header) == encoded
    payload = bytes(header.length) if header.type == DATA else b""
    assert next(iter(FrameDecoder().receive_data(encoded + payload))) == header


def written(header: Header) -> bytes:
    return encode_header(*header) + (bytes([header.length]) * header.length if header.type == DATA else b"")


def joined(items: list[Header | memoryview]) -> list[Header | bytes]:
    """Headers, and the payload after each as one."""
    result: list[Header | bytes] = []
    for item in items:
        if isinstance(item, Header):
            result.append(item)
        elif isinstance(result[-1], bytes):
            result[-1] += bytes(item)
        else:
            result.append(bytes(item))
    return result


@given(st.lists(HEADERS, max_size=8), st.lists(st.integers(1, 150), max_size=30))
def test_decodes_what_is_encoded_however_it_is_cut(headers: list[Header], cuts: list[int]):
    wire = b"".join(map(written, headers))
    wanted: list[Header | bytes] = []
    for header in headers:
        wanted.append(header)
        if header.type == DATA and header.length:
            wanted.append(bytes([header.length]) * header.length)
    decoder = FrameDecoder()
    items: list[Header | memoryview] = []
    for cut in [*cuts, len(wire)]:
        items += decoder.receive_data(wire[:cut])
        wire = wire[cut:]
    assert joined(items) == wanted
    assert decoder.is_between_frames


def test_byte_at_a_time():
    decoder = FrameDecoder()
    wire = written(Header(DATA, SYN, 1, 3)) + written(Header(PING, SYN, 0, 9))
    items = [(at, item) for at in range(len(wire)) for item in decoder.receive_data(wire[at : at + 1])]
    assert [at for at, _ in items] == [11, 12, 13, 14, 26]
    assert joined([item for _, item in items]) == [Header(DATA, SYN, 1, 3), b"\3\3\3", Header(PING, SYN, 0, 9)]


def test_knows_whether_it_is_inside_a_frame():
    decoder = FrameDecoder()
    wire = written(Header(DATA, 0, 1, 2))
    for at in range(len(wire)):
        assert decoder.is_between_frames == (at == 0)
        list(decoder.receive_data(wire[at : at + 1]))
    assert decoder.is_between_frames


def test_payload_is_handed_on_without_being_held_or_copied():
    decoder = FrameDecoder()
    data = encode_header(DATA, 0, 1, 2**32 - 1) + bytes(1000)
    _, fragment = decoder.receive_data(data)
    assert isinstance(fragment, memoryview)
    assert fragment.obj is data
    assert len(fragment) == 1000


@pytest.mark.parametrize("start", [b"\x01\x00", b"\xff\x00", b"\x00\x04", b"\x00\xff"])
def test_refuses_other_versions_and_types(start: bytes):
    with pytest.raises(RemoteProtocolError, match="version"):
        list(FrameDecoder().receive_data(start + bytes(10)))


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_any_bytes_give_frames_or_an_error(pieces: list[bytes]):
    decoder = FrameDecoder()
    try:
        total = sum(
            len(item) if isinstance(item, memoryview) else 12
            for piece in pieces
            for item in decoder.receive_data(piece)
        )
    except RemoteProtocolError:
        return
    assert sum(map(len, pieces)) - total < 12
