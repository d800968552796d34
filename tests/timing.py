"""How fast something is, on a machine that others use too: one time of several says it, the least."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

MOST = 20
"""Attempts: what is too slow is so each time, and what is fast gets a quiet moment in one of so many."""


def attempts(limit_s: float, clock: Callable[[], float] = time.perf_counter) -> Iterator[AbstractContextManager[None]]:
    """Blocks to time, one after the other, until one takes less than `limit_s`; AssertionError if none does."""
    times: list[float] = []

    @contextmanager
    def timed() -> Iterator[None]:
        started = clock()
        yield
        times.append(clock() - started)

    for _ in range(MOST):
        yield timed()
        if min(times) < limit_s:
            return
    raise AssertionError(f"never in less than {limit_s} s: {[round(each, 3) for each in times]}")
