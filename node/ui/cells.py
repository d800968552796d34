"""Lines as terminal cells: one entry a cell, so that two frames can be compared cell by cell. Pure.

A wide character fills its cell and an empty one after it. On a terminal that isn't UTF-8, or draws our glyphs two
cells wide, each is replaced here by an ASCII one of the same width, so no view has to know.
"""

from __future__ import annotations

from functools import lru_cache

from node.ui.frame import Line
from node.ui.text import cells, graphemes

Cell = tuple[str, str]
"""A grapheme, or "" for the second half of a wide one, and the name of its style."""

_ASCII = dict(
    zip(
        "█▉▊▋▌▍▎▏▓▒░·✗✓↓▼▲‖…◷⟳●◐○─│╭╮╰╯→←↑▾▴▸◂∞▁▂▃▄▅▆▇×⠀",
        "#####---531-!+vv^=~.%*+o-|++++><^v^><-.::-==#x ",
        strict=True,
    )
)
_OF_THE_MAP = {("✗", "bad"): "x", ("·", "none"): "."}
"""Glyphs of the chunk map, by their styles, that are something else elsewhere: a failed file, the rest of a bar."""

_BRAILLE_FIRST, _BRAILLE_LAST = "\u2800", "\u28ff"
_BY_DOTS = " ..::||##"


def line_cells(line: Line, *, is_ascii: bool = False) -> list[Cell]:
    """The line's cells, from left to right."""
    found: list[Cell] = []
    for text, style in line:
        found += _span_cells(text, style, is_ascii)
    return found


@lru_cache(maxsize=16384)
def _span_cells(text: str, style: str, is_ascii: bool) -> list[Cell]:
    """The span's cells. Kept, because of a row whose numbers move most spans are the same ones as before."""
    if text.isascii():
        return [(character, style) for character in text]
    found: list[Cell] = []
    for grapheme in graphemes(text):
        wide = cells(grapheme)
        if not wide:  # a vowel without its syllable: it has no cell of its own, and stands in the one before
            if found and not is_ascii:
                found[-1] = (found[-1][0] + grapheme, style)
            continue
        shown = grapheme if grapheme.isascii() or not is_ascii else _ascii(grapheme, wide, style)
        if len(shown) == wide and shown.isascii():
            found.extend((character, style) for character in shown)
        else:
            found.append((shown, style))
            found.extend([("", style)] * (wide - 1))
    return found


def _ascii(grapheme: str, wide: int, style: str) -> str:
    if _BRAILLE_FIRST <= grapheme <= _BRAILLE_LAST:
        return _BY_DOTS[(ord(grapheme) - ord(_BRAILLE_FIRST)).bit_count()]
    return _OF_THE_MAP.get((grapheme, style)) or _ASCII.get(grapheme, "?" * wide)
