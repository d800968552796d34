"""10,000 files appear in a watched folder in one go: how long until all are shared, and how a command fares meanwhile.

The files are made elsewhere and moved in, as a person would who drops an album of albums. What is timed of a command
is a whole process of `shoal status`, started again and again until the last file is shared.
"""

from __future__ import annotations

import os
import time
from statistics import median

from tests.bench.figures import Figure
from tests.bench.ground import Ground, Node, make_folder

FILES = 10_000
FILE_SIZE = 3_000
LIMIT_S = 60.0
ANSWER_LIMIT_MS = 150.0
POLL_S = 0.5


def measure(ground: Ground) -> list[Figure]:
    """One node, one folder, one move."""
    source, watched = ground.place("source"), ground.place("watched")
    make_folder(source / "files", FILES, FILE_SIZE)
    with ground.node("watcher") as node:
        node.call("watch", path=str(watched))
        before = [_status_ms(node) for _ in range(5)]
        start = time.perf_counter()
        os.rename(source / "files", watched / "files")
        during: list[float] = []
        while node.call("watched")[0]["shared"] < FILES:
            during.append(_status_ms(node))
            time.sleep(POLL_S)
            if time.perf_counter() - start > 5 * LIMIT_S:
                raise RuntimeError(f"after {5 * LIMIT_S:.0f} s only {node.call('watched')} are shared")
        seconds = time.perf_counter() - start
    return [
        Figure(f"sharing {FILES:,} files that appear in a watched folder", seconds, "s", LIMIT_S, at_most=1),
        Figure("`shoal status` before", median(before), "ms"),
        Figure("`shoal status` meanwhile, median", median(during), "ms", ANSWER_LIMIT_MS, at_most=1),
    ]


def _status_ms(node: Node) -> float:
    start = time.perf_counter()
    node.daemon.run("status")
    return (time.perf_counter() - start) * 1e3
