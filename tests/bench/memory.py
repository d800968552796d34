"""What a node's memory has grown by after 2 GiB have passed through it, for the seeder and the leecher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.beside import repeated
from tests.bench.figures import Figure
from tests.bench.ground import GIB, MIB, Ground, make_file, resident_bytes

SIZE = 2 * GIB
LIMIT_MIB = 64.0
SAMPLE_S = 0.1


class Growth:
    """The resident memory of one process since it was first looked at."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._start = self._most = resident_bytes(pid)

    def sample(self) -> None:
        """Look now."""
        self._most = max(self._most, resident_bytes(self._pid))

    @property
    def now_mib(self) -> float:
        """By how much it has grown."""
        return (resident_bytes(self._pid) - self._start) / MIB

    @property
    def peak_mib(self) -> float:
        """By how much it had grown at most."""
        return (self._most - self._start) / MIB


@contextmanager
def sampled(*growths: Growth) -> Iterator[None]:
    """Look at the processes a few times a second while the block runs."""

    def look() -> None:
        for growth in growths:
            growth.sample()

    with repeated(look, SAMPLE_S):
        yield


def measure(ground: Ground) -> list[Figure]:
    """The start is when a node answers for the first time: nothing shared, nobody connected."""
    path = make_file(ground.place("source") / "memory.bin", SIZE)
    with ground.node("seeder") as seeder, ground.node("leecher") as leecher:
        growths = {"seeder": Growth(seeder.pid), "leecher": Growth(leecher.pid)}
        with sampled(*growths.values()):
            leecher.get(seeder.share(path), ground.place("downloads"))
        figures: list[Figure] = []
        for name, growth in growths.items():
            grown = max(0.0, growth.now_mib)
            figures.append(Figure(f"{name}'s memory after 2 GiB", grown, "MiB more", LIMIT_MIB, at_most=1))
            figures.append(Figure(f"{name}'s memory at its peak", growth.peak_mib, "MiB more"))
    path.unlink()
    return figures
