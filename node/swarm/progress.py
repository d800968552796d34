"""One chunk on its way: which bytes are here, from whom, and which are asked for.

Rules: a byte that is here is never replaced, whoever sends it again; who supplied which bytes is kept until the chunk
is verified, because a wrong chunk must be paid for by those who sent it. Spans are half-open and within the chunk.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from node.swarm.commands import Span


@dataclass(slots=True, eq=False)
class OpenRequest:
    """One request that its peer hasn't ended yet, by its last DATA or a REJECT."""

    peer: str
    chunk: int
    offset: int
    length: int
    issued_at: float
    received: int = 0
    is_cancelled: bool = False  # the peer was told; whatever still comes is dropped
    is_released: bool = False  # still welcome, but another peer may be asked for the same bytes
    is_duplicate: bool = False  # asked of a second peer while the first one is still counted on

    @property
    def end(self) -> int:
        """The first byte after the range."""
        return self.offset + self.length

    @property
    def next_offset(self) -> int:
        """Where the next DATA of this request begins."""
        return self.offset + self.received

    @property
    def remaining(self) -> int:
        """Bytes the peer hasn't sent yet."""
        return self.length - self.received


@dataclass(slots=True)
class Supply:
    """Bytes that are here, and who sent them."""

    start: int
    end: int
    peer: str


_START = attrgetter("start")


class ChunkProgress:
    """A chunk of `length` bytes between its first request and its verification.

    `sole` names the only peer that may supply it, where blame must be certain; None if anybody may.
    """

    __slots__ = ("arrived_bytes", "chunk", "length", "requests", "sole", "supplies")

    def __init__(self, chunk: int, length: int, sole: str | None = None) -> None:
        self.chunk = chunk
        self.length = length
        self.sole = sole
        self.arrived_bytes = 0
        self.supplies: list[Supply] = []  # in order, not overlapping
        self.requests: list[OpenRequest] = []  # those not cancelled

    @property
    def is_complete(self) -> bool:
        """Whether every byte is here."""
        return self.arrived_bytes == self.length

    @property
    def suppliers(self) -> frozenset[str]:
        """Everybody who sent bytes that were kept."""
        return frozenset(supply.peer for supply in self.supplies)

    def accept(self, peer: str, start: int, end: int) -> tuple[Span, ...]:
        """Bytes came from a peer: the spans that are new here; they count as supplied by it."""
        new = self.missing(start, end)
        for span in new:
            self.arrived_bytes += span.end - span.start
            self._insert(Supply(span.start, span.end, peer))
        return new

    def missing(self, start: int, end: int) -> tuple[Span, ...]:
        """The spans between two offsets that aren't here."""
        return _gaps(start, end, ((supply.start, supply.end) for supply in self.supplies))

    def unasked(self) -> tuple[Span, ...]:
        """The spans that aren't here and that no peer is counted on for."""
        taken = [(supply.start, supply.end) for supply in self.supplies]
        taken += [(request.next_offset, request.end) for request in self.requests if not request.is_released]
        taken.sort()
        return _gaps(0, self.length, taken)

    def _insert(self, supply: Supply) -> None:
        at = bisect_right(self.supplies, supply.start, key=_START)
        before = self.supplies[at - 1] if at else None
        if before and before.end == supply.start and before.peer == supply.peer:
            before.end = supply.end  # the usual case: the next bytes of the same answer
        else:
            insort(self.supplies, supply, key=_START)


def _gaps(start: int, end: int, taken: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """What `taken` (sorted by start) leaves of start..end."""
    found: list[Span] = []
    for taken_start, taken_end in taken:
        if taken_start >= end:
            break
        if taken_start > start:
            found.append(Span(start, taken_start))
        start = max(start, taken_end)
    if start < end:
        found.append(Span(start, end))
    return tuple(found)
