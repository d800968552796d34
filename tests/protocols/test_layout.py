"""One table lays messages out: what is written by it is read by it, and its bounds hold for whoever sends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import MAX_UVARINT, FrameDecoder, encode_uvarint
from protocols.layout import BULK, BYTES, LAST_TEXT, NUMBER, TEXT, Layout, Layouts, list_of, rest_of


class Type(IntEnum):
    """The types of a protocol made up for this page."""

    NOTE = 1
    PARCEL = 2
    NUMBERS = 3
    NOTHING = 4


@dataclass(frozen=True)
class Note:
    """Texts: one that says how long it is, and one that ends with the message."""

    title: str
    text: str


@dataclass(frozen=True)
class Parcel:
    """Small things, counted, and something large."""

    tags: tuple[bytes, ...]
    data: bytes | memoryview


@dataclass(frozen=True)
class Numbers:
    """Numbers, up to three of them."""

    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.numbers) > 3:
            raise LocalProtocolError(f"{len(self.numbers)} numbers, where 3 are the most")


@dataclass(frozen=True)
class Nothing:
    """A message without fields."""


LAYOUTS = Layouts(
    Type,
    {
        Type.NOTE: Layout(Note, (("title", TEXT), ("text", LAST_TEXT))),
        Type.PARCEL: Layout(Parcel, (("tags", list_of(BYTES, 4)), ("data", BULK))),
        Type.NUMBERS: Layout(Numbers, (("numbers", rest_of(NUMBER, 3)),)),
        Type.NOTHING: Layout(Nothing, (), extra=2),
    },
    first_optional=0x80,
    max_optional=10,
)
TYPES = {Note: Type.NOTE, Parcel: Type.PARCEL, Numbers: Type.NUMBERS, Nothing: Type.NOTHING}

messages = st.one_of(
    st.builds(Note, st.text(max_size=20), st.text(max_size=20)),
    st.builds(Parcel, st.lists(st.binary(max_size=9), max_size=4).map(tuple), st.binary(max_size=99)),
    st.builds(Numbers, st.lists(st.integers(0, MAX_UVARINT), max_size=3).map(tuple)),
    st.just(Nothing()),
)


def payload_of(message) -> bytes:
    (payload,) = FrameDecoder(1 << 20).feed(b"".join(LAYOUTS.encode(TYPES[type(message)], message)))
    return bytes(payload)


@given(messages)
def test_a_message_comes_back_from_bytes_and_from_a_view(message):
    payload = payload_of(message)
    assert LAYOUTS.decode(payload) == message
    assert LAYOUTS.decode(memoryview(payload)) == message


def test_bulk_is_copied_neither_way():
    data = b"x" * 1000
    _, bulk = LAYOUTS.encode(Type.PARCEL, Parcel((b"fragile",), data))
    assert bulk is data
    payload = payload_of(Parcel((), data))
    assert LAYOUTS.decode(memoryview(payload)).data.obj is payload


REFUSED = {
    "a field longer than the payload": (b"\x01\x05abc", "NOTE: a field claims 5 bytes of the 3 that are left"),
    "a text that is none": (b"\x01\x01\xff", "NOTE: a text is not UTF-8"),
    "a list that claims everything": (
        b"\x02" + encode_uvarint(MAX_UVARINT) + b"\x00" * 99,
        f"PARCEL: a list of {MAX_UVARINT}, where 4 are the most",
    ),
    "a list cut short": (b"\x02\x02\x01a", "PARCEL: the message ends inside a varint"),
    "more than the message takes": (b"\x03" + bytes(99), "NUMBERS: 4 numbers, where 3 are the most"),
    "more behind it than a newer revision may add": (b"\x04abc", "NOTHING: 3 bytes too many at its end"),
    "an unknown type": (b"\x7f", "an unknown message of type 0x7f"),
    "an optional type with too much": (b"\x80" + bytes(10), "an optional message of type 0x80 has 11 bytes, more than"),
}


@pytest.mark.parametrize(("payload", "why"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_table_is_the_peers_fault(payload, why):
    with pytest.raises(RemoteProtocolError) as caught:
        LAYOUTS.decode(payload)
    assert str(caught.value).startswith(why)


def test_an_optional_message_of_an_unknown_type_is_ignored():
    assert LAYOUTS.decode(b"\x80" + bytes(9)) is None
