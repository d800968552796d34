"""A person at a terminal: a real shell on a pseudo-terminal, with an emulator for eyes and typed bytes for fingers.

Rules: everything is waited for, nothing slept for; the shell's group and its children end with the seat.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pyte

from tests.daemons import ENVIRONMENT, SHOAL, await_that

SHELL = ("bash", "--norc", "--noprofile", "--noediting", "-i")
TAKE_TERMINAL = "import fcntl,os,sys,termios;fcntl.ioctl(0,termios.TIOCSCTTY,0);os.execvp(sys.argv[1],sys.argv[1:])"
PATIENCE_S = 60.0  # a busy machine is slow, not wrong


class Seat:
    """One terminal with a shell in it."""

    def __init__(
        self, home: Path, columns: int = 100, lines: int = 30, *, answers: bool = True, **environ: str
    ) -> None:
        self._master, slave = pty.openpty()
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        if answers:  # to questions for the cursor's place, as every real terminal does
            self._screen.write_process_input = lambda text: os.write(self._master, text.encode())
        self._lock = threading.Lock()
        self.raw = bytearray()
        self.resize(columns, lines)
        settings = {
            **ENVIRONMENT,
            "SHOAL_HOME": str(home),
            "TERM": "xterm-256color",
            "PS1": "$ ",
            "HISTFILE": "",
            "PATH": f"{SHOAL.parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            **environ,
        }
        command = [str(SHOAL.with_name("python")), "-c", TAKE_TERMINAL, *SHELL]
        self.shell = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=settings, cwd=home.parent
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._watch, daemon=True)
        self._reader.start()
        self.sees("$")

    def _watch(self) -> None:
        while self._master >= 0:
            # Not blocked in read(): that would hold the terminal open after `hangs_up`.
            ready, _, _ = select.select([self._master], [], [], 0.02)
            if not ready:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._lock:
                self.raw += data
                # The emulator has but one screen: leaving the other one gives a blank one here.
                self._stream.feed(data.replace(b"\x1b[?1049l", b"\x1b[2J\x1b[H"))

    # --- eyes ---------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """What the screen shows."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def looks(self) -> list[list[tuple[str, str, bool, bool]]]:
        """Each line's runs of cells that look the same: text, colour, bold, reversed; wide characters take two."""
        with self._lock:
            buffer = self._screen.buffer
            rows = [[buffer[y][x] for x in range(self._screen.columns)] for y in range(self._screen.lines)]
        return [
            [("".join(cell.data or " " for cell in run), *look) for look, run in groupby(row, _look)] for row in rows
        ]

    def sees(self, pattern: str, *, timeout_s: float = PATIENCE_S) -> str:
        """Wait until the screen shows a text, or what fits a pattern `/…/`; returns the screen."""
        return self.sees_that(lambda text: _fits(pattern, text), pattern, timeout_s=timeout_s)

    def sees_that(self, condition: Callable[[str], object], what: str, *, timeout_s: float = PATIENCE_S) -> str:
        """Wait until the screen fulfils a condition; returns it."""
        newest = [""]

        def look() -> str:
            newest[0] = self.text()
            return newest[0] if condition(newest[0]) else ""

        try:
            return await_that(look, what, timeout_s)
        except Exception as error:
            raise AssertionError(f"{what!r} isn't on the screen:\n{newest[0]}") from error

    @property
    def cursor(self) -> pyte.screens.Cursor:
        """Where the cursor stands."""
        with self._lock:
            return self._screen.cursor

    @property
    def is_full_screen(self) -> bool:
        """Whether the other screen is shown, as after the last switch in what was received."""
        with self._lock:
            return self.raw.rfind(b"\x1b[?1049h") > self.raw.rfind(b"\x1b[?1049l")

    def is_on(self, mode: int) -> bool:
        """Whether a private mode was last switched on."""
        with self._lock:
            return self.raw.rfind(b"\x1b[?%dh" % mode) > self.raw.rfind(b"\x1b[?%dl" % mode)

    # --- fingers ------------------------------------------------------------------------------------------------

    def types(self, text: str) -> None:
        """Type a text; `\\r` is Enter."""
        os.write(self._master, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        with self._lock:
            self._screen.resize(lines, columns)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def opens_dashboard(self, words: str = "shoal") -> None:
        """Start it and wait for its first news."""
        self.types(f"{words}; echo code=$?\r")
        self.sees("/[●]/")

    def child(self) -> int:
        """The process that the shell runs at the moment."""

        def children() -> str:
            return Path(f"/proc/{self.shell.pid}/task/{self.shell.pid}/children").read_text()

        return int(await_that(children, "the shell has a child").split()[0])

    def stty(self) -> list[object]:
        """The terminal's settings."""
        return termios.tcgetattr(self._master)

    def hangs_up(self) -> None:
        """Close the window."""
        master, self._master = self._master, -1
        self._reader.join(5)
        os.close(master)

    def leaves(self) -> None:
        """End the shell and whatever runs in it."""
        for pid in (*_children(self.shell.pid), self.shell.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.shell.wait(10)
        if self._master >= 0:
            self.hangs_up()


def _look(cell: pyte.screens.Char) -> tuple[str, bool, bool]:
    return cell.fg, cell.bold, cell.reverse


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _fits(pattern: str, text: str) -> bool:
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], text) is not None
    return pattern in text
