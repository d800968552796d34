"""How long a command takes against a running node, from the shell's fork to its exit."""

from __future__ import annotations

import time

from tests.bench.figures import Figure, middle
from tests.bench.ground import MIB, Ground, make_file

REPEATS = 20
COMMANDS = ("status", "list")
LIMIT_MS = 150.0
SHARES = 20
"""Rows in the list: a page of them."""


def measure(ground: Ground) -> list[Figure]:
    """Each command many times; the first of each is not counted, since it compiles and reads from disk."""
    folder = ground.place("source")
    figures: list[Figure] = []
    with ground.node("node") as node:
        for number in range(SHARES):
            node.share(make_file(folder / f"{number}.bin", MIB + number))
        for command in COMMANDS:
            times_ms = [_run_ms(node.daemon, command) for _ in range(REPEATS + 1)]
            figures.append(middle(f"`shoal {command}`", times_ms[1:], "ms", reference=LIMIT_MS, at_most=1))
    return figures


def _run_ms(daemon, command: str) -> float:
    start = time.perf_counter()
    done = daemon.run(command)
    elapsed_ms = (time.perf_counter() - start) * 1e3
    if done.returncode:
        raise RuntimeError(f"`shoal {command}` failed: {done.stderr}")
    return elapsed_ms
