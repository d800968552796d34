"""Which chunks somebody has: a bit for each, with the count always at hand.

Rules: chunk 0 is the highest bit of the first byte (BEP 3), and the spare bits of the last byte are 0; bytes that
break this come from a peer and are its fault. The iterators walk a copy taken when they start, so the bitfield may
change under way, and they skip empty stretches whole: a million chunks cost microseconds when few of them matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from protocols.errors import RemoteProtocolError

# For each byte the places of its set bits, counted from the highest.
_PLACES: Final = tuple(tuple(place for place in range(8) if byte & (0x80 >> place)) for byte in range(256))
_STRETCH: Final = re.compile(rb"[^\0]+")


class Bitfield:
    """A mutable set of chunk numbers below `length`, in a byte for every eight."""

    __slots__ = ("_bits", "_count", "_length")

    def __init__(self, length: int) -> None:
        """An empty bitfield for `length` chunks."""
        self._length = length
        self._bits = bytearray((length + 7) // 8)
        self._count = 0

    @classmethod
    def full(cls, length: int) -> Bitfield:
        """The bitfield of a seeder: every chunk is there."""
        field = cls(length)
        field._bits[:] = _full_bits(length).to_bytes(len(field._bits), "big")
        field._count = length
        return field

    @classmethod
    def from_bytes(cls, length: int, data: bytes | memoryview) -> Bitfield:
        """The bitfield a peer sent.

        Raises `RemoteProtocolError` for a wrong length or set spare bits.
        """
        field = cls(length)
        if len(data) != len(field._bits):
            raise RemoteProtocolError(f"A bitfield of {length} chunks has {len(field._bits)} bytes, not {len(data)}.")
        if length % 8 and data[-1] & (0xFF >> length % 8):
            raise RemoteProtocolError(f"The bitfield has bits set beyond its {length} chunks.")
        field._bits[:] = data
        field._count = int.from_bytes(data, "big").bit_count()
        return field

    def to_bytes(self) -> bytes:
        """The form on the wire and on disk."""
        return bytes(self._bits)

    def copy(self) -> Bitfield:
        """An equal bitfield that changes on its own."""
        field = Bitfield(self._length)
        field._bits[:] = self._bits
        field._count = self._count
        return field

    @property
    def length(self) -> int:
        """How many chunks there are, had or not."""
        return self._length

    @property
    def count(self) -> int:
        """How many chunks are had."""
        return self._count

    @property
    def is_complete(self) -> bool:
        """Whether every chunk is had; so is a share without chunks."""
        return self._count == self._length

    def __getitem__(self, index: int) -> bool:
        self._check(index)
        return bool(self._bits[index >> 3] & (0x80 >> (index & 7)))

    def set(self, index: int) -> bool:
        """Add a chunk; whether it is new."""
        if self[index]:
            return False
        self._bits[index >> 3] |= 0x80 >> (index & 7)
        self._count += 1
        return True

    def clear(self, index: int) -> bool:
        """Take a chunk away; whether it was there."""
        if not self[index]:
            return False
        self._bits[index >> 3] ^= 0x80 >> (index & 7)
        self._count -= 1
        return True

    def __iter__(self) -> Iterator[int]:
        """The chunks had, in order."""
        return _places(bytes(self._bits))

    def missing(self) -> Iterator[int]:
        """The chunks not had, in order."""
        return self._places_of(_full_bits(self._length) ^ self._as_int())

    def missing_from(self, other: Bitfield) -> Iterator[int]:
        """The chunks that `other` has and this one lacks, in order; both have one length."""
        return self._places_of(self._lacking(other))

    def count_missing_from(self, other: Bitfield) -> int:
        """How many chunks `other` has and this one lacks: how interesting it is."""
        return self._lacking(other).bit_count()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bitfield):
            return NotImplemented
        return self._length == other._length and self._bits == other._bits

    # A bitfield changes, so it is no dictionary key.
    __hash__ = None  # type: ignore[assignment]  # the documented way to say so, which typeshed can't express

    def __repr__(self) -> str:
        return f"<Bitfield {self._count} of {self._length}>"

    def _check(self, index: int) -> None:
        if not 0 <= index < self._length:
            raise IndexError(f"chunk {index} of {self._length}")

    def _as_int(self) -> int:
        return int.from_bytes(self._bits, "big")

    def _lacking(self, other: Bitfield) -> int:
        if other._length != self._length:
            raise ValueError(f"bitfields of {self._length} and {other._length} chunks are not of one share")
        return other._as_int() & ~self._as_int()

    def _places_of(self, bits: int) -> Iterator[int]:
        return _places(bits.to_bytes(len(self._bits), "big"))


def _full_bits(length: int) -> int:
    """The first `length` bits set, as the number their bytes spell."""
    return ((1 << length) - 1) << (-length % 8)


def _places(data: bytes) -> Iterator[int]:
    for stretch in _STRETCH.finditer(data):
        first = stretch.start() * 8
        for base, byte in enumerate(stretch[0]):
            for place in _PLACES[byte]:
                yield first + base * 8 + place
