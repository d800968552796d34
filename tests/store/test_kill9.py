"""A process that writes chunks is killed at any moment: what it said was on record is there, and nothing else is."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import read_tree, share_file, share_folder, some_bytes

ROOT = Path(__file__).parents[2]

WRITER = """
import random, sys
from pathlib import Path
from tests.store.library import Node
from tests.store.test_kill9 import SHARES

node = Node.__new__(Node)
node.root, node.share, node.open_files = Path(sys.argv[1]), SHARES[sys.argv[2]], 8
node.start()
stored = node.resumed()
missing = list(stored.have.missing())
random.Random(int(sys.argv[3])).shuffle(missing)
print("ready", flush=True)
for start in range(0, len(missing), 3):
    batch = missing[start : start + 3]
    stored.write([(index, node.share.chunk(index)) for index in batch])
    print(*batch, flush=True)
    if start % 9 == 0:
        stored.flush()
"""

SHARES = {
    "file": share_file(some_bytes(120 * (1 << 16) + 77)),
    "folder": share_folder(
        {f"{number % 7}/{number}": some_bytes(1000 + 900 * number, number) for number in range(200)}
    ),
}


@pytest.mark.parametrize("kind", SHARES)
def test_kill_9_at_any_moment_loses_only_what_was_under_way(tmp_path, kind):
    node = Node(tmp_path, SHARES[kind])
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    told: set[int] = set()
    for round_number in range(4):
        told |= write_and_kill(node, kind, rng)
        node.crash()
        held = node.catalogue.held(node.share.cid)
        assert told <= set(held.have), f"lost in round {round_number}"
        assert held.doubtful == ()
        stored = node.open()
        reread: list[int] = []
        assert stored.resume(Watch(progress=reread.append)) == held.have, "something on record was not there"
        assert reread == []
        for index in held.have:
            assert stored.read(index, 0, len(node.share.chunk(index))) == node.share.chunk(index)
    stored.write([(index, node.share.chunk(index)) for index in stored.have.missing()])
    stored.finish(Watch())
    assert sorted(read_tree(node.destination).values()) == sorted(node.share.contents)


def write_and_kill(node: Node, kind: str, rng: random.Random) -> set[int]:
    """The chunks that the writer said were on record before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(node.root), kind, str(rng.randrange(1000))],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    lines = [process.stdout.readline() for _ in range(rng.randrange(8))]
    deadline = time.perf_counter() + rng.random() * 0.01
    while time.perf_counter() < deadline:  # in the middle of a batch, too
        pass
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    return {int(index) for line in lines if line.endswith("\n") for index in line.split()}
