"""What the dashboard costs and how fast it is: its first frame, its bytes, its share of a core, and a key's way to the
screen, at 200x60 with 2,000 shares; and that a terminal which hangs costs the node nothing.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from tests.bench.beside import repeated
from tests.bench.busy_node import SHARES, BusyNode
from tests.bench.figures import Figure, middle
from tests.bench.ground import MIB, Ground, Node, cpu_seconds, make_file, make_folder
from tests.bench.window import Window

STARTS = 9
FIRST_FRAME_MS = 300.0
WATCHED_S = 10.0
FAST_RATE = 10
BYTES_PER_S = 12_000.0
CPU_PERCENT = 3.0
KEYS = 40
KEY_MS = 50.0
KEY_EVERY_S = 0.13  # not a multiple of anything else's period
FILE_SIZE = 768 * MIB
HANGS = 5

SELECTED = "H\x1b[;7m>"
"""What is written when the selected row's first cell changes, and only then."""


def measure(ground: Ground) -> list[Figure]:
    """All of it."""
    return [*_starts(ground), *_watched(ground), *_in_the_way(ground)]


def _starts(ground: Ground) -> list[Figure]:
    """From the shell's fork to the first frame, and to the rows in it."""
    figures: list[Figure] = []
    with ground.node("node") as node:
        node.share(make_file(ground.place("source") / "only.bin", MIB))
        for mute in (False, True):
            frames, rows = [], []
            for _ in range(STARTS + 1):
                with closing(Window(node.daemon.home, mute=mute)) as window:
                    frames.append((window.sees("Transfers") - window.began) * 1e3)
                    rows.append((window.sees("only.bin") - window.began) * 1e3)
            where = "a mute terminal" if mute else "a terminal"
            figures += [
                middle(f"first frame on {where}", frames[1:], "ms", reference=FIRST_FRAME_MS, at_most=1),
                middle(f"first rows on {where}", rows[1:], "ms"),
            ]
    return figures


def _watched(ground: Ground) -> list[Figure]:
    """What 25 moving rows take at the default rate and at ten frames a second."""
    home = ground.place("busy")
    figures = []
    with BusyNode().runs(home):
        for words in ((), ("ui", "--rate", str(FAST_RATE))):
            with closing(Window(home, *words)) as window:
                window.sees("download 3.mkv")
                time.sleep(3)  # the first seconds are the modules', not the frames'
                sent, spent, began = window.count, cpu_seconds(window.process.pid), time.perf_counter()
                time.sleep(WATCHED_S)
                elapsed = time.perf_counter() - began
                share = (cpu_seconds(window.process.pid) - spent) * 100 / elapsed
                rate = (window.count - sent) / elapsed
            at = f"at {FAST_RATE} frames/s" if words else "at the default rate"
            figures += [
                Figure(f"bytes to the terminal {at}", rate, "B/s", reference=BYTES_PER_S, at_most=1),
                Figure(f"of a core {at}", share, "%", reference=None if words else CPU_PERCENT, at_most=1),
            ]
    return figures


def _in_the_way(ground: Ground) -> list[Figure]:
    """Keys while a file comes in as fast as it can, and downloads while the terminal takes nothing."""
    source = make_file(ground.place("source") / "large.bin", FILE_SIZE)
    figures: list[Figure] = []
    with ground.node("seeder") as seeder, ground.node("leecher", seeder.address) as leecher:
        _share_many(ground, leecher)
        link = seeder.share(source)
        with closing(Window(leecher.daemon.home)) as window:
            window.sees(f"{SHARES} files")
            with _downloading(ground, window, leecher, link):
                window.sees("1 ▼")  # in the line that counts; the row itself is below two thousand others
                times = [_key_ms(window, "jk"[number % 2]) for number in range(KEYS)]
            figures.append(middle("key to screen during a download", times, "ms", reference=KEY_MS, at_most=1))
            speeds: dict[bool, list[float]] = {False: [], True: []}
            for number in range(2 * HANGS):
                hangs = bool(number % 2)
                speeds[hangs].append(_speed(ground, window, leecher, link, hangs=hangs))
        free = sorted(speeds[False])[HANGS // 2]
        figures.append(middle("download while the terminal hangs", speeds[True], "MB/s", reference=free, at_least=0.9))
    return figures


def _share_many(ground: Ground, node: Node) -> None:
    folder = make_folder(ground.place("shares"), SHARES, 3000)
    for path in sorted(folder.glob("*/*.txt")):
        node.share(path)


def _downloading(ground: Ground, window: Window, node: Node, link: str) -> AbstractContextManager[None]:
    """One download after the other inside the block."""
    return repeated(lambda: _speed(ground, window, node, link, hangs=False))


def _key_ms(window: Window, key: str) -> float:
    time.sleep(KEY_EVERY_S)
    start = window.count
    began = time.perf_counter()
    window.types(key)
    return (window.sees(SELECTED, start) - began) * 1e3


def _speed(ground: Ground, window: Window, node: Node, link: str, *, hangs: bool) -> float:
    """MB/s of a download, with a terminal that reads or one that hangs."""
    into = ground.place("into")
    with window.stops_reading() if hangs else nullcontext():
        began = time.perf_counter()
        item = node.call("get", target=link, directory=str(into), wait=True)
        elapsed = time.perf_counter() - began
    node.call("cancel", target=item["cid"], delete=False)
    Path(item["path"]).unlink()
    return FILE_SIZE / elapsed / 1e6
