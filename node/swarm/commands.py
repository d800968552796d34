"""What a `Download` tells its driver: commands to carry out, and verdicts about data that came in.

Rules: frozen values only, in the words of the exchange protocol; nothing here decides. Offsets and lengths are bytes
within one chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class RequestRange:
    """Ask `peer` for `length` bytes of `chunk` from `offset` on."""

    peer: str
    chunk: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class CancelRange:
    """Tell `peer` that the answer to exactly this earlier request isn't wanted any more.

    The request still ends with its last DATA or with a REJECT: hand either to the `Download` as for any other. A driver
    that has heard of the end already, in a message it hasn't handed on yet, says nothing.
    """

    peer: str
    chunk: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class BanPeer:
    """End the session with `peer` and never open another for this manifest; `reason` is for people."""

    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class DropChunk:
    """Forget the bytes of `chunk` gathered so far: it is not being downloaded for now."""

    chunk: int


Command = RequestRange | CancelRange | BanPeer | DropChunk


class Span(NamedTuple):
    """The bytes `start` ≤ i < `end` of one chunk."""

    start: int
    end: int


class DataVerdict(NamedTuple):
    """What to do with the payload of one DATA message.

    `keep` names the parts of it to write into the chunk's buffer: usually all of it, none when the range was cancelled
    or came from elsewhere first, and in an endgame sometimes a part, because a byte that is here already must never be
    overwritten by a second source's. `complete`: every byte of the chunk is here now, hash it; said once per try.
    """

    keep: tuple[Span, ...]
    complete: bool
