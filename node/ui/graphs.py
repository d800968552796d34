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
def sparkline(values: tuple[float, ...], width: int, height: int = 1) -> tuple[str, ...]:
    """The newest values as a braille area, two to a cell, `height` lines from the top; scaled to the largest.

    Kept, because values come once a second and frames are drawn four times and with every key.
    """
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


def levels(values: Sequence[int]) -> str:
    """One block a value, as high as it is against the largest."""
    most = max(values, default=0)
    return "".join(_LEVELS[_level(value, most, 8)] for value in values)


def _level(value: float, most: float, steps: int) -> int:
    """0 for nothing, else 1 to `steps`."""
    return 0 if value <= 0 or most <= 0 else max(1, round(value * steps / most))
