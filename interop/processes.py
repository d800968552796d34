"""The processes of one test, or of one module's tests: started in one folder, stopped together.

Rules: a method for each kind of process; files differ from each other, so that no share is another's by chance.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from peers import Peer, go_command, js_command, py_command

from tests.daemons import Daemon

SEEDS = count(1)
"""Of the files' content: no two files of one run are the same."""


class Processes:
    """Starts processes in one folder and stops them all at the end."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._count = 0

    def go(self, *words: str | Path) -> Peer:
        """A Go peer."""
        return self._peer("go", go_command(*words))

    def js(self, *words: str | Path) -> Peer:
        """A js-libp2p peer."""
        return self._peer("js", js_command(*words))

    def py(self, *words: str | Path) -> Peer:
        """A Python peer that isn't a shoal node."""
        return self._peer("py", py_command(*words))

    def shoal(self, name: str, *bootstrap: str, **options: object) -> Daemon:
        """A shoal node that answers."""
        daemon = Daemon(self.folder, name, *bootstrap, **options)
        self._stack.callback(daemon.stop)
        daemon.await_ready()
        return daemon

    def file(self, size: int, name: str = "file.bin") -> Path:
        """A file of its own bytes."""
        self._count += 1
        path = self.folder / f"{self._count}" / name
        path.parent.mkdir()
        path.write_bytes(random.Random(next(SEEDS)).randbytes(size))
        return path

    def new_folder(self) -> Path:
        """An empty folder."""
        self._count += 1
        path = self.folder / f"{self._count}"
        path.mkdir()
        return path

    def _peer(self, kind: str, command: list[str | Path]) -> Peer:
        self._count += 1
        peer = Peer(self.folder / f"{kind}-{self._count}.log", command)
        self._stack.callback(peer.stop)
        return peer
