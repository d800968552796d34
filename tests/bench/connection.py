"""The connection layer beside py-libp2p's own, and with it: speed, with delay too, small requests, and memory.

Two processes on loopback, one connection, medians. The stock layer is measured in turn with ours, so that a machine
that is slow for a while is slow for both. By itself: `python -m tests.bench.connection [--rounds N] [--json PATH]`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, machine, middle, save, table
from tests.bench.ground import GIB, Ground

ROOT = Path(__file__).parents[2]
ROUNDS = 5
MB = 1_000_000
SIZE = {"stock": 300 * MB, "ours": 1200 * MB}  # two to three seconds each
DELAYED_SIZE = 100 * MB
DELAYED_MB_S = {20: 147.0, 50: 110.0, 100: 85.0}  # by ms of round trip: the stock layer's, where it did 180 without
UNDELAYED_MB_S = 180.0
FRAMES = 131_014  # two yamux frames that fill two Noise messages: what suits the stock layer best
AT_ONCE = 262_144
REQUEST_MS, LATENESS_MS, GROWTH_MB = 20.0, 10.0, 20.0


def measure(_: Ground, rounds: int = ROUNDS) -> list[Figure]:
    """Everything, for `make bench`."""
    seen: dict[str, list[float]] = defaultdict(list)
    for _round in range(rounds):
        with serving("stock", read=65_536) as address:
            seen["stock"].append(send("stock", address, SIZE["stock"])["mb_s"])
        with serving("stock") as address:
            seen["tuned"].append(send("stock", address, SIZE["stock"], write=FRAMES)["mb_s"])
        with serving("ours") as address:
            seen["ours"].append(send("ours", address, SIZE["ours"])["mb_s"])
            note_under_load(seen, send("ours", address, SIZE["ours"], requests=True))
        for ms in DELAYED_MB_S:
            with serving("ours") as address, delaying(address, ms) as delayed:
                seen[f"{ms} ms"].append(send("ours", delayed, DELAYED_SIZE)["mb_s"])
    return figures(seen) + across() + memory()


def note_under_load(seen: dict[str, list[float]], result: dict[str, Any]) -> None:
    """What small requests and tickers noticed while bulk data moved."""
    seen["request"].append(result["request_p99_ms"])
    seen["sender late"].append(result["lateness_p99_ms"])
    seen["receiver late"].append(result["receiver"]["lateness_p99_ms"])


def figures(seen: dict[str, list[float]]) -> list[Figure]:
    """The medians and what is asked of them."""
    stock = middle("bare stream, stock layer", seen["stock"], "MB/s")
    tuned = middle("bare stream, stock layer at its best sizes", seen["tuned"], "MB/s")
    found = [
        stock,
        tuned,
        middle("bare stream, our layer", seen["ours"], "MB/s", reference=stock.value, at_least=2.0),
        middle("bare stream, our layer, to the tuned one", seen["ours"], "MB/s", reference=tuned.value, at_least=1.5),
    ]
    for ms, mb_s in DELAYED_MB_S.items():
        scaled = mb_s * stock.value / UNDELAYED_MB_S
        found.append(middle(f"with {ms} ms of round trip", seen[f"{ms} ms"], "MB/s", reference=scaled, at_least=1.0))
    for name, key, bound in (
        ("small request during bulk, p99", "request", REQUEST_MS),
        ("event loop late, sender, p99", "sender late", LATENESS_MS),
        ("event loop late, receiver, p99", "receiver late", LATENESS_MS),
    ):
        found.append(middle(name, seen[key], "ms", reference=bound, at_most=1.0))
    return found


def across(size: int = GIB) -> list[Figure]:
    """A gibibyte to the stock layer and one from it: every byte arrives, or this fails."""
    found = []
    for sender, receiver in (("ours", "stock"), ("stock", "ours")):
        with serving(receiver) as address:
            mb_s = send(sender, address, size)["mb_s"]
        found.append(Figure(f"{size // GIB} GiB over one connection, {sender} to {receiver}", mb_s, "MB/s"))
    return found


def memory(size: int = 10 * GIB) -> list[Figure]:
    """How much a receiver grows from the first GiB to the last."""
    with serving("ours") as address:
        rss = send("ours", address, size)["receiver"]["rss_mb"]
    return [Figure(f"growth over {size // GIB} GiB", rss[-1] - rss[0], "MB", reference=GROWTH_MB, at_most=1.0)]


def command(module: str, *words: object) -> list[str]:
    """A module of this folder as a process."""
    return [sys.executable, "-m", f"tests.bench.{module}", *map(str, words)]


@contextmanager
def first_line(arguments: list[str]) -> Iterator[str]:
    """A process that is killed at the end, and the first line it prints."""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def serving(layer: str, read: int = AT_ONCE) -> Iterator[str]:
    """A server, and its address."""
    with first_line(command("connection_peer", "serve", "--layer", layer, "--read", read)) as address:
        yield address


@contextmanager
def delaying(address: str, round_trip_ms: int) -> Iterator[str]:
    """The address of a relay to `address` with a round trip of its own."""
    _, _, _, _, port, *rest = address.split("/")
    with first_line(command("delay_proxy", port, round_trip_ms / 1000)) as relayed:
        yield "/".join(["", "ip4", "127.0.0.1", "tcp", relayed, *rest])


def send(layer: str, address: str, size: int, *, write: int = AT_ONCE, requests: bool = False) -> dict[str, Any]:
    """Sends `size` bytes from a new process; what it measured."""
    words = ["send", "--layer", layer, "--address", address, "--size", size, "--write", write]
    arguments = command("connection_peer", *words, *(["--requests"] if requests else []))
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the client failed: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    print(machine(), flush=True)
    with Ground() as ground:
        found = measure(ground, chosen.rounds)
    print(table(found))
    if chosen.json:
        save({"connection": found}, chosen.json)
    return 1 if any(figure.is_missed for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
