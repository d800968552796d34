"""The size of batches: long where they leave fast, short where they don't, and steady in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocols.yamux.batch import FIRST, LEAST, MOST, SLOW_S, BatchSize


def settled(bps: float) -> BatchSize:
    """After ten seconds of full batches over a connection that takes so much."""
    size, now = BatchSize(), 0.0
    while now < 10.0:
        seconds = size.bytes / bps
        now += seconds
        size.sent(size.bytes, seconds)
    return size


def test_a_fast_connection_gets_the_longest_batches():
    assert settled(600e6).bytes == settled(400e6).bytes == MOST


def test_on_a_slow_one_nothing_waits_behind_more_than_one_noise_message():
    assert settled(1e6).bytes == settled(100e3).bytes == LEAST


@given(st.floats(LEAST / SLOW_S, 1e10))
def test_a_steady_connection_gets_a_steady_size_that_leaves_in_time(bps):
    size = settled(bps)
    before = size.bytes
    assert before / bps <= SLOW_S
    assert not size.sent(before, before / bps)
    assert size.bytes == before


def test_a_batch_that_is_not_full_shows_nothing_about_longer_ones():
    size = BatchSize()
    assert not size.sent(FIRST - 1, 0.0)
    assert size.bytes == FIRST
    assert size.sent(100, 1.0), "but a slow one does"
    assert size.bytes < FIRST
