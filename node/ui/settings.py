"""What a dashboard is given by whoever starts it, and how it ends: plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.control.async_client import Dial
from node.ui.feed import Starter
from node.ui.messages import Printed

Run = Callable[[str, str | None], Printed]
"""Runs a command line about a current file, in a thread."""


Disk = Callable[[tuple[str, ...]], str]
"""Writes something, in a thread; what is to be said of it, if anything. Raises ShoalError."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a dashboard is given."""

    dial: Dial
    run: Run
    starter: Starter
    rate: float  # times a second that the node is asked for what moves
    keep_columns: Disk  # over restarts
    write_log: Disk  # into a file of its own


@dataclass(frozen=True, slots=True)
class Ending:
    """How a showing ended: its exit code, and whether the node was stopped with it."""

    code: int
    has_stopped_node: bool
