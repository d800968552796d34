"""How fast Python and Go are with each other: `PYTHONPATH=. .venv/bin/python interop/measure.py`.

Every figure is of real processes on loopback: throughput of one seeder to one leecher, to the verified file on disk;
bare streams beside it, without disk or hashing; and the time to provide and to find over a server of either kind. It
prints the tables of README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from peers import Peer
from processes import Processes

from tests.daemons import await_that

GIB = 1 << 30
BLOCK = 1 << 24
LOOKUPS = 30


def content(path: Path, size: int) -> Path:
    """A file that no file system can store as a hole."""
    with path.open("wb") as file:
        for _ in range(0, size, BLOCK):
            file.write(os.urandom(BLOCK))
    return path


def transfer(here: Processes, seeder: str, leecher: str, path: Path) -> float:
    """Seconds from the leecher's command to the verified file."""
    target = here.new_folder()
    if seeder == "py":
        source = here.shoal(f"seeder to {leecher}")
        address, cid = source.address, source.ask("share", path)["item"]["cid"]
        stop = source.stop
    else:
        go = here.go("seed", path)
        address, cid, stop = go.address, go.ready["cid"], go.stop
    if leecher == "py":
        node = here.shoal(f"leecher from {seeder}")
        start = time.monotonic()
        node.ask("get", f"shoal:{cid}?peer={address}", "-o", target, timeout_s=600.0)
        seconds = time.monotonic() - start
        node.stop()
    else:
        fetched = here.go("fetch", str(cid), "--peer", address, "--output", target).result("fetched", 600.0)
        seconds = fetched["milliseconds"] / 1000
    stop()
    shutil.rmtree(target)
    return seconds


def bare(here: Processes, sender: str, receiver: str, size: int) -> float:
    """Seconds for bytes on one bare stream."""
    kinds = {"py": here.py, "go": here.go}
    sink = kinds[receiver]("sink")
    poured = kinds[sender]("pour", sink.address, "--bytes", str(size)).result("poured", 600.0)
    sink.stop()
    return float(poured["milliseconds"]) / 1000


def lookups(here: Processes, provider: str, server: str, finder: str) -> tuple[float, float]:
    """The median milliseconds of providing one key and of finding its one provider."""
    kinds = {"py": here.py, "go": here.go}
    keys = ["1220" + hashlib.sha256(f"{provider}{server}{finder}{n}".encode()).hexdigest() for n in range(LOOKUPS)]
    joined = ("--bootstrap", kinds[server]("serve").address)
    stay = ("--stay",) if provider == "go" else ()
    by = kinds[provider]("provide", *keys, *stay, *joined)
    await_that(lambda: len(by.all("provided")) == LOOKUPS, "every key is provided")
    found = kinds[finder]("find", *keys, *joined)
    if found.finish() or any(list(event["providers"]) != [by.id] for event in found.all("found")):
        raise SystemExit(found.words())
    return median(by, "provided"), median(found, "found")


def median(peer: Peer, event: str) -> float:
    """Of the milliseconds of a peer's events."""
    return statistics.median(happened["milliseconds"] for happened in peer.all(event))


def table(*rows: Iterable[object]) -> None:
    """A table in Markdown; the first row is its head."""
    head, *body = [" | ".join(map(str, row)) for row in rows]
    print(f"\n| {head} |", "|---" * len(head.split(" | ")) + "|", *(f"| {row} |" for row in body), sep="\n", flush=True)


def main() -> None:
    """Measure all, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0, help="how much to move each time")
    size = int(parser.parse_args().gib * GIB) // BLOCK * BLOCK
    pairs = [("py", "go"), ("go", "py"), ("go", "go")]
    folder = Path(tempfile.mkdtemp(prefix="shoal-measure-"))
    try:
        with ExitStack() as stack:
            here = Processes(folder, stack)
            path = content(folder / "file.bin", size)
            shares = {pair: transfer(here, *pair, path) for pair in pairs}
            streams = {pair: bare(here, *pair, size) for pair in pairs}
            rows = [
                (f"{a} → {b}", f"{size / shares[a, b] / 1e6:.0f}", f"{size / streams[a, b] / 1e6:.0f}")
                for a, b in pairs
            ]
            table(("from → to", "a share, MB/s", "a bare stream, MB/s"), *rows)
            ways = [(a, b, c) for a in ("py", "go") for b in ("py", "go") for c in ("py", "go") if {a, b, c} != {"py"}]
            found = [(way, lookups(here, *way)) for way in ways]
            table(
                ("provider", "server", "finder", "provide, ms", "find, ms"),
                *((*way, f"{provide:.1f}", f"{find:.1f}") for way, (provide, find) in found),
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{json.dumps({'cores': os.cpu_count(), 'bytes': size})}")


if __name__ == "__main__":
    main()
