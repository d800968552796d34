"""Sharing 1 GiB, which hashes it twice, against one SHA-256 of the same file on one thread."""

from __future__ import annotations

import hashlib
import time

from tests.bench.figures import Figure, middle
from tests.bench.ground import GIB, Ground, make_file

REPEATS = 5
SIZE = GIB


def measure(ground: Ground) -> list[Figure]:
    """Both by turns; a path that is shared again is hashed again."""
    path = make_file(ground.place("source") / "share.bin", SIZE)
    plain: list[float] = []
    shared: list[float] = []
    with ground.node("sharer") as node:
        for _ in range(REPEATS):
            start = time.perf_counter()
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")
            plain.append(SIZE / (time.perf_counter() - start) / 1e6)
            start = time.perf_counter()
            node.share(path)
            shared.append(SIZE / (time.perf_counter() - start) / 1e6)
    path.unlink()
    digest = middle("SHA-256 of 1 GiB on one thread", plain, "MB/s")
    return [digest, middle("sharing 1 GiB", shared, "MB/s", reference=digest.value, at_least=0.8)]
