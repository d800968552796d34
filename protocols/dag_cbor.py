"""Strict DAG-CBOR from bytes nobody vouches for, and back.

Source: https://ipld.io/specs/codecs/dag-cbor/spec/.

Rules: `cbrrr` reads and writes, and takes one encoding for each value: sorted keys, shortest heads, definite
lengths, no tag but 42, nothing behind the end. What it doesn't bound is bounded here, before it runs: it makes a
list as long as its head claims and goes as deep as the bytes do, so that 100 KB of `[[[…` or 9 bytes of "a list of
a billion" would cost what they claim (CVE-2026-26209 in cbor2, the preallocation of go-ipld-prime).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cbrrr

from protocols.cid import Cid
from protocols.errors import RemoteProtocolError

# How much of cbrrr's explanation is kept: it quotes keys, which may be as long as the block.
MAX_REASON: Final = 120

_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6  # CBOR's major types that have something behind their head


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of block may cost to decode.

    In bytes, levels of nesting, and values, where keys and containers count too.
    """

    size: int
    depth: int
    items: int


def _whole_size(head: int) -> int:
    """How long a value is whose first byte says it all, else 0."""
    major, info = head >> 5, head & 0x1F
    if major in (0, 1):
        return 1 if info < 24 else {24: 2, 25: 3, 26: 5, 27: 9}.get(info, 0)
    if major in (_BYTES, _TEXT):
        return 1 + info if info < 24 else 0
    return {0xF4: 1, 0xF5: 1, 0xF6: 1, 0xFB: 9}.get(head, 0)  # false, true, null, a 64-bit float


_WHOLE_SIZES: Final = tuple(map(_whole_size, range(256)))


def encode(value: dict[str, Any]) -> bytes:
    """The one DAG-CBOR encoding of a map; links in it are `Cid`s."""
    return cbrrr.encode_dag_cbor(value, cid_type=Cid)


def decode(block: bytes, limits: Limits, what: str, link: Callable[[bytes], object] = Cid.from_bytes) -> object:
    """The value a block holds, with links as `link` makes them of a CID's bytes.

    Raises `RemoteProtocolError` saying what is wrong with `what`, say "The manifest".
    """
    if len(block) > limits.size:
        raise RemoteProtocolError(f"{what} has {len(block)} bytes, more than {limits.size}.")
    _check_shape(block, limits, what)
    try:
        return cbrrr.decode_dag_cbor(block, cid_ctor=link)
    except ValueError as error:
        reason = str(error)[:MAX_REASON].rstrip(".")
    raise RemoteProtocolError(f"{what} is not strict DAG-CBOR: {reason}.")


def _check_shape(block: bytes, limits: Limits, what: str) -> None:
    """Walk the heads of all values, keeping nothing but counts.

    Up to the first illegal head this sees what cbrrr will see, and there cbrrr stops: so what it builds is bounded.
    """
    position = 0
    left = 1  # values still to come in the innermost container
    outer: list[int] = []  # the same for each container around it
    items = 1
    try:
        while left or outer:
            if not left:
                left = outer.pop()
                continue
            left -= 1
            whole = _WHOLE_SIZES[block[position]]
            if whole:
                position += whole
                continue
            major, number, position = _read_head(block, position, what)
            if major in (_BYTES, _TEXT):
                position += number
            elif major in (_ARRAY, _MAP):
                members = number * (major - 3)
                items += members
                if items > limits.items:
                    raise RemoteProtocolError(f"{what} has more than {limits.items} values in it.")
                outer.append(left)
                left = members
                if len(outer) > limits.depth:
                    raise RemoteProtocolError(f"{what} is nested deeper than {limits.depth}.")
            else:
                left += major == _TAG  # a tag stands before its value; cbrrr judges the rest
    except IndexError:
        raise RemoteProtocolError(f"{what} ends in the middle of a value.") from None
    if position != len(block):
        raise RemoteProtocolError(f"{what} doesn't end where its value does.")


def _read_head(block: bytes, position: int, what: str) -> tuple[int, int, int]:
    """The major type and number of the head at `position`, and the position behind it."""
    major, number = block[position] >> 5, block[position] & 0x1F
    position += 1
    if number < 24:
        return major, number, position
    if number > 27:
        raise RemoteProtocolError(f"{what} has a value of indefinite or reserved length.")
    end = position + (1 << (number - 24))
    return major, int.from_bytes(block[position:end], "big"), end
