"""Where benchmarks happen: a temporary folder, files of any size, real nodes, and what a process uses.

Rules: loopback and ephemeral ports only; everything is gone afterwards. What is timed while it writes a lot runs in
`warm_pages`: the first write into a page that is new to a virtual machine takes many times as long as the next one.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from node.control.client import ControlClient
from tests.bench.beside import repeated
from tests.daemons import Daemon

MIB = 1 << 20
GIB = 1 << 30
SEED = 20261122
SOCKET_NAME = "control.sock"
SHRINK_S = 0.02
LEAD = 128 * MIB
"""Memory that lies free ahead of the writer: a fraction of a second's worth."""

TICKS = os.sysconf("SC_CLK_TCK")


class Ground:
    """One temporary folder and the nodes in it; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="shoal-bench-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def place(self, name: str) -> Path:
        """A new folder."""
        self._made += 1
        folder = self.folder / f"{self._made}-{name}"
        folder.mkdir()
        return folder

    @contextmanager
    def node(self, name: str, *bootstrap: str) -> Iterator[Node]:
        """A running node of its own data folder, gone with it at the end."""
        folder = self.place(name)
        daemon = Daemon(folder, name, *bootstrap)
        try:
            yield Node(daemon, daemon.await_ready()["addresses"][0])
        finally:
            daemon.stop()
            shutil.rmtree(folder)

    def network(self, count: int) -> list[Node]:
        """Running nodes that all know the first one, until the ground is left."""
        nodes = [self._stack.enter_context(self.node("node-1"))]
        for number in range(2, count + 1):
            nodes.append(self._stack.enter_context(self.node(f"node-{number}", nodes[0].address)))
        return nodes


class Node:
    """A node, and what the bench says to it: over the control socket, without a process for each word."""

    def __init__(self, daemon: Daemon, address: str) -> None:
        self.daemon = daemon
        self.address = address

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.daemon.name

    @property
    def pid(self) -> int:
        """The process, another one after each restart."""
        return self.daemon.process.pid

    def call(self, method: str, **params: object) -> Any:
        """One answer of the control API."""
        with ControlClient(self.daemon.home / SOCKET_NAME) as client:
            return client.call(method, params)

    def share(self, path: Path) -> str:
        """Share a path; its link."""
        return str(self.call("share", path=str(path))["item"]["link"])

    def get(self, link: str, folder: Path) -> float:
        """Download by link into a folder; the seconds from the call to the answer."""
        start = time.perf_counter()
        self.call("get", target=link, directory=str(folder), wait=True)
        return time.perf_counter() - start


def make_file(path: Path, size: int) -> Path:
    """A file that no compression or deduplication makes smaller, on disk and in the page cache."""
    block = bytearray(random.Random(SEED).randbytes(MIB))
    with path.open("wb", buffering=0) as file:
        for number in range(-(-size // MIB)):
            block[:8] = number.to_bytes(8, "big")
            file.write(block[: min(MIB, size - number * MIB)])
        os.fsync(file.fileno())
    return path


def make_folder(path: Path, files: int, size: int) -> Path:
    """A folder of many small files, a hundred to a subfolder."""
    rng = random.Random(SEED)
    for number in range(files):
        folder = path / f"{number // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06}.txt").write_bytes(rng.randbytes(size))
    return path


@contextmanager
def warm_pages(ballast: Path, target: Path, size: int) -> Iterator[None]:
    """Have the machine find memory for `size` bytes of files in `target` before the block and not while it is timed.

    A virtual machine gives memory that lies free back to its host within two or three seconds, and to get it again
    takes six times as long as the write itself. So a ballast file holds it, and shrinks as `target` grows.
    """
    block = bytes(MIB)
    with ballast.open("wb", buffering=0) as file:
        for _ in range(-(-size // MIB)):
            file.write(block)

        def shrink() -> None:
            left = size - LEAD - _allocated(target)
            if 0 <= left < os.fstat(file.fileno()).st_size:
                file.truncate(left)

        try:
            with repeated(shrink, SHRINK_S):
                yield
        finally:
            ballast.unlink()


def _allocated(folder: Path) -> int:
    """Bytes of the files in a folder, without the holes in them."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # renamed meanwhile
                total += entry.stat().st_blocks * 512
    return total


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid: int) -> int:
    """Physical memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
