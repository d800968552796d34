"""A bandwidth limit as people type it: `20MB`, `500 kB/s`, `1.5MiB`, `off`.

Rules: pure. A number alone is bytes per second; prefixes are decimal unless they have the i, as on the screens; bits
aren't guessed at.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass

_RATE = re.compile(r"(\d+(?:\.\d+)?) *(?:([kmgt])(i?))?b?(?:/s|ps)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NO_LIMIT = frozenset({"off", "none", "unlimited"})


@dataclass(frozen=True, slots=True)
class Rate:
    """What was typed: bytes per second, or None for no limit."""

    bps: float | None


def rate(text: str) -> Rate:
    """The limit that a word means, as argparse wants it read: raises its ArgumentTypeError."""
    word = text.strip()
    if word.lower() in _NO_LIMIT:
        return Rate(None)
    found = _RATE.fullmatch(word)
    if found is None or len(word) > 20:  # more digits than any line has bytes
        raise ArgumentTypeError(f"{text!r} isn't a rate, which is like 20MB, 500kB, 1.5MiB or off")
    number, prefix, binary = found.groups()
    return Rate(float(number) * (1024.0 if binary else 1000.0) ** _POWERS[(prefix or "").lower()])
