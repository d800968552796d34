"""Cancel storms over the whole connection layer, longer and over wires of more kinds than the tests have time for."""

from __future__ import annotations

import random
import sys

import trio

from tests.fuzz.loop import run
from tests.net.cancel_storm import rage


def case(rng: random.Random) -> None:
    """One storm."""
    trio.run(rage, rng.getrandbits(32), {"read": 500, "write": 500}, rng.choice([100, 5000, 20_000]))


if __name__ == "__main__":
    run("connection", case, sys.argv[1:])
