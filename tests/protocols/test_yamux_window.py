"""When a receive window grows, and what it costs when nobody reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.yamux.limits import INITIAL_WINDOW, MAX_STREAM_WINDOW, MIB, WINDOW_GROWTH_BUDGET
from protocols.yamux.window import ReceiveWindow, WindowBudget

PIECE = 32 * 1024


class Reader:
    """A peer that always fills the window it has, and an application that reads `rate` bytes per second."""

    def __init__(self, window: ReceiveWindow, *, round_trip_s: float) -> None:
        self.window = window
        self.round_trip_s = round_trip_s
        self.now = 0.0
        self.credit = window.credit  # as the peer sees it

    def run(self, size: int, rate: float) -> None:
        for _ in range(size // PIECE):
            self.window.check(PIECE)
            self.window.received(PIECE, self.now)
            self.credit -= PIECE
            self.now += PIECE / rate
            self.credit += self.window.read(PIECE, 0, self.now, self.round_trip_s)
            assert self.credit == self.window.credit


def test_a_fast_reader_gets_the_largest_window():
    window = ReceiveWindow(WindowBudget())
    Reader(window, round_trip_s=0.1).run(200 * MIB, rate=400e6)
    assert window.size == MAX_STREAM_WINDOW


def test_a_window_settles_at_a_few_times_what_the_path_holds():
    window = ReceiveWindow(WindowBudget())
    Reader(window, round_trip_s=0.05).run(100 * MIB, rate=20e6)
    assert 3 * 0.05 * 20e6 <= window.size <= 12 * 0.05 * 20e6


def test_a_slow_reader_keeps_the_initial_window():
    window = ReceiveWindow(WindowBudget())
    Reader(window, round_trip_s=0.02).run(5 * MIB, rate=20e3)
    assert window.size == INITIAL_WINDOW


def test_a_reader_that_leaves_data_lying_keeps_the_initial_window():
    window = ReceiveWindow(WindowBudget())
    for now in range(100):
        size = min(PIECE, window.credit)
        window.received(size, now / 1e6)
        window.read(size, INITIAL_WINDOW // 2, now / 1e6, 0.1)
    assert window.size == INITIAL_WINDOW


def test_a_stream_that_nobody_reads_gets_nothing_beyond_the_initial_window():
    window = ReceiveWindow(WindowBudget())
    window.received(INITIAL_WINDOW, 0.0)
    assert window.credit == 0
    with pytest.raises(RemoteProtocolError, match="0 of window left"):
        window.check(1)


def test_windows_of_a_connection_share_a_budget():
    budget = WindowBudget()
    windows = [ReceiveWindow(budget) for _ in range(5)]
    for window in windows:
        Reader(window, round_trip_s=0.1).run(200 * MIB, rate=400e6)
    assert sum(window.size - INITIAL_WINDOW for window in windows) <= WINDOW_GROWTH_BUDGET
    assert min(window.size for window in windows) >= INITIAL_WINDOW
    for window in windows:
        window.close()
    assert budget.left == WINDOW_GROWTH_BUDGET


@given(st.lists(st.tuples(st.integers(0, 1 << 19), st.integers(0, 1 << 19), st.floats(0, 1)), max_size=60))
def test_unread_and_credit_never_exceed_the_window(steps: list[tuple[int, int, float]]):
    window, unread, now = ReceiveWindow(WindowBudget()), 0, 0.0
    for arriving, reading, later in steps:
        now += later
        size = min(arriving, window.credit)
        window.received(size, now)
        unread += size
        size = min(reading, unread)
        unread -= size
        window.read(size, unread, now, 0.05)
        assert window.credit + unread <= window.size <= MAX_STREAM_WINDOW


def test_credit_comes_back_before_the_window_runs_dry():
    window = ReceiveWindow(WindowBudget(0))
    given_back = [window.read(PIECE, 0, 1.0, 0.01) for _ in range(3) if window.received(PIECE, 1.0) is None]
    assert given_back == [0, 2 * PIECE, 0]
