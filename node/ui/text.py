"""Text in terminal cells: how wide it is, and making it exactly as wide as its column.

Rules: everything takes text that has passed `safe`; a width is in cells, of which a wide character fills two.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

ELLIPSIS = "…"

# The glyphs of our own screens, each by one of the same width, for a terminal that isn't UTF-8.
_ASCII_GLYPHS = str.maketrans({"✓": "#", "↓": "v", "·": ".", "…": "~", "∞": "-", "→": ">"})


# The glyphs of the dashboard: one cell each, or `cells` shows ASCII in their place.
_OWN_GLYPHS = "█▉▊▋▌▍▎▏▓▒░·✗✓↓▼▲‖…◷⟳●◐○─│╭╮╰╯→←↑▾▸◂▴∞▁▂▃▄▅▆▇×" + "".join(map(chr, range(0x2800, 0x2900)))
_WITHOUT_GLYPHS = dict.fromkeys(map(ord, _OWN_GLYPHS))


def _is_plain(text: str) -> bool:
    """Whether it is ASCII and our own glyphs, of which each fills one cell whatever stands beside it."""
    return text.isascii() or text.translate(_WITHOUT_GLYPHS).isascii()


def cells(text: str) -> int:
    """How many cells the text fills."""
    return len(text) if text.isascii() else _cells(text)


def clip(text: str, width: int) -> str:
    """The text in at most `width` cells, cut in the middle so that a file's extension stays visible."""
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    tail = width // 3
    parts = graphemes(text)
    return _fitting(parts, width - 1 - tail) + ELLIPSIS + _fitting(reversed(parts), tail, from_end=True)


def clip_end(text: str, width: int) -> str:
    """The text in at most `width` cells, cut at the end: for sentences and whole lines."""
    if cells(text) <= width:
        return text
    return _fitting(graphemes(text), width - 1) + ELLIPSIS if width > 0 else ""


def pad(text: str, width: int) -> str:
    """The text in exactly `width` cells, clipped or with spaces after it."""
    clipped = clip(text, width)
    return clipped + " " * (width - cells(clipped))


def pad_left(text: str, width: int) -> str:
    """The text in exactly `width` cells, clipped or with spaces before it."""
    clipped = clip(text, width)
    return " " * (width - cells(clipped)) + clipped


def to_ascii(text: str) -> str:
    """The text for a terminal that isn't UTF-8: our glyphs by their likes, other people's letters by `?`."""
    return text.translate(_ASCII_GLYPHS).encode("ascii", "replace").decode("ascii")


@lru_cache(maxsize=4096)
def _cells(text: str) -> int:
    if _is_plain(text):
        return len(text)
    return sum(_width(grapheme) for grapheme in graphemes(text))


def _width(grapheme: str) -> int:
    import wcwidth  # blessed's own, so that the dashboard agrees; here because most text is plain and it takes 30 ms

    return max(0, wcwidth.wcswidth(grapheme))


def graphemes(text: str) -> list[str]:
    """The text in the parts that a cut may not divide."""
    if _is_plain(text):
        return list(text)
    import wcwidth

    return list(wcwidth.iter_graphemes(text))


def _fitting(parts: Iterable[str], width: int, *, from_end: bool = False) -> str:
    """As many of the parts as fit; `from_end` says that they come last one first."""
    taken: list[str] = []
    for grapheme in parts:
        width -= _width(grapheme) if not grapheme.isascii() else len(grapheme)
        if width < 0:
            break
        taken.append(grapheme)
    return "".join(reversed(taken) if from_end else taken)
