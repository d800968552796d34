"""How fast Python and Go are with each other: `PYTHONPATH=. .venv/bin/python interop/measure.py`.

Every figure is of real processes on loopback: throughput of one seeder to one leecher, to the verified file on disk;
bare streams beside it, without disk or hashing; and the time to provide and to find over a server of either kind. It
prints the tables and writes them into README.md, between its two marks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from peers import Peer
from processes import Processes
from waiting import await_that

GIB = 1 << 30
BLOCK = 1 << 24
LOOKUPS = 30
RUNS = 3
NUMBERS = count(1)
"""Of shoal nodes: each is new, and has nothing yet."""

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


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
        source = here.shoal(f"seeder {next(NUMBERS)}")
        address, cid = source.address, source.ask("share", path)["item"]["cid"]
        stop = source.stop
    else:
        go = here.go("seed", path)
        address, cid, stop = go.address, go.ready["cid"], go.stop
    if leecher == "py":
        node = here.shoal(f"leecher {next(NUMBERS)}")
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


def table(*rows: Iterable[object]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = [" | ".join(map(str, row)) for row in rows]
    lines = [f"| {head} |", "|---" * len(head.split(" | ")) + "|", *(f"| {row} |" for row in body)]
    return "\n".join(lines) + "\n"


def speeds(here: Processes, path: Path, size: int) -> str:
    """The table of throughput: the median of RUNS."""
    pairs = [("py", "go"), ("go", "py"), ("go", "go")]
    rows = []
    for pair in pairs:
        share = statistics.median(transfer(here, *pair, path) for _ in range(RUNS))
        stream = statistics.median(bare(here, *pair, size) for _ in range(RUNS))
        rows.append((" → ".join(pair), f"{size / share / 1e6:.0f}", f"{size / stream / 1e6:.0f}"))
    return table(("from → to", "a share, MB/s", "a bare stream, MB/s"), *rows)


def latencies(here: Processes) -> str:
    """The table of providing and finding."""
    ways = [(a, b, c) for a in ("py", "go") for b in ("py", "go") for c in ("py", "go") if {a, b, c} != {"py"}]
    found = [(way, lookups(here, *way)) for way in ways]
    return table(
        ("provider", "server", "finder", "provide, ms", "find, ms"),
        *((*way, f"{provide:.1f}", f"{find:.1f}") for way, (provide, find) in found),
    )


def main() -> None:
    """Measure all, print it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0, help="how much to move each time")
    parser.add_argument("--print-only", action="store_true", help="leave README.md as it is")
    arguments = parser.parse_args()
    size = int(arguments.gib * GIB) // BLOCK * BLOCK
    folder = Path(tempfile.mkdtemp(prefix="shoal-measure-"))
    try:
        with ExitStack() as stack:
            here = Processes(folder, stack)
            text = (
                f"{os.cpu_count()} cores; medians of {RUNS} times {size / GIB:g} GiB. A share is timed from the\n"
                "leecher's command to the verified file on disk; a bare stream has neither disk nor hashing in it.\n\n"
                f"{speeds(here, content(folder / 'file.bin', size), size)}\n"
                f"Medians of {LOOKUPS} keys over one server:\n\n{latencies(here)}"
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(text)
    if not arguments.print_only:
        page = README.read_text()
        README.write_text(page[: page.index(BEGIN) + len(BEGIN)] + text + page[page.index(END) :])


if __name__ == "__main__":
    main()
