"""What lookups cover: the k nearest servers of every key in a covered region, exactly, from few lookups."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.net.kad_regions import EVERYTHING, POINT_BITS, Coverage, Region, network_size, region_bits, region_of

K = 5


class Network:
    """Servers at random points, and lookups that find the nearest ones."""

    def __init__(self, size, seed, k=K):
        self.rng = random.Random(seed)
        self.points = [self.rng.getrandbits(POINT_BITS) for _ in range(size)]
        self.k = k
        self.lookups = 0

    def nearest(self, point):
        return sorted(self.points, key=lambda other: other ^ point)[: self.k]

    def look_up(self, coverage, point):
        self.lookups += 1
        coverage.add(point, [(other, f"{other:x}") for other in self.nearest(point)])

    def learn(self, coverage, point):
        """Look around until the point's nearest are known, as the sweep does."""
        while coverage.nearest(point) is None:
            region = coverage.unknown_beside(point)
            if region is None:
                self.look_up(coverage, point)
            else:
                assert not region.holds(point)
                rest = POINT_BITS - region.bits
                self.look_up(coverage, region.value << rest | self.rng.getrandbits(rest))


@settings(max_examples=40)
@given(size=st.integers(0, 80), seed=st.integers(0, 2**32), k=st.integers(4, 8))
def test_what_is_known_is_the_truth(size, seed, k):
    network = Network(size, seed, k)
    coverage = Coverage(k)
    for _ in range(30):
        point = network.rng.getrandbits(POINT_BITS)
        network.learn(coverage, point)
        assert coverage.nearest(point) == [f"{other:x}" for other in network.nearest(point)]
    if size < k:
        assert coverage.is_everything
        assert network.lookups == 1


def test_thousands_of_keys_take_a_dozen_lookups():
    network = Network(200, seed=1, k=20)
    coverage = Coverage(20)
    for _ in range(5000):
        network.learn(coverage, network.rng.getrandbits(POINT_BITS))
    assert len(coverage) == 200
    assert coverage.is_everything
    assert network.lookups < 30


def test_nothing_is_known_before_the_first_lookup():
    coverage = Coverage(K)
    assert coverage.nearest(0) is None
    assert coverage.unknown_beside(0) is None
    assert not coverage.is_everything


def test_who_is_gone_is_replaced_by_the_next_nearest_or_by_a_further_lookup():
    network = Network(40, seed=2)
    coverage = Coverage(K)
    point = network.rng.getrandbits(POINT_BITS)
    network.learn(coverage, point)
    for _ in range(30):
        gone = network.nearest(point)[0]
        network.points.remove(gone)
        coverage.drop(gone)
        coverage.drop(gone)
        network.learn(coverage, point)
        assert coverage.nearest(point) == [f"{other:x}" for other in network.nearest(point)]


def test_a_smaller_network_than_k_is_known_whole_and_stays_so_when_servers_go():
    coverage = Coverage(K)
    coverage.add(0, [(1, "a"), (2, "b")])
    assert coverage.nearest(3) == ["b", "a"]
    coverage.drop(2)
    assert coverage.nearest(3) == ["a"]


def test_a_wider_lookup_takes_in_the_narrower_ones():
    coverage = Coverage(2)
    top = 1 << (POINT_BITS - 1)
    coverage.add(0, [(0, "a"), (1, "b")])
    assert coverage.nearest(top) is None
    coverage.add(0, [(0, "a"), (top, "c")])  # the farthest is in the other half, so this half is covered
    coverage.add(0, [(0, "a"), (1, "b")])
    assert coverage.unknown_beside(0) is None or not coverage.unknown_beside(0).holds(0)
    assert coverage.nearest(0) == ["a", "b"]


def test_regions():
    region = region_of(0b1011 << (POINT_BITS - 4), 4)
    assert region == Region(4, 0b1011)
    assert region.parent == Region(3, 0b101)
    assert region.sibling == Region(4, 0b1010)
    assert region.halves == (Region(5, 0b10110), Region(5, 0b10111))
    assert region.lies_in(EVERYTHING)
    assert region.lies_in(region)
    assert not EVERYTHING.lies_in(region)
    assert EVERYTHING.holds(2**POINT_BITS - 1)


@pytest.mark.parametrize("size", [50, 200, 2000])
def test_a_few_lookups_tell_the_networks_size(size):
    network = Network(size, seed=size, k=20)
    spans = []
    for _ in range(16):
        point = network.rng.getrandbits(POINT_BITS)
        spans.append((20, network.nearest(point)[-1] ^ point))
    assert size / 1.6 < network_size(spans) < size * 1.6


def test_regions_are_as_large_as_the_network_is_small():
    assert network_size([]) == 0
    assert [region_bits(size, 20) for size in (0, 1, 39, 40, 200, 10_000)] == [0, 0, 0, 1, 3, 8]
