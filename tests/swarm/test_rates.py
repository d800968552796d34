"""How fast bytes come: averages that are right from the start, and the pace between waits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.rates import QUIET_S, ActiveAverage, Pace, Rate


def steady(rate: Rate, bps: int, start: float, seconds: float, step: float = 0.1) -> float:
    now = start
    while now < start + seconds:
        now += step
        rate.add(int(bps * step), now)
    return now


def test_nothing_received_is_no_rate():
    assert Rate().bps(5.0) == 0.0


@pytest.mark.parametrize("time_s", [3.0, 20.0])
@pytest.mark.parametrize("seconds", [1.0, 5.0, 60.0])
def test_a_steady_stream_is_measured_right_from_the_first_second_on(time_s, seconds):
    rate = Rate(time_s)
    now = steady(rate, 1_000_000, 50.0, seconds)
    assert rate.bps(now) == pytest.approx(1_000_000, rel=0.15)


def test_one_burst_is_not_taken_for_its_instant():
    rate = Rate()
    rate.add(1_000_000, 50.0)
    assert rate.bps(50.0) < 3_000_000


def test_a_rate_dies_away_after_the_last_byte_and_the_short_one_sooner():
    short, long = Rate(3.0), Rate(20.0)
    steady(short, 1_000_000, 0.0, 60.0)
    now = steady(long, 1_000_000, 0.0, 60.0)
    assert short.bps(now + 10.0) < 50_000 < 500_000 < long.bps(now + 10.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0.0, 10.0)), min_size=1))
def test_a_rate_is_never_negative_and_counts_every_byte(arrivals):
    rate, now = Rate(), 0.0
    for size, pause in arrivals:
        now += pause
        rate.add(size, now)
        assert rate.bps(now) > 0.0
    assert rate.total == sum(size for size, _ in arrivals)


def test_a_pace_needs_some_sending_to_be_known():
    pace = Pace()
    assert pace.bps() is None
    pace.add(1 << 20, 0.01)
    assert pace.bps() is None, "a burst out of buffers says nothing"
    pace.add(1 << 20, 0.99)
    assert pace.bps() == pytest.approx(2 << 20, rel=0.2)


def test_a_pace_follows_a_line_that_gets_slow():
    pace = Pace()
    for _ in range(100):
        pace.add(100_000, 0.1)
    for _ in range(10):
        pace.add(1_000, 1.0)
    assert pace.bps() < 60_000


def test_the_average_of_a_download_is_over_the_time_in_which_it_was_active():
    average = ActiveAverage()
    assert average.bps() is None
    for start in (0.0, 4_000.0):  # it was paused for an hour in between
        average.begin()
        for step in range(41):
            average.add(1_000, start + step / 4)
    assert average.bps() == pytest.approx(4_000)
    average.add(4_000 * int(QUIET_S), 9_000.0)  # a stall: only what may be a wait counts
    assert average.bps() == pytest.approx(4_000)


def test_the_average_says_nothing_of_the_first_moment():
    average = ActiveAverage()
    average.add(1 << 20, 1.0)
    average.add(1 << 20, 1.1)
    assert average.bps() is None
