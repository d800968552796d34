"""The chunk map: every chunk of a share in as many cells as a screen has, and how well the chunks are spread. Pure.

Rules: a cell of several chunks shows the worst of them, exactly and whatever their number; sets of chunks are long
integers as in `node.swarm.availability`, so no cell loops over its chunks. It is for a thread all the same: sixty
thousand cells are a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.swarm.availability import Availability, mask_of
from protocols.bitfield import Bitfield

HAVE, IN_FLIGHT, MISSING, BAD = "#", "v", ".", "x"

MOST_COPIES = 9
"""A digit's worth; whether nine or ninety have a chunk changes nothing."""


@dataclass(frozen=True, slots=True)
class ChunkMap:
    """What is known of a share's chunks at one moment; sets and planes are bitfields as bytes, chunk 0 first."""

    count: int
    have: bytes
    in_flight: frozenset[int] = frozenset()
    bad: frozenset[int] = frozenset()  # their last copy was wrong, and none has come since
    planes: tuple[bytes, ...] = ()  # plane k holds bit k of each chunk's number of copies among the connected peers

    @property
    def missing(self) -> int:
        """The set of chunks that aren't here, as the planes of `node.swarm.availability` have their bits."""
        everything = (1 << self.count) - 1 << -self.count % 8
        return everything & ~int.from_bytes(self.have, "big")

    def cells(self, wanted: int) -> str:
        """One cell a chunk, or the worst of several where there are more than `wanted`, from the first to the last.

        Worst first: a bad chunk, then a missing one by its copies (`.` for none, else 1 to 9), then one in flight.
        """
        cells = min(wanted, self.count)
        if int.from_bytes(self.have, "big").bit_count() == self.count:
            return HAVE * cells
        bad, flying = self._by_cell(self.bad, cells), self._by_cell(self.in_flight, cells)
        return "".join(self._cell(at, cells, bad.get(at, 0), flying.get(at, 0)) for at in range(cells))

    def _cell(self, at: int, cells: int, bad: int, flying: int) -> str:
        span = range(at * self.count // cells, (at + 1) * self.count // cells)
        missing = (1 << len(span)) - 1 & ~self._part(self.have, span)
        if bad & missing:
            return BAD
        if not missing:
            return HAVE
        waiting = missing & ~flying
        if not waiting:
            return IN_FLIGHT
        copies, _ = rarest(waiting, [self._part(plane, span) for plane in self.planes])
        return str(min(copies, MOST_COPIES)) if copies else MISSING

    def _part(self, bitfield: bytes, span: range) -> int:
        """The bits of some chunks in a row, the first of them the highest."""
        first, last = span.start >> 3, (span.stop + 7) >> 3
        bits = int.from_bytes(bitfield[first:last], "big") >> (last * 8 - span.stop)
        return bits & ((1 << len(span)) - 1)

    def _by_cell(self, chunks: Iterable[int], cells: int) -> dict[int, int]:
        """The set of those chunks that each cell has, as the bits of its own span."""
        found: dict[int, int] = {}
        for chunk in chunks:
            at = ((chunk + 1) * cells - 1) // self.count
            stop = (at + 1) * self.count // cells
            found[at] = found.get(at, 0) | 1 << (stop - 1 - chunk)
        return found


def rarest(chunks: int, planes: Sequence[int]) -> tuple[int, int]:
    """How many copies the rarest of a set of chunks have, and the set of those that have no more."""
    copies = 0
    for number in range(len(planes) - 1, -1, -1):
        if fewer := chunks & ~planes[number]:
            chunks = fewer
        else:
            copies |= 1 << number
    return copies, chunks


def distributed_copies(count: int, planes: Sequence[int]) -> float:
    """Whole copies of the share among the connected peers, and the part of its chunks that have one more.

    2.4 says: every chunk is there twice, and four of ten more often. `planes` are of `node.swarm.availability`.
    """
    if not count:
        return 0.0
    spare = -count % 8
    everything = (1 << count) - 1 << spare
    copies, fewest = rarest(everything, planes)
    return copies + (count - fewest.bit_count()) / count


def copies_among(bitfields: Sequence[Bitfield]) -> float | None:
    """The same for what some peers have said they have, all of one share; None if nobody has said anything."""
    if not bitfields:
        return None
    among = Availability(bitfields[0].length)
    for bitfield in bitfields:
        among.add(mask_of(bitfield))
    return distributed_copies(bitfields[0].length, among.planes())
