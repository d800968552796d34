"""From a terminal's bytes to tokens: characters, key sequences, pastes, mouse reports. Pure.

Rules: any bytes become some tokens, and the same ones however they are cut; memory is bounded. A sequence that is cut
in two is waited for instead of leaking its rest as keys, which could confirm a dialog; replies to queries are never
keys. Only the caller knows the time: a lone ESC is a key when nothing has followed for `ESCAPE_S`, then it calls
`flush`.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

ESCAPE_S = 0.05
"""How long the rest of a sequence may take: a terminal sends it at once, a slow line within a few milliseconds."""

MAX_PENDING = 1 << 20
"""Characters of an unfinished paste that are kept; a longer one is dropped, as no command line is that long."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character that was typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A key's escape sequence, for the terminal to name."""

    text: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """Text that was pasted, in one piece."""

    text: str


@dataclass(frozen=True, slots=True)
class Clicked:
    """A mouse report: button (0 left, 64 and 65 the wheel), column and row from 0."""

    button: int
    x: int
    y: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class CursorAt:
    """The answer to a question for the cursor's place: row and column from 1."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Focused:
    """The terminal's window has the keyboard now, or has lost it (private mode 1004)."""

    text: str  # without that mode it is a key's sequence
    is_here: bool


Token = Character | Sequence | Pasted | Clicked | CursorAt | Focused

_TOKEN = re.compile(
    r"""
      \x1b\[200~(?P<paste>.*?)\x1b\[201~
    | \x1b\[<(?P<mouse>\d{1,5};\d{1,5};\d{1,5}[Mm])
    | \x1b\[M(?P<x10>...)
    | \x1b\[(?P<cursor>\d{1,5};\d{1,5})R
    | \x1b\[(?P<focus>[IO])
    | (?P<reply>\x1b\[[?>=][0-?]*[ -/]*[@-~] | \x1b[PX^_\]][^\x1b\x07]*(?:\x1b\\|\x07))
    | (?P<key>\x1b\[\[[A-E] | \x1b\[[0-?]*[ -/]*[@-Z\\-~] | \x1bO[ -~] | \x1b[^\x1b\[OPX^_\]])
    | (?P<junk>\x1b\[\[? [0-?]*[ -/]* | \x1b[OPX^_\]][^\x1b]*)
    | (?P<char>.)
    """,
    re.DOTALL | re.VERBOSE,
)

# What may still become a token if more comes.
_UNFINISHED = re.compile(
    r"""
      \x1b
    | \x1b\[\[?
    | \x1b\[[0-?]*[ -/]*
    | \x1b\[M.{0,2}
    | \x1b\[200~(?:(?!\x1b\[201~).)*
    | \x1bO
    | \x1b[PX^_\]][^\x1b\x07]*\x1b?
    """,
    re.DOTALL | re.VERBOSE,
)


class KeyDecoder:
    """Takes bytes as they come and gives the tokens that they complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the rest of a sequence, or the end of a lone ESC, is awaited. A paste takes as long as it takes."""
        return bool(self._pending) and not self._pending.startswith("\x1b[200~")

    def feed(self, data: bytes) -> list[Token]:
        """The tokens that `data` completes."""
        self._pending += self._decoder.decode(data)
        tokens = []
        position = 0
        while position < len(self._pending) and not _UNFINISHED.fullmatch(self._pending, position):
            match = _TOKEN.match(self._pending, position)
            assert match is not None  # the last alternative takes any character
            tokens += _tokens(match)
            position = match.end()
        self._pending = self._pending[position:]
        if len(self._pending) > MAX_PENDING:
            self._pending = ""
        return tokens

    def flush(self) -> list[Token]:
        """What an unfinished sequence was after all: ESC, or Alt and a character; anything longer is dropped."""
        pending, self._pending = self._pending, ""
        return [Sequence(pending)] if 1 <= len(pending) <= 2 else []


def _tokens(match: re.Match[str]) -> list[Token]:
    text = match[0]
    match match.lastgroup:
        case "char":
            return [Sequence(text)] if text == "\x1b" else [Character(text)]
        case "key":
            return [Sequence(text)]
        case "paste":
            return [Pasted(match["paste"])]
        case "cursor":
            row, column = map(int, match["cursor"].split(";"))
            return [CursorAt(row, column)]
        case "focus":
            return [Focused(text, match["focus"] == "I")]
        case "mouse":
            button, x, y = map(int, match["mouse"][:-1].split(";"))
            return [Clicked(button, max(x - 1, 0), max(y - 1, 0), text.endswith("M"))]
        case "x10":
            button, x, y = (ord(character) - 32 for character in match["x10"])
            return [Clicked(max(button & ~3 if button & 3 == 3 else button, 0), max(x - 1, 0), max(y - 1, 0), True)]
        case _:
            return []


_CONTROL = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x00": "ctrl-space"}


def character_key(text: str) -> str:
    """The key's name for a typed character: itself, `enter`, `ctrl-d`; "" for a control character without one."""
    if text in _CONTROL:
        return _CONTROL[text]
    if "\x01" <= text <= "\x1a":
        return f"ctrl-{chr(ord(text) + 96)}"
    if text < " " or "\x80" <= text <= "\x9f":
        return ""
    return text
