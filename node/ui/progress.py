"""How far something is: one line redrawn on a terminal, a line now and then elsewhere, events for programs.

`Progress` is one moment; the line functions are pure. A sink is what a command shows its progress to: it remembers
the newest, writes it when it is due and, whatever happened, writes the last one in `close`.

Plain ANSI and not blessed: `\\r` and erase-to-end-of-line is all that one line needs, every terminal that isn't dumb
knows them, and blessed would cost each command 60 ms of import. Terminals with a taskbar get a bar there too, which is
taken away with the line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from node.status import ItemStatus, TransferState
from node.ui.capabilities import NO_TASKBAR, NORMAL_BAR, WAITING_BAR, bar_sequence
from node.ui.safe import safe
from node.ui.screens import bar, downloaded
from node.ui.text import pad
from node.ui.tint import PLAIN, Tint
from node.ui.units import are_binary, eta_fixed, percent, rate, rate_fixed, size, size_fixed

Write = Callable[[str], None]

REDRAW_S = 0.1
"""Shortest time between two drawings on a terminal: ten a second look fluent."""

EVENT_S = 1.0
"""Shortest time between two progress events of one file in JSON."""

PLAIN_STEP = 10
"""Percent between two plain lines: ten lines for a transfer don't drown a log."""

PLAIN_S = 30.0
"""Longest time without a plain line: CI systems stop a job that is silent for minutes."""

REASON_S = 5.0
"""Shortest time between two plain lines because the reason of a wait has changed."""

MARGIN = 4
"""Cells kept free at the right, so that a terminal which draws a glyph too wide doesn't wrap the line."""

NAME_CELLS, NARROW_NAME_CELLS = 24, 16
NARROWEST_BAR, WIDEST_BAR = 8, 30
FIXED_CELLS = 41
"""What a full line holds besides name and bar: brackets, `100%`, `2.50 GB/2.50 GB`, `1.25 MB/s`, `15m00s`, blanks."""

NARROW = 60
"""Below this many cells the name shrinks and the amounts go; the percentage and the rate stay."""


_SPEAKING_FOR_ITSELF = frozenset({TransferState.DOWNLOADING, TransferState.SEEDING, TransferState.COMPLETE})


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of something that takes a while; sizes in bytes, rate in bytes per second."""

    name: str
    done: int
    total: int  # 0 while it isn't known
    percent: int
    rate: float
    eta_s: float | None
    reason: str = ""  # why it doesn't go on
    cid: str = ""
    number: int | None = None  # in the list
    files_done: int = 0
    files: int = 0  # 0 where files aren't counted


def of_item(item: ItemStatus) -> Progress:
    """How far a download is."""
    reason = item.reason or ("" if item.state in _SPEAKING_FOR_ITSELF else str(item.state))
    done, speed = downloaded(item), item.down_bps
    return Progress(
        item.name, item.bytes_have, item.wanted_bytes, done, speed, item.eta_s, reason, item.cid, item.number
    )


def of_work(name: str, done: int, total: int, elapsed_s: float) -> Progress:
    """How far something local is, whose rate is even enough to be taken from its start."""
    speed = done / elapsed_s if elapsed_s > 0 else 0.0
    return Progress(name, done, total, percent(done, total), speed, (total - done) / speed if speed else None)


def terminal_line(progress: Progress, width: int, tint: Tint = PLAIN) -> str:
    """The line for a terminal of `width` cells."""
    width = max(width - MARGIN, 1)
    name, done, speed = safe(progress.name), progress.percent, rate_fixed(progress.rate)
    standing = (_standing(progress), "warn" if progress.reason else "ok")
    if width < NARROW:
        tail = standing if standing[0] else (speed, "")
        return tint.line([(f"{pad(name, NARROW_NAME_CELLS)} {done:3}% ", ""), tail], width)
    amounts = _files(progress) or f"{size_fixed(progress.done)}/{size_fixed(progress.total)}"
    wider = int(are_binary())
    numbers = f"{amounts:>{15 + 2 * wider}} {speed:>{9 + wider}} {eta_fixed(progress.eta_s):>6}"
    bar_cells = min(max(width - NAME_CELLS - FIXED_CELLS - 3 * wider, NARROWEST_BAR), WIDEST_BAR)
    whole = bar(done, bar_cells)
    filled = whole.rstrip("-")
    bars = [(filled, "down"), (whole[len(filled) :], "dim")]
    tail = standing if standing[0] else (numbers, "")
    return tint.line([(f"{pad(name, NAME_CELLS)} [", ""), *bars, (f"] {done:3}% ", ""), tail], width)


def plain_line(progress: Progress) -> str:
    """The line for a log, without anything that moves a cursor."""
    amounts = f" ({_files(progress) or f'{size(progress.done)} of {size(progress.total)}'})" if progress.total else ""
    tail = _standing(progress) or f"{rate(progress.rate)} eta {eta_fixed(progress.eta_s)}"
    return f"{safe(progress.name)}: {progress.percent}%{amounts} {tail}"


def _standing(progress: Progress) -> str:
    """What is said instead of a rate and a time while nothing moves: why, or that all is done."""
    if progress.reason:
        return safe(progress.reason)
    if progress.percent < 100:
        return "" if progress.total else "no manifest yet"
    return "" if progress.rate >= 0.5 and progress.eta_s is not None else "done"


def _files(progress: Progress) -> str:
    """What counts for a folder of many files, rather than its bytes."""
    return f"{progress.files_done}/{progress.files} files" if progress.files > 1 else ""


def event_line(event: str, fields: dict[str, object]) -> str:
    """One line of `--json`: NDJSON in ASCII, with the exact values."""
    return json.dumps({"v": 1, "event": event, **fields})


class ProgressSink:
    """Shows nothing; the others override when and how."""

    def __init__(self) -> None:
        self._newest: Progress | None = None
        self._shown: Progress | None = None
        self._shown_at = 0.0

    def show(self, progress: Progress, now: float) -> None:
        """Take the newest; `now` is monotonic time in seconds."""
        self._newest = progress
        if self._shown is None or self._is_due(progress, self._shown, now - self._shown_at):
            self._shown, self._shown_at = progress, now
            self._draw(progress)

    def finish(self) -> None:
        """All of what was shown is done: the last moment says so."""
        if newest := self._newest:
            self._newest = replace(newest, done=newest.total, percent=100, eta_s=None, files_done=newest.files)

    def close(self) -> None:
        """Show the last one, if it wasn't, and leave the output ready for other lines."""
        if self._newest is not None and self._newest != self._shown:
            self._draw(self._newest)
        if self._newest is not None:
            self._end()
        self._newest = self._shown = None

    def _is_due(self, progress: Progress, shown: Progress, age_s: float) -> bool:
        """Whether to draw `progress` when `shown` was drawn `age_s` ago."""
        return False

    def _draw(self, progress: Progress) -> None: ...

    def _end(self) -> None: ...


class TerminalProgress(ProgressSink):
    """One line, redrawn in place; `width` asks the terminal each time, for it may be resized."""

    def __init__(
        self, write: Write, width: Callable[[], int], tint: Tint = PLAIN, *, has_taskbar: bool = False
    ) -> None:
        super().__init__()
        self._write = write
        self._width = width
        self._tint = tint
        self._has_taskbar = has_taskbar

    def _is_due(self, progress: Progress, shown: Progress, age_s: float) -> bool:
        return age_s >= REDRAW_S

    def _draw(self, progress: Progress) -> None:
        bar = bar_sequence(WAITING_BAR if progress.reason else NORMAL_BAR, progress.percent)
        line = terminal_line(progress, self._width(), self._tint)
        self._write(f"\r{line}\x1b[K{bar if self._has_taskbar else ''}")

    def _end(self) -> None:
        self._write(f"{NO_TASKBAR if self._has_taskbar else ''}\n")


class PlainProgress(ProgressSink):
    """A line every `PLAIN_STEP` percent or `PLAIN_S`, or when it stops or goes on."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def _is_due(self, progress: Progress, shown: Progress, age_s: float) -> bool:
        is_a_step = progress.percent // PLAIN_STEP != shown.percent // PLAIN_STEP
        return is_a_step or age_s >= PLAIN_S or (progress.reason != shown.reason and age_s >= REASON_S)

    def _draw(self, progress: Progress) -> None:
        self._write(plain_line(progress) + "\n")


class JsonProgress(ProgressSink):
    """`progress` events, at most one in `EVENT_S`."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def _is_due(self, progress: Progress, shown: Progress, age_s: float) -> bool:
        return age_s >= EVENT_S

    def _draw(self, progress: Progress) -> None:
        fields: dict[str, object] = {"id": progress.number, "name": progress.name, "cid": progress.cid}
        fields |= {"size": progress.total, "done": progress.done, "rate": progress.rate}
        fields |= {"eta": progress.eta_s, "reason": progress.reason}
        if progress.files:
            fields |= {"files_done": progress.files_done, "files": progress.files}
        self._write(event_line("progress", fields) + "\n")
