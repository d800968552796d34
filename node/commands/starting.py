"""Starting a node in the background, for who needs one and finds none.

Rules: the node is a process of its own that outlives this one; what it prints goes into a file in the data folder, and
the end of that is what is told when it doesn't come up.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from node.control.lock import holder
from node.errors import StorageError
from node.folder import DataFolder

if TYPE_CHECKING:
    import subprocess

STARTING_S = 15.0
"""How long a node may take from its start to its socket: it opens its database and listens, most of it Python's own
start on a slow machine."""


class NodeStarter:
    """Starts nodes for one data folder, and knows how the last one fares."""

    def __init__(self, home: DataFolder) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def output(self) -> Path:
        """Where the node prints to."""
        return self._home.path / "daemon.out"

    @property
    def is_starting(self) -> bool:
        """Whether one was started a moment ago and still runs."""
        is_young = time.monotonic() - self._started_at < STARTING_S
        return self._process is not None and self._process.poll() is None and is_young

    def start_if_none(self) -> bool:
        """Start a node unless one runs; whether it was started."""
        if holder(self._home.lock) is not None:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Start a node; raises `StorageError` if the data folder can't be had."""
        import subprocess  # here because the dashboard hardly ever starts a node, and is waited for

        if self.is_starting:
            return
        command = [sys.executable, "-m", "node.cli", "--home", str(self._home.path), "daemon"]
        try:
            self._home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.output.open("wb") as output:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # ctrl-c and the terminal's end are not for it
                    cwd="/",
                )
        except OSError as error:
            raise StorageError(f"cannot start a node in {self._home.path}: {error.strerror}") from error
        self._started_at = time.monotonic()

    def failure(self) -> str:
        """The last words of a node that was started here and has ended; "" if it hasn't."""
        if self._process is None or not self._process.poll():
            return ""
        try:
            lines = self.output.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return lines[-1].removeprefix("shoal: ") if lines else "the node ended at once"
