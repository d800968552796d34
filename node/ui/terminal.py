"""The terminal itself: its modes, bytes in and out, and putting everything back. The only module that imports blessed.

Rules, each learnt from a measurement: the library asks the terminal nothing (it waits seconds for one that doesn't
answer, and eats what was typed meanwhile), so it gets a stream of its own and no keyboard. Output goes through a file
description of our own that doesn't block, so a terminal that isn't read holds up neither keys nor the loop, and the
shell's own is left as it was. Whatever happens the terminal is put back: modes, cursor, screen, and stderr.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import blessed
import trio

from node.ui.keys import Sequence

UNUSABLE = ("", "dumb", "unknown")

READ_SIZE = 4096

RESTORE_S = 1.0
"""How long putting the terminal back may take; one that isn't read any more doesn't keep the process."""

PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
MOUSE_ON, MOUSE_OFF = "\x1b[?1000h\x1b[?1006h", "\x1b[?1000l\x1b[?1006l"
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
NORMAL = "\x1b[m"
LATE_ANSWER_S = 0.2
"""How long leaving waits for an answer that is on its way: a slow line's round trip; a mute terminal costs but that."""

ASK_CURSOR = "\x1b[H·\x1b[6n\r \r"
"""Draw one of our glyphs and ask where the cursor is: where it is two cells wide, ASCII takes its place."""

NAMELESS = "csi"  # what blessed calls a sequence that it doesn't know

_NAMES = {"pgup": "pgup", "pgdown": "pgdn", "btab": "shift-tab", "shift-tab": "shift-tab", "escape": "esc"}


def is_usable(environ: Mapping[str, str]) -> bool:
    """Whether a full screen can be shown here: both ends are a terminal that knows how to move its cursor."""
    try:
        both = os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return both and environ.get("TERM", "") not in UNUSABLE


class _Keys(blessed.Terminal):
    """blessed's knowledge of terminals, fed by hand: it reads and asks nothing itself."""

    def __init__(self, fd: int) -> None:
        self.fed = ""
        # A stream that isn't a standard one has no keyboard, and without one blessed sends no queries.
        super().__init__(stream=os.fdopen(os.dup(fd), "w"))

    def kbhit(self, timeout: float | None = None) -> bool:
        return bool(self.fed)

    def getch(self, decode_latin1: bool = False) -> str:
        first, self.fed = self.fed[:1], self.fed[1:]
        return first


class Terminal:
    """The process's terminal; `screen` makes it the dashboard's."""

    def __init__(self, log: Path | None) -> None:
        """`log` is the file that gets what others write to stderr while the screen is ours."""
        # blessed takes NO_COLOR for "no cursor movement either"; that wish is the theme's to fulfil.
        no_color = os.environ.pop("NO_COLOR", None)
        self._keys = _Keys(sys.stdout.fileno())
        if no_color is not None:
            os.environ["NO_COLOR"] = no_color
        self._input = sys.stdin.fileno()
        self._log = log
        self._output = -1
        self._mouse = False
        self._awaits_answer = False
        self.colours = 0 if no_color else int(self._keys.number_of_colors)

    # --- what it is -----------------------------------------------------------------------------------------------

    def size(self) -> tuple[int, int]:
        """Columns and lines; a fresh pseudo-terminal that says 0 is taken for 80 by 24."""
        try:
            size = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24

    def name(self, sequence: Sequence) -> str:
        """The key's name for an escape sequence: `up`, `pgdn`, `ctrl-left`, `alt-x`; "" if there is none."""
        self._keys.fed = sequence.text
        keystroke = self._keys.inkey(timeout=0, esc_delay=0)
        self._keys.fed = ""
        self._keys.flushinp()
        name = (keystroke.name or "").removeprefix("KEY_").lower().replace("_", "-")
        return _NAMES.get(name, name) if name != NAMELESS else ""

    # --- having and giving back the screen ------------------------------------------------------------------------

    @contextmanager
    def screen(self, *, has_mouse: bool) -> Iterator[None]:
        """Hold the full screen; everything is as it was when this ends, however it ends."""
        self._mouse = has_mouse
        self._saved = termios.tcgetattr(self._input)
        self._output = os.open(os.ttyname(sys.stdout.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        stderr = os.dup(2)
        try:
            self._enter()
            yield
        finally:
            self._leave()
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(self._output)

    def _enter(self) -> None:
        tty.setcbreak(self._input, termios.TCSANOW)
        attributes = termios.tcgetattr(self._input)
        # A stray ctrl-s would freeze the screen, and ctrl-v or ctrl-o swallow the next key.
        attributes[0] &= ~(termios.IXON | termios.IXOFF)
        attributes[3] &= ~termios.IEXTEN
        termios.tcsetattr(self._input, termios.TCSANOW, attributes)
        log = os.open(self._log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        os.close(log)
        caps = self._keys
        self._write_now(
            caps.enter_fullscreen
            + caps.hide_cursor
            + WRAP_OFF
            + PASTE_ON
            + (MOUSE_ON if self._mouse else "")
            + ASK_CURSOR
        )
        self._awaits_answer = True

    def _leave(self) -> None:
        with suppress(termios.error, OSError):  # the terminal may be gone; there is nothing left to put back then
            termios.tcflow(sys.stdout.fileno(), termios.TCOON)
        caps = self._keys
        end = caps.exit_fullscreen or NORMAL + caps.clear
        self._write_now(NORMAL + MOUSE_OFF + PASTE_OFF + WRAP_ON + caps.normal_cursor + end)
        with suppress(termios.error, OSError):
            if self._awaits_answer:  # or it would be typed at the shell's prompt; what people type ahead is kept
                select.select([self._input], [], [], LATE_ANSWER_S)
                termios.tcflush(self._input, termios.TCIFLUSH)
            termios.tcsetattr(self._input, termios.TCSANOW, self._saved)

    def suspend(self) -> None:
        """Give the terminal back and stop, as ctrl-z does; returns when the shell continues us."""
        handler = signal.getsignal(signal.SIGTSTP)
        self._leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)  # the whole group, as the terminal would: pagers and wrappers too
        signal.signal(signal.SIGTSTP, handler)
        self._enter()

    def reenter(self) -> None:
        """Set the modes again: we were stopped without being told, and somebody else had the terminal."""
        self._enter()

    # --- bytes ----------------------------------------------------------------------------------------------------

    async def read(self) -> bytes:
        """What was typed; empty when the terminal is gone."""
        await trio.lowlevel.wait_readable(self._input)
        try:
            data = os.read(self._input, READ_SIZE)
        except OSError:
            return b""
        self._awaits_answer = self._awaits_answer and b"R" not in data
        return data

    async def write(self, data: bytes) -> None:
        """Write all of it, waiting as long as the terminal takes; raises `OSError` when it is gone."""
        while data:
            try:
                data = data[os.write(self._output, data) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._output)

    async def set_mouse(self, is_on: bool) -> None:
        """Have clicks reported, or leave the mouse to the terminal."""
        self._mouse = is_on
        await self.write((MOUSE_ON if is_on else MOUSE_OFF).encode())

    def clipboard(self, text: str) -> bytes:
        """What puts the text on the clipboard of a terminal that allows it (OSC 52)."""
        import base64

        return b"\x1b]52;c;" + base64.b64encode(text.encode("utf-8", "replace")) + b"\x07"

    def _write_now(self, text: str) -> None:
        """Write without a loop, for at most `RESTORE_S`."""
        data, deadline = text.encode(), time.monotonic() + RESTORE_S
        while data and (left := deadline - time.monotonic()) > 0:
            try:
                data = data[os.write(self._output, data) :]
            except BlockingIOError:
                select.select([], [self._output], [], left)
            except OSError:
                return
