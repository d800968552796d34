"""The only place that writes to the terminal: results on stdout, everything else on stderr.

Three forms of the same thing: the user's screens on a terminal, tab-separated rows in a pipe, and with `--json`
one event a line: any number of `progress`, `result` and `error`, and `done` with the exit code as the last. Text
passes `safe`; JSON keeps the exact values, for it escapes them, and so do the paths of `--print0`, which no terminal
gets.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TextIO

from node.errors import ShoalError, StorageError, UsageError
from node.ui.capabilities import ColourMode, ProgressMode, can_move, has_taskbar, is_coloured
from node.ui.layout import Screen, piped_lines, terminal_lines
from node.ui.progress import JsonProgress, PlainProgress, ProgressSink, TerminalProgress, event_line
from node.ui.safe import MAX_TEXT_LENGTH, safe
from node.ui.text import to_ascii
from node.ui.tint import PLAIN, Tint, tint_for

USUAL_WIDTH = 80
"""Cells of a terminal that doesn't say how wide it is."""

USUAL_HEIGHT = 24

Fields = Mapping[str, object]


class OutputError(StorageError):
    """What a command has to say can't be written, so there is no use in saying that there as well."""


class Output:
    """Where one command's results, notes, errors and progress go."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
        *,
        json: bool = False,
        quiet: bool = False,
        header: bool = True,
        progress_mode: ProgressMode = ProgressMode.AUTO,
        colour_mode: ColourMode = ColourMode.AUTO,
    ) -> None:
        self.json = json
        self.terminal = not json and stdout.isatty()
        self._stdout = stdout
        self._stderr = stderr
        self._environ = environ
        self._quiet = quiet
        self._header = header
        self._progress_mode = progress_mode
        self._colour_mode = colour_mode
        self._sink = ProgressSink()
        self.theme = environ.get("SHOAL_THEME", "")
        self._live_lines = 0  # of a screen that the next one replaces

    def as_screens(self) -> Output:
        """The same, but with the user's screens wherever it goes, for the shell."""
        other = Output(
            self._stdout,
            self._stderr,
            self._environ,
            json=self.json,
            quiet=self._quiet,
            header=self._header,
            progress_mode=self._progress_mode,
            colour_mode=self._colour_mode,
        )
        other.terminal = not self.json
        return other

    def screens(self, data: Iterable[Fields], *screens: Screen) -> None:
        """Answer with `screens`; in JSON with one result for each of `data`."""
        if self.json:
            for fields in data:
                self._event("result", fields)
            return
        self._put_stdout(self._rewound())
        tint = self._tint(self._stdout)
        for screen in screens:
            if self.terminal:
                self._write(self._stdout, terminal_lines(screen, self._width(), tint))
            else:
                self._write(self._stdout, piped_lines(screen, header=self._header, tint=tint))

    def live(self, screen: Screen) -> bool:
        """Show a screen for now, in the place of the one before; False where that can't be done."""
        if self._quiet or not self.terminal or not self._stdout.isatty() or not can_move(self._environ):
            return False
        lines = terminal_lines(screen, self._width(), self._tint(self._stdout))[: max(_rows(self._stdout) - 1, 1)]
        self._put_stdout(self._rewound() + "".join(f"{line}\n" for line in lines))
        self._live_lines = len(lines)
        return True

    def _rewound(self) -> str:
        """What takes back the screen that was shown for now."""
        lines, self._live_lines = self._live_lines, 0
        return f"\x1b[{lines}A\r\x1b[J" if lines else ""

    def answer(self, data: Fields, terminal: Sequence[str], piped: Sequence[str] | None = None) -> None:
        """Answer with lines of text; `piped` is the row of values that a program wants instead."""
        if self.json:
            self._event("result", data)
        elif self.terminal or piped is None:
            self._write(self._stdout, [safe(line, MAX_TEXT_LENGTH) for line in terminal])
        else:
            self._write(self._stdout, ["\t".join(safe(value, MAX_TEXT_LENGTH) for value in piped)])

    def expect_program(self) -> None:
        """Raise UsageError where exact names would be read by a person: what is in them may act on a terminal."""
        if self.json or self._stdout.isatty():
            reader = "beside --json, which is exact too" if self.json else "for a terminal"
            raise UsageError(f"-0 is for a program that reads exact names, as xargs -0 does, and not {reader}")

    def paths(self, paths: Iterable[str]) -> None:
        """Answer with exact paths for a program, each ended by NUL."""
        self._sink.close()
        self._guarded(self._stdout, lambda: self._stdout.buffer.writelines(os.fsencode(path) + b"\0" for path in paths))

    def event(self, event: str, fields: Fields) -> None:
        """In JSON, tell a program of something on the way to the results."""
        if self.json:
            self._event(event, fields)

    def note(self, text: str) -> None:
        """Say something beside the result, unless asked to be quiet."""
        if not self._quiet and not self.json:
            self._write(self._stderr, [safe(text, MAX_TEXT_LENGTH)])

    def ask(self, question: str) -> str | None:
        """What the person answers on the terminal, "" for nothing; None where there is nobody to ask."""
        if self.json or self._quiet or not (sys.stdin.isatty() and self._stderr.isatty()):
            return None
        self._sink.close()
        self._put(self._stderr, f"{safe(question, MAX_TEXT_LENGTH)} ")
        return sys.stdin.readline().strip()

    def error(self, error: ShoalError, **fields: object) -> None:
        """Say what went wrong; `fields` tell a program what it was about."""
        self.failure(int(error.code), str(error), **fields)

    def failure(self, code: int, sentence: str, **fields: object) -> None:
        """The same for what is no exception."""
        if self.json:
            self._event("error", {"code": code, "message": sentence, **fields})
        name = self._tint(self._stderr)("shoal:", "error")
        self._write(self._stderr, [f"{name} {safe(sentence, MAX_TEXT_LENGTH)}"])

    def progress(self) -> ProgressSink:
        """Where to show the progress of the next thing; the one before it is closed."""
        self._sink.close()
        self._sink = self._new_sink()
        return self._sink

    def done(self, code: int) -> None:
        """End the output; raises `BrokenPipeError` if nobody reads it any more."""
        self._sink.close()
        if self.json:
            self._event("done", {"code": code})

    def _new_sink(self) -> ProgressSink:
        mode = self._progress_mode
        if self.json:
            return JsonProgress(self._put_stdout)
        if self._quiet or mode is ProgressMode.NEVER:
            return ProgressSink()
        moves = self._stderr.isatty() and can_move(self._environ)
        if mode is ProgressMode.ALWAYS or (mode is ProgressMode.AUTO and moves and not self._environ.get("CI")):
            bar = moves and has_taskbar(self._environ)
            return TerminalProgress(self._put_stderr, self._error_width, self._tint(self._stderr), has_taskbar=bar)
        return PlainProgress(self._put_stderr)

    def _event(self, event: str, fields: Fields) -> None:
        self._sink.close()
        self._put_stdout(event_line(event, dict(fields)) + "\n")

    def _write(self, stream: TextIO, lines: Iterable[str]) -> None:
        self._sink.close()
        self._put(stream, *(f"{line}\n" for line in lines))

    def _put_stdout(self, text: str) -> None:
        self._put(self._stdout, text)

    def _put_stderr(self, text: str) -> None:
        self._put(self._stderr, text)

    def _put(self, stream: TextIO, *texts: str) -> None:
        """Write line by line: with PYTHONUNBUFFERED, Python drops what a pipe doesn't take of a longer write."""
        encoding = (stream.encoding or "utf-8").lower().replace("-", "").replace("_", "")
        self._guarded(
            stream, lambda: stream.writelines(text if encoding == "utf8" else to_ascii(text) for text in texts)
        )

    def _guarded(self, stream: TextIO, write: Callable[[], None]) -> None:
        try:
            write()
            stream.flush()  # a pipe's reader sees an event when it happens, and streams keep their order on a terminal
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write the output: {error.strerror}") from error

    def _tint(self, stream: TextIO) -> Tint:
        """The colours of what goes to the stream."""
        coloured = is_coloured(self._colour_mode, is_terminal=stream.isatty(), environ=self._environ)
        return tint_for(self._environ, self.theme) if coloured else PLAIN

    def _width(self) -> int:
        return _columns(self._stdout, self._environ)

    def _error_width(self) -> int:
        return _columns(self._stderr, self._environ)


def _rows(stream: TextIO) -> int:
    """How high the terminal is; what doesn't say so is taken for a usual one."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or USUAL_HEIGHT
    except (OSError, ValueError):
        return USUAL_HEIGHT


def _columns(stream: TextIO, environ: Mapping[str, str]) -> int:
    """How wide the terminal is; a fresh pseudo-terminal says 0, and then COLUMNS counts."""
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    said = environ.get("COLUMNS", "")
    return width or (int(said) if said.isdecimal() and int(said) else USUAL_WIDTH)
