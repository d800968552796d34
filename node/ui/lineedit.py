"""A line of text that is edited, with the keys people's fingers know from their shell. Pure.

Rules: nothing but `insert` adds text, and it takes no control character: a pasted newline becomes a blank and never
gives the command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

MAX_LINE = 4096
"""Characters of a line: a path and a command; a link is shorter."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """The text, the cursor's place in it, and what ctrl-y brings back."""

    text: str = ""
    cursor: int = 0
    killed: str = ""

    def insert(self, text: str) -> LineEdit:
        """The line with `text` at the cursor."""
        clean = "".join(" " if character in "\n\r\t" else character for character in text)
        clean = "".join(character for character in clean if character.isprintable())
        clean = clean[: MAX_LINE - len(self.text)]
        both = self.text[: self.cursor] + clean + self.text[self.cursor :]
        return replace(self, text=both, cursor=self.cursor + len(clean))

    def key(self, name: str) -> LineEdit | None:
        """The line after an editing key; None if it isn't one."""
        edit = _KEYS.get(name)
        return edit(self) if edit else None


def line(text: str) -> LineEdit:
    """A line with the cursor at its end."""
    return LineEdit().insert(text)


def _move(edit: LineEdit, cursor: int) -> LineEdit:
    return replace(edit, cursor=min(max(cursor, 0), len(edit.text)))


def _cut(edit: LineEdit, start: int, end: int, *, keep: bool = True) -> LineEdit:
    gone = edit.text[start:end]
    killed = gone if keep and gone else edit.killed
    return LineEdit(edit.text[:start] + edit.text[end:], start, killed)


def _word_start(edit: LineEdit) -> int:
    return len(edit.text[: edit.cursor].rstrip().rpartition(" ")[0]) and (
        edit.text[: edit.cursor].rstrip().rfind(" ") + 1
    )


def _word_end(edit: LineEdit) -> int:
    rest = edit.text[edit.cursor :]
    blanks = len(rest) - len(rest.lstrip())
    end = rest.find(" ", blanks)
    return len(edit.text) if end < 0 else edit.cursor + end


_KEYS: Mapping[str, Callable[[LineEdit], LineEdit]] = MappingProxyType(
    {
        "left": lambda edit: _move(edit, edit.cursor - 1),
        "ctrl-b": lambda edit: _move(edit, edit.cursor - 1),
        "right": lambda edit: _move(edit, edit.cursor + 1),
        "ctrl-f": lambda edit: _move(edit, edit.cursor + 1),
        "home": lambda edit: _move(edit, 0),
        "ctrl-a": lambda edit: _move(edit, 0),
        "end": lambda edit: _move(edit, len(edit.text)),
        "ctrl-e": lambda edit: _move(edit, len(edit.text)),
        "alt-b": lambda edit: _move(edit, _word_start(edit)),
        "ctrl-left": lambda edit: _move(edit, _word_start(edit)),
        "alt-f": lambda edit: _move(edit, _word_end(edit)),
        "ctrl-right": lambda edit: _move(edit, _word_end(edit)),
        "backspace": lambda edit: _cut(edit, max(edit.cursor - 1, 0), edit.cursor, keep=False),
        "delete": lambda edit: replace(_cut(edit, edit.cursor, edit.cursor + 1, keep=False), cursor=edit.cursor),
        "ctrl-w": lambda edit: _cut(edit, _word_start(edit), edit.cursor),
        "ctrl-u": lambda edit: _cut(edit, 0, edit.cursor),
        "ctrl-k": lambda edit: _cut(edit, edit.cursor, len(edit.text)),
        "ctrl-y": lambda edit: edit.insert(edit.killed),
    }
)
