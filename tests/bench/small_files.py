"""A folder of 6,000 files of 3 kB: shared, and downloaded."""

from __future__ import annotations

import shutil
import time

from tests.bench.figures import Figure, middle
from tests.bench.ground import Ground, make_folder

REPEATS = 3
FILES = 6_000
FILE_SIZE = 3_000
LIMIT_S = 10.0


def measure(ground: Ground) -> list[Figure]:
    """Every download is a new node's."""
    path = make_folder(ground.place("source") / "folder", FILES, FILE_SIZE)
    shares: list[float] = []
    downloads: list[float] = []
    with ground.node("seeder") as seeder:
        for _ in range(REPEATS):
            start = time.perf_counter()
            link = seeder.share(path)
            shares.append(time.perf_counter() - start)
            target = ground.place("downloads")
            with ground.node("leecher") as leecher:
                downloads.append(leecher.get(link, target))
            shutil.rmtree(target)
    shutil.rmtree(path)
    return [
        middle(f"sharing {FILES:,} files of 3 kB", shares, "s", reference=LIMIT_S, at_most=1),
        middle(f"downloading {FILES:,} files of 3 kB", downloads, "s", reference=LIMIT_S, at_most=1),
    ]
