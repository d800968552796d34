"""The terminal itself: its modes, bytes in and out, and putting everything back. The only module that imports blessed.

Rules, each learnt from a measurement: the first frame waits for nothing, so what it needs is known here by heart and
blessed, which takes a tenth of a second to load, comes after it to name the keys. blessed asks the terminal nothing (it
waits seconds for one that doesn't answer, and eats what was typed meanwhile), so it gets a stream of its own and no
keyboard. Output goes through a file description of our own that doesn't block, so a terminal that isn't read holds up
neither keys nor the loop, and the shell's own is left as it was. Whatever happens the terminal is put back: modes,
cursor, screen, and stderr.
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
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from node.ui.capabilities import NO_TASKBAR, can_move, colour_count, has_taskbar

if TYPE_CHECKING:
    import blessed

    from node.ui.keys import Sequence

READ_SIZE = 4096

RESTORE_S = 1.0
"""How long putting the terminal back may take; one that isn't read any more doesn't keep the process."""

OTHER_SCREEN_ON, OTHER_SCREEN_OFF = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_OFF, CURSOR_ON = "\x1b[?25l", "\x1b[?12l\x1b[?25h"
CLEAR = "\x1b[H\x1b[2J"
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
MOUSE_ON, MOUSE_OFF = "\x1b[?1000h\x1b[?1006h", "\x1b[?1000l\x1b[?1006l"
FOCUS_ON, FOCUS_OFF = "\x1b[?1004h", "\x1b[?1004l"
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
NORMAL = "\x1b[m"
LATE_ANSWER_S = 0.2
"""How long leaving waits for an answer that is on its way: a slow line's round trip; a mute terminal costs but that."""

ASK_CURSOR = "\x1b[H·\x1b[6n\r \r"
"""Draw one of our glyphs and ask where the cursor is: where it is two cells wide, ASCII takes its place."""

ONE_SCREEN = ("linux", "vt100", "vt102", "vt220", "ansi", "cons25")
"""Terminals without a second screen: theirs is cleared at the end, or the dashboard would stay under the prompt."""

NAMELESS = "csi"  # what blessed calls a sequence that it doesn't know

_NAMES = {"pgup": "pgup", "pgdown": "pgdn", "btab": "shift-tab", "shift-tab": "shift-tab", "escape": "esc"}


def is_usable(environ: Mapping[str, str]) -> bool:
    """Whether a full screen can be shown here: both ends are a terminal that knows how to move its cursor."""
    try:
        both = os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return both and can_move(environ)


def wants_ascii(encoding: str, environ: Mapping[str, str]) -> bool:
    """Whether a terminal of this encoding gets ASCII glyphs."""
    return encoding.lower().replace("-", "") not in ("utf8", "utf8mb4") or environ.get("TERM") == "linux"


class Terminal:
    """The process's terminal; `screen` makes it the dashboard's."""

    def __init__(self, log: Path | None) -> None:
        """`log` is the file that gets what others write to stderr while the screen is ours."""
        self.input = sys.stdin.fileno()
        self.output = -1  # while the screen is ours: the same terminal, not blocking
        self.colours = colour_count(os.environ)
        self.has_taskbar = has_taskbar(os.environ)
        self.reports_focus = os.environ.get("TERM", "") not in ONE_SCREEN  # there PgUp sends what would report it
        self._log = log
        self._mouse = False
        self._awaits_answer = False
        self._blessed: blessed.Terminal | None = None

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
        terminal = self._blessed or self.load_names()
        terminal.ungetch(sequence.text)
        keystroke = terminal.inkey(timeout=0, esc_delay=0)
        terminal.flushinp()
        name = (keystroke.name or "").removeprefix("KEY_").lower().replace("_", "-")
        return _NAMES.get(name, name) if name != NAMELESS else ""

    def load_names(self) -> blessed.Terminal:
        """Have blessed ready, which knows the keys of some fifty kinds of terminals; any thread may."""
        import blessed  # here and not above: nobody presses an arrow before there is anything to see

        # It takes NO_COLOR for "no keys either"; that wish is the theme's to fulfil.
        no_color = os.environ.pop("NO_COLOR", None)
        # A stream that isn't a standard one has no keyboard, and without one blessed sends no queries.
        self._blessed = blessed.Terminal(stream=os.fdopen(os.dup(sys.stdout.fileno()), "w"))
        if no_color is not None:
            os.environ["NO_COLOR"] = no_color
        return self._blessed

    # --- having and giving back the screen ------------------------------------------------------------------------

    @contextmanager
    def screen(self, *, has_mouse: bool) -> Iterator[None]:
        """Hold the full screen; everything is as it was when this ends, however it ends."""
        self._mouse = has_mouse
        self._saved = termios.tcgetattr(self.input)
        self.output = os.open(os.ttyname(sys.stdout.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        stderr = os.dup(2)
        handlers = [(number, signal.signal(number, _end)) for number in (signal.SIGTERM, signal.SIGHUP)]
        try:
            self._enter()
            yield
        finally:
            self._leave()
            for number, handler in handlers:
                signal.signal(number, handler)
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(self.output)

    def _enter(self) -> None:
        tty.setcbreak(self.input, termios.TCSANOW)
        attributes = termios.tcgetattr(self.input)
        # A stray ctrl-s would freeze the screen, and ctrl-v or ctrl-o swallow the next key.
        attributes[0] &= ~(termios.IXON | termios.IXOFF)
        attributes[3] &= ~termios.IEXTEN
        termios.tcsetattr(self.input, termios.TCSANOW, attributes)
        log = os.open(self._log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        os.close(log)
        wished = (FOCUS_ON if self.reports_focus else "") + (MOUSE_ON if self._mouse else "")
        self.write_now((OTHER_SCREEN_ON + CURSOR_OFF + WRAP_OFF + PASTE_ON + wished + ASK_CURSOR).encode())
        self._awaits_answer = True

    def _leave(self) -> None:
        with suppress(termios.error, OSError):  # the terminal may be gone; there is nothing left to put back then
            termios.tcflow(sys.stdout.fileno(), termios.TCOON)
        end = CLEAR if os.environ.get("TERM", "") in ONE_SCREEN else OTHER_SCREEN_OFF
        bar = NO_TASKBAR if self.has_taskbar else ""
        self.write_now((NORMAL + FOCUS_OFF + MOUSE_OFF + PASTE_OFF + WRAP_ON + CURSOR_ON + bar + end).encode())
        with suppress(termios.error, OSError):
            if self._awaits_answer:  # or it would be typed at the shell's prompt; what people type ahead is kept
                select.select([self.input], [], [], LATE_ANSWER_S)
                termios.tcflush(self.input, termios.TCIFLUSH)
            termios.tcsetattr(self.input, termios.TCSANOW, self._saved)

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

    def take(self) -> bytes:
        """What was typed, to be called when there is something; empty when the terminal is gone."""
        try:
            data = os.read(self.input, READ_SIZE)
        except OSError:
            return b""
        self._awaits_answer = self._awaits_answer and b"R" not in data
        return data

    def put(self, data: bytes) -> int:
        """Write what the terminal takes; how much. Raises `BlockingIOError`, and `OSError` when it is gone."""
        return os.write(self.output, data)

    def mouse(self, is_on: bool) -> bytes:
        """What has clicks reported, or leaves the mouse to the terminal."""
        self._mouse = is_on
        return (MOUSE_ON if is_on else MOUSE_OFF).encode()

    def clipboard(self, text: str) -> bytes:
        """What puts the text on the clipboard of a terminal that allows it (OSC 52)."""
        import base64

        return b"\x1b]52;c;" + base64.b64encode(text.encode("utf-8", "replace")) + b"\x07"

    def write_now(self, data: bytes) -> None:
        """Write without a loop, for at most `RESTORE_S`."""
        deadline = time.monotonic() + RESTORE_S
        while data and (left := deadline - time.monotonic()) > 0:
            try:
                data = data[os.write(self.output, data) :]
            except BlockingIOError:
                select.select([], [self.output], [], left)
            except OSError:
                return


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End the process by the way of the blocks that put things back; while its tasks run, the dashboard does that."""
    raise SystemExit(128 + number)
