"""Counting who has what, against counting the slow way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.availability import MAX_NEWS, Availability, mask_of, mask_of_chunks
from protocols.bitfield import Bitfield

CHUNKS = 27  # not a multiple of eight, so that there are spare bits


def chunks_of(mask: int, count: int = CHUNKS) -> set[int]:
    return set(Bitfield.from_bytes(count, mask.to_bytes(-(-count // 8), "big")))


def masks():
    return st.sets(st.integers(0, CHUNKS - 1)).map(lambda chunks: mask_of_chunks(CHUNKS, chunks))


def test_a_mask_is_the_bitfield_on_the_wire():
    bitfield = Bitfield(CHUNKS)
    for chunk in (0, 7, 8, 26):
        bitfield.set(chunk)
    assert mask_of(bitfield) == mask_of_chunks(CHUNKS, (26, 8, 7, 0)) == int.from_bytes(bitfield.to_bytes(), "big")
    assert chunks_of(mask_of(bitfield)) == {0, 7, 8, 26}


@settings(deadline=None)
@given(st.lists(masks(), max_size=12), st.lists(st.integers(0, CHUNKS - 1), max_size=40), st.data())
def test_counts_and_rarest_are_what_counting_one_by_one_gives(bitfields, haves, data):
    availability = Availability(CHUNKS)
    for mask in bitfields:
        availability.add(mask)
    for chunk in haves:
        availability.add_chunk(chunk)
    gone = data.draw(st.lists(st.sampled_from(bitfields), unique_by=id, max_size=5)) if bitfields else []
    for mask in gone:
        availability.remove(mask)
    counts = {
        chunk: sum(chunk in chunks_of(m) for m in bitfields) - sum(chunk in chunks_of(m) for m in gone)
        + haves.count(chunk)
        for chunk in range(CHUNKS)
    }  # fmt: skip
    assert {chunk: availability.of(chunk) for chunk in range(CHUNKS)} == counts
    bits = [chunks_of(plane) for plane in availability.planes()]
    assert {chunk: sum(1 << k for k, plane in enumerate(bits) if chunk in plane) for chunk in range(CHUNKS)} == counts
    assert chunks_of(availability.anywhere()) == {chunk for chunk, count in counts.items() if count}
    some = data.draw(masks())
    if some:
        fewest = min(counts[chunk] for chunk in chunks_of(some))
        assert chunks_of(availability.rarest(some)) == {c for c in chunks_of(some) if counts[c] == fewest}


def test_haves_nobody_looks_at_are_counted_now_and_then_all_the_same():
    availability = Availability(CHUNKS)
    for _ in range(2 * MAX_NEWS + 1):
        availability.add_chunk(5)
    assert availability.of(5) == 2 * MAX_NEWS + 1


def test_a_share_without_chunks_has_nothing_anywhere():
    assert Availability(0).anywhere() == 0
    assert mask_of(Bitfield(0)) == 0
