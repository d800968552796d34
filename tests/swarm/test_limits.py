"""Bandwidth limits: averages that hold, debts, and changes while in use."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.limits import SMALLEST_SLICE, TokenBucket, ready_at


def spend_for(bucket: TokenBucket, start: float, seconds: float, size: int) -> int:
    """Spend as soon as it is allowed; the bytes spent."""
    now, spent = start, 0
    while (ready := bucket.ready_at(now)) <= start + seconds:
        now = max(now, ready)
        bucket.spend(size, now)
        spent += size
    return spent


def test_no_limit_lets_everything_through_at_once():
    bucket = TokenBucket(None, 0.0)
    bucket.spend(1 << 40, 1.0)
    assert bucket.ready_at(1.0) == 1.0
    assert bucket.slice(1 << 30) == 1 << 30
    assert bucket.bps is None


def test_zero_lets_nothing_through_ever():
    assert TokenBucket(0, 0.0).ready_at(1000.0) == inf


@settings(deadline=None)
@given(bps=st.integers(20_000, 10_000_000), messages=st.floats(0.5, 100.0))
def test_the_average_holds_for_any_size_of_message(bps, messages):
    size = int(bps / messages)  # so many fit into a second
    spent = spend_for(TokenBucket(bps, 0.0), 0.0, 20.0, size)
    assert bps * 20 - size <= spent <= bps * 20.5 + size + 1


def test_saving_while_idle_is_bounded():
    bucket = TokenBucket(1000, 0.0)
    assert spend_for(bucket, 3600.0, 0.0, 10) <= 510


def test_a_low_limit_is_taken_in_small_slices():
    assert TokenBucket(10_000, 0.0).slice(1 << 20) == SMALLEST_SLICE
    assert TokenBucket(1_000_000, 0.0).slice(1 << 20) == 250_000
    assert TokenBucket(1_000_000, 0.0).slice(1000) == 1000


def test_a_debt_is_waited_off_faster_when_the_limit_is_raised():
    bucket = TokenBucket(1000, 0.0)
    bucket.spend(10_500, 0.0)
    assert bucket.ready_at(0.0) == pytest.approx(10.0, abs=0.01)
    bucket.set_bps(100_000, 1.0)
    assert bucket.ready_at(1.0) == pytest.approx(10.0, abs=0.01), "the debt was made at the old rate"
    assert bucket.bps == 100_000


def test_lifting_a_limit_forgets_the_debt_and_setting_one_starts_fresh():
    bucket = TokenBucket(1000, 0.0)
    bucket.spend(1 << 20, 0.0)
    bucket.set_bps(None, 1.0)
    assert bucket.ready_at(1.0) == 1.0
    bucket.set_bps(1000, 2.0)
    assert bucket.ready_at(2.0) == pytest.approx(2.0, abs=0.01)


def test_a_limit_of_zero_can_be_raised_again():
    bucket = TokenBucket(0, 0.0)
    bucket.spend(100, 0.0)
    bucket.set_bps(1000, 5.0)
    assert bucket.ready_at(5.0) == pytest.approx(5.1, abs=0.01)
    bucket.set_bps(10, 6.0)
    assert spend_for(bucket, 6.0, 1.0, 1) <= 16, "savings are cut to the new burst"


def test_several_limits_hold_together():
    fast, slow = TokenBucket(1 << 20, 0.0), TokenBucket(1000, 0.0)
    for bucket in (fast, slow):
        bucket.spend(5_500, 0.0)
    assert ready_at((fast, slow), 0.0) == pytest.approx(5.0, abs=0.01)
    assert ready_at((), 7.0) == 7.0
