"""What is known for sure of who is where in the keyspace: regions that lookups have covered.

Rules: pure. A lookup finds the k servers nearest to a point. So of the region around the point that reaches out to the
farthest of them, every server is known, and one lookup serves every key whose own k nearest lie in covered regions:
10,000 keys among 200 servers take some twenty lookups instead of 10,000. (The idea is that of Kubo's "provide sweep",
ipshipyard.com/blog/2025-dht-provide-sweep; the bookkeeping is shoal's own.)

A *region* is a prefix of the keyspace: (bits, value), its first `bits` bits being `value`; (0, 0) is everything.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

POINT_BITS = 256


@dataclass(frozen=True, slots=True)
class Region:
    """All points whose first `bits` bits are `value`."""

    bits: int
    value: int

    def holds(self, point: int) -> bool:
        """Tell whether a point lies in it."""
        return point >> (POINT_BITS - self.bits) == self.value

    def lies_in(self, other: Region) -> bool:
        """Tell whether it is a part of `other`, or the same."""
        return self.bits >= other.bits and self.value >> (self.bits - other.bits) == other.value

    @property
    def parent(self) -> Region:
        """The region of twice its size that it lies in."""
        return Region(self.bits - 1, self.value >> 1)

    @property
    def sibling(self) -> Region:
        """The other half of its parent."""
        return Region(self.bits, self.value ^ 1)

    @property
    def halves(self) -> tuple[Region, Region]:
        """The two regions of half its size in it."""
        return Region(self.bits + 1, self.value << 1), Region(self.bits + 1, self.value << 1 | 1)


def region_of(point: int, bits: int) -> Region:
    """Return the region of `bits` bits that a point lies in."""
    return Region(bits, point >> (POINT_BITS - bits))


EVERYTHING = Region(0, 0)


class Coverage:
    """Servers and the regions in which no other is. `k` is how many hold each record."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._points: list[int] = []  # of all servers found, sorted
        self._servers: dict[int, str] = {}  # point -> server
        self._covered: set[Region] = set()  # none inside another, no two that are halves of one

    def __len__(self) -> int:
        """How many servers are known."""
        return len(self._points)

    @property
    def is_everything(self) -> bool:
        """Whether every server of the network is known: it has fewer than k, or lookups have been everywhere."""
        return EVERYTHING in self._covered

    def add(self, target: int, nearest: Iterable[tuple[int, str]]) -> None:
        """Take in a lookup: the up to k servers nearest to `target` that are there, as (point, server)."""
        found = dict(nearest)
        for point, server in found.items():
            if point not in self._servers:
                insort(self._points, point)
            self._servers[point] = server
        if len(found) < self._k:
            self._cover(EVERYTHING)
        else:
            farthest = max(point ^ target for point in found)
            # Whatever shares one bit more with the target than the farthest does is nearer, and so was found.
            self._cover(region_of(target, min(POINT_BITS, POINT_BITS - farthest.bit_length() + 1)))

    def drop(self, point: int) -> None:
        """Forget a server that turned out not to be there; the next nearest takes its place."""
        if self._servers.pop(point, None) is not None:
            del self._points[bisect_left(self._points, point)]

    def nearest(self, point: int) -> list[str] | None:
        """Return the k servers nearest to a point, nearest first; None if that isn't known for sure."""
        region = self._covering(point)
        if region is None:
            return None
        low, high = self._span(region)
        if high - low < self._k and region != EVERYTHING:
            return None
        while region.bits < POINT_BITS:  # the smallest region around the point that has k will do, with few to sort
            half = region_of(point, region.bits + 1)
            half_low, half_high = self._span(half)
            if half_high - half_low < self._k:
                break
            region, low, high = half, half_low, half_high
        near = heapq.nsmallest(self._k, self._points[low:high], key=lambda other: other ^ point)
        return [self._servers[other] for other in near]

    def unknown_beside(self, point: int) -> Region | None:
        """Return the region to look into next so that `nearest(point)` becomes known; None: around the point itself."""
        region = self._covering(point)
        if region is None or not region.bits:
            return None
        unknown = region.sibling
        while any(region.lies_in(unknown) for region in self._covered):
            first, second = unknown.halves
            unknown = second if first in self._covered else first
        return unknown

    def _covering(self, point: int) -> Region | None:
        return next((region for region in self._covered if region.holds(point)), None)

    def _span(self, region: Region) -> tuple[int, int]:
        """Where in the sorted points a region's servers stand."""
        shift = POINT_BITS - region.bits
        low = bisect_left(self._points, region.value << shift)
        return low, bisect_left(self._points, (region.value + 1) << shift, low)

    def _cover(self, region: Region) -> None:
        if any(region.lies_in(other) for other in self._covered):
            return
        self._covered = {other for other in self._covered if not other.lies_in(region)}
        while region.bits and region.sibling in self._covered:
            self._covered.discard(region.sibling)
            region = region.parent
        self._covered.add(region)


def network_size(spans: Sequence[tuple[int, int]]) -> float:
    """Return how many servers the network has, from lookups' (servers found, distance of the farthest); 0 from none.

    Of N points spread evenly the k-th nearest is at k/(N+1) of the keyspace, and k - 1 makes the estimate unbiased (as
    in go-libp2p-kad-dht's netsize). The median of the lookups is not led astray by a crowded corner.
    """
    guesses = sorted((found - 1) * 2**POINT_BITS / max(1, distance) for found, distance in spans)
    return guesses[len(guesses) // 2] if guesses else 0.0


def region_bits(size: float, k: int) -> int:
    """Return how many bits the regions have in which `size` servers make k each, at least."""
    return max(0, int(size / k).bit_length() - 1)
