"""The chunk map against one drawn chunk by chunk."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services.chunk_map import ChunkMap, copies_among, distributed_copies
from node.swarm.availability import Availability, mask_of, mask_of_chunks
from protocols.bitfield import Bitfield
from tests.timing import attempts


def a_map(count: int, have: set[int], peers: list[set[int]], **known: frozenset[int]) -> ChunkMap:
    field = Bitfield(count)
    for chunk in have:
        field.set(chunk)
    return ChunkMap(count, field.to_bytes(), planes=planes_as_bytes(count, peers), **known)


def planes_as_bytes(count: int, peers: list[set[int]]) -> tuple[bytes, ...]:
    availability = Availability(count)
    for peer in peers:
        availability.add(mask_of_chunks(count, peer))
    return tuple(plane.to_bytes(-(-count // 8), "big") for plane in availability.planes())


def worst(chunks: range, have: set[int], flying: set[int], bad: set[int], peers: list[set[int]]) -> str:
    missing = [chunk for chunk in chunks if chunk not in have]
    if set(missing) & bad:
        return "x"
    waiting = [chunk for chunk in missing if chunk not in flying]
    if not waiting:
        return "v" if missing else "#"
    return str(min(9, min(sum(chunk in peer for peer in peers) for chunk in waiting))).replace("0", ".")


@st.composite
def shares(draw):
    count = draw(st.integers(1, 70))
    some = st.sets(st.integers(0, count - 1))
    return count, draw(some), draw(some), draw(some), draw(st.lists(some, max_size=12)), draw(st.integers(1, 90))


@given(shares())
def test_every_cell_is_the_worst_of_its_chunks(share):
    count, have, flying, bad, peers, wanted = share
    drawn = a_map(count, have, peers, in_flight=frozenset(flying), bad=frozenset(bad)).cells(wanted)
    cells = min(wanted, count)
    spans = [range(at * count // cells, (at + 1) * count // cells) for at in range(cells)]
    assert drawn == "".join(worst(span, have, flying, bad, peers) for span in spans)


@given(shares())
def test_distributed_copies_count_the_whole_ones_and_the_share_that_has_more(share):
    count, peers = share[0], share[4]
    availability = Availability(count)
    for peer in peers:
        availability.add(mask_of_chunks(count, peer))
    copies = [sum(chunk in peer for peer in peers) for chunk in range(count)]
    more = sum(number > min(copies) for number in copies)
    assert distributed_copies(count, availability.planes()) == min(copies) + more / count


def test_a_share_without_chunks_has_neither_cells_nor_copies():
    assert ChunkMap(0, b"").cells(10) == ""
    assert distributed_copies(0, ()) == 0.0


def test_a_complete_share_is_drawn_at_once():
    count = 2_000_003
    for attempt in attempts(0.2, time.process_time):
        with attempt:
            assert ChunkMap(count, Bitfield.full(count).to_bytes()).cells(65_536) == "#" * 65_536


def test_two_million_chunks_take_a_screen_no_longer_than_a_few_thousand():
    count = 2_000_003
    have = Bitfield(count)
    for chunk in range(0, count, 3):
        have.set(chunk)
    plane = mask_of(Bitfield.full(count)).to_bytes(-(-count // 8), "big")
    for attempt in attempts(0.5, time.process_time):
        with attempt:
            assert ChunkMap(count, have.to_bytes(), planes=(plane, plane)).cells(3000) == "3" * 3000


def test_copies_among_peers_are_counted_by_what_they_say():
    assert copies_among([]) is None
    some = Bitfield(10)
    for chunk in range(4):
        some.set(chunk)
    assert copies_among([some]) == pytest.approx(0.4)
    assert copies_among([Bitfield.full(10), some, Bitfield.full(10)]) == pytest.approx(2.4)
