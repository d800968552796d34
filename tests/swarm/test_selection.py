"""Which chunks are wanted: files skipped, preferred, and the bytes they come to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.availability import mask_of
from node.swarm.selection import Priority, Selection, Wishes, byte_count
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry

GEOMETRY = Geometry(10, (25, 0, 10, 40))  # chunks 0-2, none, 3, 4-7


def chunks(mask: int) -> list[int]:
    return list(Bitfield.from_bytes(GEOMETRY.chunk_count, mask.to_bytes(1, "big")))


def test_everything_is_wanted_alike_when_nothing_is_said():
    selection = Selection(GEOMETRY)
    assert chunks(selection.wanted) == list(range(8))
    assert chunks(selection.most_wanted(selection.wanted)) == list(range(8))


def test_a_skipped_file_is_not_wanted():
    selection = Selection(GEOMETRY, {0: Priority.SKIP, 1: Priority.SKIP})
    assert chunks(selection.wanted) == [3, 4, 5, 6, 7]
    assert not selection.wants(0)
    assert selection.wants(7)


def test_the_highest_priority_goes_first():
    selection = Selection(GEOMETRY, {0: Priority.LOW, 2: Priority.HIGH})
    everything = mask_of(Bitfield.full(8))
    assert chunks(selection.most_wanted(everything)) == [3]
    without_high = everything & ~selection.most_wanted(everything)
    assert chunks(selection.most_wanted(without_high)) == [4, 5, 6, 7]
    assert chunks(selection.most_wanted(0)) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 35), max_size=6), st.data())
def test_bytes_of_chunks_are_counted_right_though_last_chunks_are_short(sizes, data):
    geometry = Geometry(10, tuple(sizes))
    some = Bitfield(geometry.chunk_count)
    for chunk in data.draw(st.sets(st.integers(0, geometry.chunk_count - 1))) if geometry.chunk_count else ():
        some.set(chunk)
    assert byte_count(geometry, some) == sum(geometry.chunk_length(chunk) for chunk in some)


def test_wishes_name_the_files_that_are_not_skipped():
    wishes = Wishes({0: Priority.SKIP, 2: Priority.HIGH})
    assert wishes.wanted(4) == (1, 2, 3)
    assert Wishes().wanted(2) == (0, 1)
