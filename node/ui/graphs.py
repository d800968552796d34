"""Bars and little graphs, each in exactly as many cells as it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_LEFT_DOTS = (0x00, 0x40, 0x44, 0x46, 0x47)  # braille: the left column filled from below, 0 to 4 dots
_RIGHT_DOTS = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_PAIRS = {
    (left, right): chr(0x2800 + _LEFT_DOTS[left] + _RIGHT_DOTS[right]) if left or right else " "
    for left in range(5)
    for right in range(5)
}


def bar(percent: int, width: int) -> str:
    """How much is done, in eighths of a cell: `███▌····`; full only at 100."""
    whole = width * 8
    eighths = whole if percent >= 100 else max(min(whole * percent // 100, whole - 1), 0)
    full, rest = divmod(eighths, 8)
    partial = _EIGHTHS[rest] if rest else ""
    return ("█" * full + partial).ljust(width, "·")


@lru_cache(maxsize=256)
def history(
    values: tuple[float, ...], ticks: int, seconds: int, width: int, height: int = 1, *, is_block: bool = False
) -> tuple[str, ...]:
    """What has been in so many seconds, as an area of `height` lines from the top; scaled to the largest.

    `values` came one a second, of `ticks` until now. A column is the mean of the same seconds for as long
    as it is shown: only the newest one changes, until all move on by one.
    """
    columns = width * (1 if is_block else 2)
    means = _means(values, ticks, seconds, columns)
    return _blocks(means, height) if is_block else sparkline(means, width, height)


def sparkline(values: tuple[float, ...], width: int, height: int = 1) -> tuple[str, ...]:
    """The newest values as a braille area, two to a cell, `height` lines from the top; scaled to the largest."""
    wanted = width * 2
    recent = [0.0] * (wanted - len(values)) + list(values[-wanted:]) if wanted else []
    most = max(recent, default=0.0)
    dots = height * 4
    levels = [_level(value, most, dots) for value in recent]
    lines = []
    for below in range(dots - 4, -1, -4):
        inside = levels if height == 1 else [min(max(level - below, 0), 4) for level in levels]
        lines.append("".join(map(_PAIRS.__getitem__, zip(inside[::2], inside[1::2], strict=True))))
    return tuple(lines)


def _means(values: tuple[float, ...], ticks: int, seconds: int, columns: int) -> tuple[float, ...]:
    """The values of the last seconds in so many columns."""
    bounds = _bounds(len(values), ticks, seconds, columns)
    return tuple(sum(values[begin:end]) / (end - begin) if end > begin else 0.0 for begin, end in bounds)


@lru_cache(maxsize=16)
def _bounds(count: int, ticks: int, seconds: int, columns: int) -> tuple[tuple[int, int], ...]:
    """Which of `count` values are in each column; the columns' bounds lie at the same ticks whenever that is asked.

    Kept, because all rows have the same.
    """
    first = ticks - count  # how many came before those
    # The column with the newest second in it, or the last of several that show it.
    newest = (ticks - 1) * columns // seconds if columns <= seconds else -(-ticks * columns // seconds) - 1
    bounds = []
    for column in range(newest - columns + 1, newest + 1):
        begin, end = (-(-bound * seconds // columns) - first for bound in (column, column + 1))
        # Fewer seconds than columns: a column between two values is as high as the one before it.
        begin = begin if end > begin else begin - 1
        bounds.append((max(begin, 0), max(min(max(end, begin + 1), count), 0)))
    return tuple(bounds)


def _blocks(values: tuple[float, ...], height: int) -> tuple[str, ...]:
    """The values as an area of block elements, one to a cell: for fonts without braille."""
    most, steps = max(values, default=0.0), height * 8
    found = [_level(value, most, steps) for value in values]
    return tuple(
        "".join(_LEVELS[min(max(level - below, 0), 8)] for level in found) for below in range(steps - 8, -1, -8)
    )


def levels(values: Sequence[int]) -> str:
    """One block a value, as high as it is against the largest."""
    most = max(values, default=0)
    return "".join(_LEVELS[_level(value, most, 8)] for value in values)


def _level(value: float, most: float, steps: int) -> int:
    """0 for nothing, else 1 to `steps`."""
    return 0 if value <= 0 or most <= 0 else max(1, round(value * steps / most))
