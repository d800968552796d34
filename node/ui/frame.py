"""A frame: what the whole terminal shows, as lines of styled spans. Pure.

Rules: every line fills exactly the frame's width, in cells; a style is a name that `theme` explains. All text passes
`safe` in `fit`, so no view can forget it, and nothing of a name can leave its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from node.ui.safe import MAX_TEXT_LENGTH, safe
from node.ui.text import cells, clip, clip_end, graphemes

Span = tuple[str, str]
"""Text and the name of its style."""

Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """`height` lines of `width` cells each; the cursor is shown at (column, row) if it has a place."""

    width: int
    height: int
    lines: tuple[Line, ...]
    cursor: tuple[int, int] | None = None


def fit(spans: Iterable[Span], width: int, style: str = "text") -> Line:
    """The spans in exactly `width` cells: clipped at the end, or filled with blanks in `style`."""
    fitted: list[Span] = []
    room = width
    for text, name in spans:
        clean = gated(text)
        wide = cells(clean)
        if wide > room:
            clean = clip_end(clean, room)
            wide = cells(clean)
        if clean:
            fitted.append((clean, name))
            room -= wide
        if room <= 0:
            break
    if room > 0:
        fitted.append((" " * room, style))
    return tuple(fitted)


def spread(left: Iterable[Span], right: Sequence[Span], width: int, style: str = "text") -> Line:
    """Spans at both edges of the line; where there is no room for both, the left ones are clipped."""
    right_cells = sum(cells(gated(text)) for text, _ in right)
    if right_cells >= width:
        return fit(left, width, style)
    return (*fit(left, width - right_cells, style), *fit(right, right_cells, style))


def beside(left: Sequence[Line], right: Sequence[Line], rule: Span) -> list[Line]:
    """Two blocks of as many lines next to each other, with `rule` between them."""
    return [(*one, rule, *other) for one, other in zip(left, right, strict=True)]


def fill(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Exactly `height` lines: cut at the bottom, or with blank ones there."""
    return [*lines[:height], *(blank(width) for _ in range(height - len(lines)))]


@lru_cache(maxsize=64)
def blank(width: int) -> Line:
    """A line with nothing on it."""
    return ((" " * width, "text"),) if width > 0 else ()


def ruled(title: str, width: int) -> Line:
    """A title in a horizontal rule: `── title ─────`."""
    words = clip(gated(title), max(width - 6, 0))
    rest = max(width - cells(words) - 4, 0)
    return fit([("── ", "rule"), (words, "title"), (" ", "rule"), ("─" * rest, "rule")], width)


def overlay(lines: Sequence[Line], box: Sequence[Line], top: int, left: int, width: int) -> list[Line]:
    """The lines with a box of equally wide lines drawn over them."""
    result = list(lines)
    for row, inner in enumerate(box, start=top):
        if not 0 <= row < len(result):
            continue
        inner_width = sum(cells(text) for text, _ in inner)
        right = max(width - left - inner_width, 0)
        kept_left = _before(result[row], left)
        kept_right = _after(result[row], left + inner_width, right)
        result[row] = (*kept_left, *inner, *kept_right)
    return result


@lru_cache(maxsize=8192)
def gated(text: str) -> str:
    """The text as it may reach a terminal."""
    return safe(text, MAX_TEXT_LENGTH)


def _before(line: Line, width: int) -> Line:
    """The line's first `width` cells; half of a wide character becomes a blank."""
    spans: list[Span] = []
    room = width
    for text, style in line:
        if cells(text) > room:
            kept = text[:room] if text.isascii() else _first(text, room)
            spans.append((kept + " " * (room - cells(kept)), style))
            break
        spans.append((text, style))
        room -= cells(text)
    return tuple(spans)


def _first(text: str, width: int) -> str:
    kept = ""
    for grapheme in graphemes(text):
        if cells(kept + grapheme) > width:
            break
        kept += grapheme
    return kept


def _after(line: Line, start: int, width: int) -> Line:
    """`width` cells of the line from column `start`; half of a wide character becomes a blank."""
    if width <= 0:
        return ()
    spans: list[Span] = []
    column = 0
    for text, style in line:
        wide = cells(text)
        if column + wide > start:
            spans.append((_drop(text, start - column), style) if column < start else (text, style))
        column += wide
    return fit(spans, width)


def _drop(text: str, count: int) -> str:
    """The text without its first `count` cells."""
    if text.isascii():
        return text[count:]
    for cut in range(len(text) + 1):
        gone = cells(text[:cut])
        if gone >= count and cells(text[cut:]) == cells(text) - gone:
            return " " * (gone - count) + text[cut:]
    return ""
