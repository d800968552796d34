"""A terminal without a person: a program on a pseudo-terminal, its bytes counted and timed, not looked at.

Rules: a thread reads as a terminal does, and `stops_reading` as one that hangs; questions for the cursor's place are
answered unless it is `mute`. Nothing is emulated, for that would take more of the processor than what is measured.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.daemons import ENVIRONMENT, SHOAL

COLUMNS, LINES = 200, 60
PATIENCE_S = 60.0
LOOK_S = 0.05
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;2R"


class Window:
    """One program in one terminal."""

    def __init__(self, home: os.PathLike[str], *words: str, mute: bool = False) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._mute = mute
        self._seen = bytearray()
        self._news = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()
        self._is_open = True
        environment = {**ENVIRONMENT, "SHOAL_HOME": os.fspath(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [SHOAL, *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def count(self) -> int:
        """Bytes received so far."""
        return len(self._seen)

    def types(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def sees(self, text: str, start: int = 0) -> float:
        """Wait until what came after the first `start` bytes has a text in it; the moment on perf_counter's clock."""
        wanted, deadline = text.encode(), time.perf_counter() + PATIENCE_S
        with self._news:
            while self._seen.find(wanted, start) < 0:
                if self.process.poll() is not None or time.perf_counter() > deadline:
                    raise RuntimeError(f"{text!r} has not come: {bytes(self._seen[-2000:])!r}")
                self._news.wait(LOOK_S)
            return time.perf_counter()

    @contextmanager
    def stops_reading(self) -> Iterator[None]:
        """Take no more bytes inside the block, as after ctrl-s or on a dead line."""
        self._may_read.clear()
        try:
            yield
        finally:
            self._may_read.set()

    def close(self) -> None:
        """Close the window, which ends the program."""
        self._is_open = False
        self._may_read.set()
        self._reader.join()
        os.close(self._master)
        with suppress(ProcessLookupError):
            self.process.wait(10)

    def _read(self) -> None:
        while self._is_open:
            self._may_read.wait()
            if not select.select([self._master], [], [], LOOK_S)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if QUESTION in data and not self._mute:
                os.write(self._master, ANSWER)
            with self._news:
                self._seen += data
                self._news.notify_all()
