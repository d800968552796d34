"""Numbers as people read them, in the two styles of the screens.

The plain style is the user's own (`2.5 GB`, `1.2 MB/s`, `15 min`), for lists and sentences. The fixed style has three
digits (`2.50 GB`, `15m00s`) so that a number that changes ten times a second doesn't make its row jump. Percentages are
floored: 100 % is never shown of what isn't all there. Units are decimal, as files and line speeds are sold, unless a
person chose binary ones (`2.33 GiB`): like a locale that is a choice for the whole process, made once at its start.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache

_DECIMAL = 1000, ("B", "KB", "MB", "GB", "TB", "PB", "EB")
_BINARY = 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_UNITS = {"si": _DECIMAL, "iec": _BINARY}
UNITS = tuple(_UNITS)
"""What can be chosen."""

_chosen = _DECIMAL

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST_ETA = 100 * DAY
"""A longer wait is shown as endless: the number would be noise."""


def choose_units(name: str) -> None:
    """Have all amounts shown in these units from now on; `name` is one of `UNITS`."""
    global _chosen
    _chosen = _UNITS[name]


def are_binary() -> bool:
    """Whether amounts are shown in KiB and MiB, which take a cell more."""
    return _chosen is _BINARY


def size(count: float) -> str:
    """A number of bytes in the plain style: `0 B`, `2.5 GB`, `700 MB`."""
    value, prefix = _scale(count)
    text = f"{value:.1f}" if value < 99.95 and prefix != "B" else f"{value:.0f}"
    return f"{text.removesuffix('.0')} {prefix}"


def size_fixed(count: float) -> str:
    """A number of bytes with three digits: `2.50 GB`, `40.0 MB`, `700 MB`, `12 B`: 7 characters at most, binary 8."""
    value, prefix = _scale(count)
    if prefix == "B":
        return f"{value:.0f} B"
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f} {prefix}"


def rate(per_second: float) -> str:
    """Bytes per second in the plain style, `-` for none."""
    return f"{size(per_second)}/s" if per_second >= 0.5 else "-"


def rate_fixed(per_second: float) -> str:
    """Bytes per second with three digits, `-` for none."""
    return f"{size_fixed(per_second)}/s" if per_second >= 0.5 else "-"


def limit(bps: float | None) -> str:
    """A bandwidth limit in words: `20 MB/s`, `no limit`, `nothing may pass`."""
    if bps is None:
        return "no limit"
    return f"{size(bps)}/s" if bps else "nothing may pass"


def rate_short(per_second: float) -> str:
    """A rate in at most four characters, its unit left out: `2.5M`, `300K`, `0`."""
    if per_second < 0.5:
        return "0"
    number, _, unit = size_fixed(per_second).partition(" ")
    return (number[:3].rstrip(".") if "." in number else number) + unit[0].removesuffix("B")


def limits_words(down: float | None, up: float | None) -> str:
    """Bandwidth limits in words: `▼ 2.5 MB/s  ▲ no limit`."""
    return f"▼ {limit(down)}  ▲ {limit(up)}"


def percent(done: int, total: int) -> int:
    """How much of `total` is done, floored; all of nothing is 100."""
    return min(100, done * 100 // total) if total > 0 else 100


def duration(seconds: float) -> str:
    """A time in the plain style, in its two largest units: `45 s`, `15 min`, `3 h 12 min`, `2 d 4 h`."""
    whole = math.ceil(max(0.0, seconds)) if math.isfinite(seconds) else 0
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{math.ceil(whole / MINUTE)} min" if whole <= HOUR - MINUTE else "1 h"
    large, small, words = (HOUR, MINUTE, ("h", "min")) if whole < DAY else (DAY, HOUR, ("d", "h"))
    rest = whole % large // small
    return f"{whole // large} {words[0]}" + (f" {rest} {words[1]}" if rest else "")


def milliseconds(seconds: float) -> str:
    """A round trip or a lookup: `0.4 ms`, `12 ms`, `1.9 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1000:.1f} ms"


def eta(seconds: float | None) -> str:
    """The time to wait in the plain style, `unknown` where there is no telling."""
    return "unknown" if seconds is None or _endless(seconds) else duration(seconds)


def eta_fixed(seconds: float | None) -> str:
    """The time to wait in at most six characters: `45s`, `15m00s`, `3h12m`, `2d04h`, `∞`."""
    if seconds is None or _endless(seconds):
        return "∞"
    whole = math.ceil(max(0.0, seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
    return f"{whole // DAY}d{whole % DAY // HOUR:02}h"


def age(seconds: float) -> str:
    """How old something is in at most four characters: `12s`, `9m`, `5h`, `3d`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m"
    return f"{whole // HOUR}h" if whole < DAY else f"{min(whole // DAY, 999)}d"


def count(number: int, noun: str) -> str:
    """The number with its noun: `1 source`, `5 sources`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


@lru_cache(maxsize=4096)
def date(at: float) -> str:
    """A day and time of the last year: `02-20 10:00`."""
    return time.strftime("%m-%d %H:%M", time.localtime(at))


def _endless(seconds: float) -> bool:
    return not seconds < LONGEST_ETA  # this way round NaN is endless too


def _scale(count: float) -> tuple[float, str]:
    """The number with the prefix under which it rounds to less than 1,000."""
    step, prefixes = _chosen
    value = max(0.0, float(count))
    for prefix in prefixes[:-1]:
        if round(value) < 1000:
            return value, prefix
        value /= step
    return value, prefixes[-1]
