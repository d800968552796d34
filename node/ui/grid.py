"""Tables on the screen: which columns fit, their headings and rows. Pure.

Rules: where there is no room whole columns go, the highest `rank` first, and never a part of a number; the flexible
one takes what is left and is clipped in the middle, so that a file's extension stays visible. A selected row is
marked by `>` and reversed: one of the two is seen everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from node.ui.frame import Line, Span, fit, gated
from node.ui.text import clip, pad, pad_left
from node.ui.units import are_binary

Row = TypeVar("Row")

NARROWEST_NAME = 8
MARGIN = 2  # the mark of the selected row, and the one of marked rows


@dataclass(frozen=True, slots=True)
class Field(Generic[Row]):
    """One column: its value for a row, with a style; `rank` 0 is never dropped."""

    key: str
    heading: str
    width: int
    value: Callable[[Row], Span]
    rank: int = 0
    is_right: bool = False
    is_flexible: bool = False  # `width` is the least it gets before other columns go
    is_amount: bool = False  # bytes, or bytes per second, that just fit in decimal units

    @property
    def cells(self) -> int:
        """The width in the units of now: `2.50 GiB` is a cell wider than `2.50 GB`."""
        return self.width + (self.is_amount and are_binary())


Fitted = tuple[tuple[Field[Row], int], ...]


def choose(fields: Sequence[Field[Row]], width: int) -> Fitted[Row]:
    """The columns for `width` cells, each with its own."""
    chosen = list(fields)
    while _total(chosen) > width and any(field.rank for field in chosen):
        chosen.remove(max(chosen, key=lambda field: field.rank))
    spare = width - _total(chosen)
    return tuple(
        (field, max(field.cells + spare, min(NARROWEST_NAME, field.cells, width)) if field.is_flexible else field.cells)
        for field in chosen
    )


def heading(chosen: Fitted[Row], width: int, sorted_key: str = "", arrow: str = "") -> Line:
    """The headings; the sorted column carries the arrow where it has room."""
    spans: list[Span] = [(" " * MARGIN, "heading")]
    for field, wide in chosen:
        words = field.heading
        if field.key == sorted_key and len(words) < wide:
            words += arrow
        spans += [((pad_left if field.is_right else pad)(words, wide), "heading"), (" ", "heading")]
    return fit(spans, width, "heading")


def row(chosen: Fitted[Row], value: Row, width: int, *, is_selected: bool, is_marked: bool = False) -> Line:
    """One row of the table."""
    spans: list[Span] = [((">" if is_selected else " ") + ("*" if is_marked else " "), "key")]
    for field, wide in chosen:
        text, style = field.value(value)
        spans.append((_padded(text, wide, field.is_right), style))
    if is_selected:
        spans = [("".join(text for text, _ in spans), "select")]
    rest = width - MARGIN - sum(wide + 1 for _, wide in chosen)
    if rest < 0:
        return fit(spans, width, "select" if is_selected else "text")
    return (*spans, (" " * rest, "select" if is_selected else "text")) if rest else tuple(spans)


@lru_cache(maxsize=4096)
def _padded(text: str, width: int, is_right: bool) -> str:
    """The text in exactly `width` cells, and a blank one. Kept, for most of a row is as it was."""
    return (pad_left if is_right else pad)(clip(gated(text), width), width) + " "


def key_at(chosen: Fitted[Row], x: int) -> str:
    """The key of the column at cell `x`; "" between columns."""
    start = MARGIN
    for field, wide in chosen:
        if start <= x < start + wide:
            return field.key
        start += wide + 1
    return ""


def _total(fields: Sequence[Field[Row]]) -> int:
    return MARGIN + sum(field.cells + 1 for field in fields)
