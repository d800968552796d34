"""A verified download of 1 GiB to disk, one seeder, two real nodes, against a bare stock stream in the same run.

It is also compared with what the machine could do at best (`ceiling`).
"""

from __future__ import annotations

import shutil
from dataclasses import replace

from tests.bench import ceiling
from tests.bench.connection import MB, send, serving
from tests.bench.figures import Figure, middle
from tests.bench.ground import GIB, Ground, make_file, warm_pages

REPEATS = 5
SIZE = GIB
STREAM_SIZE = 300 * MB  # three seconds
STREAM_READ = 64 * 1024


def measure(ground: Ground) -> list[Figure]:
    """All by turns, so that a machine that is slow for a while is slow for each."""
    path = make_file(ground.place("source") / "download.bin", SIZE)
    streams: list[float] = []
    ceilings: list[float] = []
    downloads: list[float] = []
    with ground.node("seeder") as seeder:
        link = seeder.share(path)
        for _ in range(REPEATS):
            with serving("stock", read=STREAM_READ) as address:
                streams.append(send("stock", address, STREAM_SIZE)["mb_s"])
            ceilings.append(ceiling.bytes_per_second(ground.folder) / 1e6)
            target = ground.place("downloads")
            with ground.node("leecher") as leecher, warm_pages(ground.folder / "ballast", target, SIZE):
                downloads.append(SIZE / leecher.get(link, target) / 1e6)
            shutil.rmtree(target)
    path.unlink()
    stream = middle("bare stream of stock py-libp2p", streams, "MB/s")
    best = middle("ceiling: receive, open, hash, write", ceilings, "MB/s")
    download = middle("verified download of 1 GiB", downloads, "MB/s", reference=stream.value, at_least=1.5)
    return [
        stream,
        best,
        download,
        replace(download, name="the same to the ceiling", reference=best.value, at_least=0.5),
    ]
