"""Waiting for what is asked of processes: seldom, since each question may be a process of its own."""

from __future__ import annotations

from functools import partial

from tests import daemons

PAUSE_S = 0.25
"""A question takes a fifth of a second of one of two cores, which those who are asked need."""

await_that = partial(daemons.await_that, pause_s=PAUSE_S)
