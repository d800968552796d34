"""Log: the end of the node's log and what the dashboard has said, from a level up, repeated lines as one. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby

from node.ui.frame import Line, fill, fit, gated, ruled
from node.ui.kept import kept
from node.ui.model import Model, Remark, Screen
from node.ui.text import clip_end

_RECORD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[.,]?\d* (\w+) +([\w.]+): (.*)")
_STAMP = "%Y-%m-%d %H:%M:%S"
HEAD = 29  # cells before a record's words
OWN = "dashboard"  # who says what was in the status line
_STYLES = {"WARNING": "warn", "ERROR": "error", "CRITICAL": "error", "DEBUG": "dim"}
_SHORT = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_SEVERITY = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 4}


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the log."""

    stamp: str  # day and time; "" of what follows a line, as a traceback does
    level: str
    subject: str  # the module's last name
    text: str


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    view = model.log_view
    following = "on" if view.is_following else f"off, {view.offset} back"
    only = f"   filter: {model.filter}" if model.filter else ""
    title = ruled(f"Log   level: {view.level.lower()}+   follow: {following}{only}", width)
    return fill([title, *log_lines(model, width, height - 1)], width, height)


def log_lines(model: Model, width: int, height: int) -> list[Line]:
    """The newest records that fit in `height` lines."""
    records = _fitting(model)
    end = len(records) - min(model.log_view.offset, max(len(records) - height, 0))
    return [_line(record, times, width) for record, times in records[max(end - max(height, 0), 0) : end]]


def newest_line(model: Model) -> str:
    """The last line in sight, as text to copy; "" if there is none."""
    records = _fitting(model)[: -model.log_view.offset or None]
    if not records:
        return ""
    record, _ = records[-1]
    return " ".join(filter(None, (record.stamp[-8:], record.level, record.subject, record.text)))


def shown_lines(model: Model) -> tuple[str, ...]:
    """All lines of the chosen level and filter as text, to be written into a file."""
    return tuple(
        gated(" ".join(filter(None, (record.stamp, record.level, record.subject, record.text)))) + _repeated(times)
        for record, times in _fitting(model)
    )


def _repeated(times: int) -> str:
    return f" (x{times})" if times > 1 else ""


def _fitting(model: Model) -> Sequence[tuple[Record, int]]:
    """The records of the chosen level that have the filter's words in them."""
    records = _records(model.shown.log, model.shown.remarks, model.log_view.level)
    needle = model.filters.get(Screen.LOG, "").casefold()
    if not needle:
        return records
    return [each for each in records if needle in f"{each[0].subject} {each[0].text}".casefold()]


def _line(record: Record, times: int, width: int) -> Line:
    repeated = _repeated(times)
    style = _STYLES.get(record.level, "text")
    words = style if style == "error" else "text"
    head = f" {record.stamp[-8:]:8} "
    return fit(
        [
            (head, "dim"),
            (f"{_SHORT.get(record.level, record.level):5} ", style),
            (f"{record.subject:12.12} ", "dim"),
            (clip_end(gated(record.text), max(width - HEAD - len(repeated), 0)), words),
            (repeated, words),
        ],
        width,
    )


@kept
def _records(log: tuple[str, ...], remarks: tuple[Remark, ...], level: str) -> Sequence[tuple[Record, int]]:
    """The records from a level up, each with how often it came in a row."""
    least = _SEVERITY[level]
    records = [record for record in _merged(log, remarks) if _SEVERITY.get(record.level, least) >= least]
    runs = (list(run) for _, run in groupby(records, key=lambda record: (record.level, record.subject, record.text)))
    return [(run[-1], len(run)) for run in runs]


def _merged(log: tuple[str, ...], remarks: tuple[Remark, ...]) -> list[Record]:
    """The node's records with the dashboard's own among them, by time; lines without a time stay under theirs."""
    records = list(map(_parse, log))
    stamps = accumulate((record.stamp for record in records), max)
    own = map(_own, remarks)
    timed = [*zip(stamps, records, strict=True), *((record.stamp, record) for record in own)]
    return [record for _, record in sorted(timed, key=lambda each: each[0])]


def _own(remark: Remark) -> Record:
    stamp = time.strftime(_STAMP, time.localtime(remark.at))
    return Record(stamp, "ERROR" if remark.is_error else "INFO", OWN, remark.text)


@lru_cache(maxsize=2048)
def _parse(line: str) -> Record:
    match = _RECORD.fullmatch(line)
    if match is None:  # the lines of a traceback
        return Record("", "", "", line)
    return Record(match[1], match[2], match[3].rpartition(".")[2], match[4])
