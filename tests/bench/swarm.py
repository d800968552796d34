"""Several peers at once, as real processes on loopback: many seeders, a bad one among them, many leechers, many shares.

Every seeder sends 20 MB/s at most, so that what is measured is how well a download uses them all and not the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from protocols.link import Link, parse_target
from tests.bench.figures import Figure
from tests.bench.ground import MIB, TICKS, Ground, Node, cpu_seconds, make_file, resident_bytes

LIMIT_BPS = 20e6
SIZE = 128 * MIB
"""As long as 1 GiB takes to arrive by an ordinary line, and long enough that dialling is a few percent of it."""

REPEATS = 3
LEECHERS = 8
SHARES = 1000
IDLE_PEERS = 50
IDLE_S = 30.0
CPU_PERCENT = 3.0
RSS_MB = 250.0


def measure(ground: Ground) -> list[Figure]:
    """The four questions of many peers."""
    return [*_seeders(ground), *_leechers(ground), *_idle(ground)]


# --- one download, many seeders -------------------------------------------------------------------------------------


def _seeders(ground: Ground) -> list[Figure]:
    path = make_file(ground.place("source") / "swarm.bin", SIZE)
    with ExitStack() as stack:
        seeders = [stack.enter_context(ground.node(f"seeder-{number}")) for number in range(4)]
        links = [seeder.share(path) for seeder in seeders]
        for seeder in seeders:
            seeder.call("limit", up_bps=LIMIT_BPS)
        one = _speed(ground, links[:1])
        four = _speed(ground, links)
        figures = [
            Figure("download from one seeder of 20 MB/s", one, "MB/s"),
            Figure("from four such seeders", four, "MB/s", reference=one, at_least=3.6),
        ]
        for lie, words in (("nothing", "one of the four stalls"), ("wrong-data", "one of the four sends garbage")):
            with _bad_peer(path, lie) as bad:
                speed = _speed(ground, [*links[:3], bad])
            figures.append(Figure(words, speed, "MB/s", reference=one, at_least=2.6))
    path.unlink()
    return figures


def _speed(ground: Ground, links: Sequence[str]) -> float:
    """The median of some downloads, each to a fresh node that knows all the seeders from the start."""
    times = []
    for _ in range(REPEATS):
        with ground.node("leecher") as leecher:
            times.append(leecher.get(_joined(links), ground.place("downloads")))
    return SIZE / median(times) / 1e6


def _joined(links: Sequence[str]) -> str:
    """One link with the first address of each."""
    targets = [parse_target(link) for link in links]
    return str(Link(targets[0].cid, targets[0].name, None, tuple(target.peers[0] for target in targets)))


@contextmanager
def _bad_peer(path: Path, lie: str) -> Iterator[str]:
    """The link to a peer that claims to have all of a file."""
    command = [sys.executable, "-m", "tests.bench.bad_peer", path, lie]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["link"]
        process.communicate()  # the end of its stdin is the end of it


# --- many leechers, one seeder --------------------------------------------------------------------------------------


def _leechers(ground: Ground) -> list[Figure]:
    path = make_file(ground.place("source") / "crowd.bin", SIZE)  # of half of it the eight starts are a third
    with ExitStack() as stack:
        seeder = stack.enter_context(ground.node("seeder"))
        link = seeder.share(path)
        seeder.call("limit", up_bps=LIMIT_BPS)
        leechers = [stack.enter_context(ground.node(f"leecher-{n}", seeder.address)) for n in range(LEECHERS)]
        times: list[float] = []
        threads = [
            threading.Thread(target=lambda one=one: times.append(one.get(link, ground.place("downloads"))))
            for one in leechers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    path.unlink()
    fastest, slowest = min(times), max(times)
    return [Figure("slowest of eight leechers at once", slowest, "s", reference=fastest, at_most=1.25)]


# --- a node that only waits -----------------------------------------------------------------------------------------


def _idle(ground: Ground) -> list[Figure]:
    folder = ground.place("shares")
    with ground.node("keeper") as keeper:
        links = [keeper.share(_small_file(folder, number)) for number in range(SHARES)]
        with _idle_peers(keeper, links[0]):
            rates: list[float] = []
            for _ in range(REPEATS):
                used, start = cpu_seconds(keeper.pid), time.perf_counter()
                time.sleep(IDLE_S / REPEATS)
                rates.append((cpu_seconds(keeper.pid) - used) / (time.perf_counter() - start) * 100)
            resident = resident_bytes(keeper.pid) / 1e6
    what = f"{SHARES} shares, {IDLE_PEERS} idle peers"
    assert TICKS  # a tick is 10 ms: a thousandth of what is measured here
    return [
        Figure(f"processor time with {what}", median(rates), "% of a core", CPU_PERCENT, at_most=1),
        Figure(f"memory with {what}", resident, "MB", RSS_MB, at_most=1),
    ]


def _small_file(folder: Path, number: int) -> Path:
    path = folder / f"share-{number:04}.txt"
    path.write_text(f"share {number}\n" * 100)
    return path


@contextmanager
def _idle_peers(keeper: Node, link: str) -> Iterator[None]:
    """Peers that are in session with the node about one share, and want nothing."""
    command = [sys.executable, "-m", "tests.bench.idle_peers", keeper.address, link, str(IDLE_PEERS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()
