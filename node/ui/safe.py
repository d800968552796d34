"""The one gate between text from elsewhere and a terminal. Pure, and idempotent: passing twice changes nothing.

Names, agents, addresses, error texts and paths come from peers and disks: they may hold escape sequences that
rewrite the screen, bidi marks that turn `exe.gpj` around, or invisible and piled-up characters that move a row.
What comes out shows where something was (a control picture or U+FFFD) and can do nothing; each character is wide,
narrow, or a mark on the character before it. JSON doesn't pass here: it escapes, and keeps the exact name.

Safe to show is not safe to open: which names become paths is the store's rule, and a stricter one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

MAX_LENGTH = 255
"""Characters of a name that are shown: as many as a file system's name has bytes."""

MAX_TEXT_LENGTH = 8192
"""The same for paths, links and sentences: a path (4,096) and what is said about it."""

MAX_MARKS = 2
"""Combining marks on one base: Vietnamese and pointed Hebrew need two; more only make towers over other rows."""

REPLACEMENT = "\ufffd"
DOTTED_CIRCLE = "\u25cc"  # Unicode's own base for a mark that has none

# Cf format (bidi controls among them), Cs lone surrogates, Co private, Cn unassigned, Zl and Zp line breaks.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul fillers: letters that show nothing
# Joiners, variation selectors and skin tones: legitimate, but terminals disagree about the width of what they join.
_DROPPED = frozenset("\u200c\u200d\u034f\u180b\u180c\u180d\u180f") | {
    chr(code) for codes in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x1F3FB, 0x1F400)) for code in codes
}
# Flags are pairs of these, two or four cells wide as the terminal likes: shown as the country's letters instead.
_REGIONAL_A, _REGIONAL_Z = "\U0001f1e6", "\U0001f1ff"


def safe(text: str, limit: int = MAX_LENGTH) -> str:
    """The text as it may be written to a terminal, at most `limit` characters of it."""
    if text.isascii() and text.isprintable():
        return text[:limit]
    # Eight times the limit: enough for what may be dropped, and a megabyte of error text costs no more than that.
    shown = "".join(map(_shown, text[: 8 * limit]))
    return _limit_marks(unicodedata.normalize("NFC", shown))[:limit]


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    """What is shown instead of one character; most are shown as they are."""
    if character in _DROPPED:
        return ""
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    if _REGIONAL_A <= character <= _REGIONAL_Z:
        return chr(ord("A") + ord(character) - ord(_REGIONAL_A))
    if unicodedata.category(character) in _REFUSED or character in _BLANK_LETTERS:
        return REPLACEMENT
    return character


def _limit_marks(text: str) -> str:
    """At most `MAX_MARKS` marks on each base, and a base for those at the start."""
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        if marks and not kept:
            kept.append(DOTTED_CIRCLE)
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    """Whether it joins the character before it; vowels and finals of Hangul do, which Unicode counts as letters."""
    return (
        (character > "\u02ff" and unicodedata.category(character).startswith("M"))
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
    )
