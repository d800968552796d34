"""Runs one kind of random case again and again until its time is up: `python -m tests.fuzz.<target> [SECONDS] [SEED]`.

Every case draws from a seed of its own, which is printed when the case fails; given that seed, it runs that case alone.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

SECONDS = 10.0


def run(name: str, case: Callable[[random.Random], None], arguments: list[str]) -> None:
    """Runs `case` for the seconds in `arguments`, or once with the seed given there."""
    if len(arguments) > 1:
        case(random.Random(int(arguments[1])))
        return
    end = time.monotonic() + (float(arguments[0]) if arguments else SECONDS)
    count = 0
    while time.monotonic() < end or not count:
        seed = random.SystemRandom().getrandbits(64)
        try:
            case(random.Random(seed))
        except BaseException:
            print(f"{name}: case {count} failed; again with: python -m tests.fuzz.{name} 0 {seed}", file=sys.stderr)
            raise
        count += 1
    print(f"{name}: {count} cases")
