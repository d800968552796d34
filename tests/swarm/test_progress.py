"""A chunk on its way: which bytes are here and whose they are, against a model with one entry per byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.commands import Span
from node.swarm.progress import ChunkProgress, OpenRequest

LENGTH = 40

spans = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).filter(lambda span: span[0] < span[1])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), spans)))
def test_every_byte_belongs_to_whoever_sent_it_first(arrivals):
    progress = ChunkProgress(0, LENGTH)
    owner: dict[int, str] = {}
    for peer, (start, end) in arrivals:
        new = {place for place in range(start, end) if place not in owner}
        kept = progress.accept(peer, start, end)
        assert {place for span in kept for place in range(*span)} == new
        assert list(kept) == sorted(kept)
        owner.update(dict.fromkeys(new, peer))
        assert progress.arrived_bytes == len(owner)
    assert progress.is_complete == (len(owner) == LENGTH)
    assert progress.suppliers == frozenset(owner.values())
    assert {p: s.peer for s in progress.supplies for p in range(s.start, s.end)} == owner
    missing = {place for span in progress.missing(0, LENGTH) for place in range(*span)}
    assert missing == set(range(LENGTH)) - set(owner)


@settings(deadline=None)
@given(st.lists(spans), st.lists(st.tuples(spans, st.booleans())))
def test_unasked_is_what_is_neither_here_nor_counted_on(arrived, asked):
    progress = ChunkProgress(0, LENGTH)
    expected = set(range(LENGTH))
    for start, end in arrived:
        progress.accept("a", start, end)
        expected -= set(range(start, end))
    for (start, end), released in asked:
        progress.requests.append(OpenRequest("b", 0, start, end - start, 0.0, is_released=released))
        if not released:
            expected -= set(range(start, end))
    assert {place for span in progress.unasked() for place in range(*span)} == expected


def test_the_next_bytes_of_one_answer_are_one_supply():
    progress = ChunkProgress(0, LENGTH)
    progress.accept("a", 0, 10)
    progress.accept("a", 10, 20)
    progress.accept("b", 20, 30)
    assert [(supply.start, supply.end, supply.peer) for supply in progress.supplies] == [(0, 20, "a"), (20, 30, "b")]


def test_a_request_knows_what_is_left_of_it():
    request = OpenRequest("a", 3, offset=10, length=20, issued_at=0.0, received=5)
    assert (request.next_offset, request.end, request.remaining) == (15, 30, 15)
    assert ChunkProgress(3, LENGTH).missing(5, 5) == ()
    assert ChunkProgress(3, LENGTH).missing(5, 6) == (Span(5, 6),)
