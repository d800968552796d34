"""From one frame to the next in as few bytes as make sense. Pure.

Rules: only cells that differ are written, in runs; runs less than `MERGE_CELLS` apart are one, for a cursor move costs
as much. Nothing is ever cleared, so a stream cut anywhere leaves no blank screen. After a character about whose width
terminals may disagree, the column is set anew, so that the rest of the row stays where it belongs. The brackets of
private mode 2026 let a terminal that knows them show a frame all at once; others ignore them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.ui.cells import Cell, line_cells
from node.ui.frame import Frame, Line
from node.ui.text import cells

MERGE_CELLS = 8
"""Bytes of the longest usual cursor move, `ESC[60;200H`, less the `ESC[` of a style that it often saves."""

STRETCH = 16

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
NORMAL = "\x1b[m"


def encode(before: Frame | None, after: Frame, styles: Mapping[str, str], *, is_ascii: bool = False) -> bytes:
    """What to write so that a terminal which shows `before` shows `after`; None means that nothing is known."""
    if before is not None and (before.width, before.height) != (after.width, after.height):
        before = None
    parts = list(_lines(before, after, styles, is_ascii))
    parts += _cursor(before, after, moved=bool(parts))
    return "".join((BEGIN, *parts, END)).encode("utf-8", "replace") if parts else b""


def _lines(before: Frame | None, after: Frame, styles: Mapping[str, str], is_ascii: bool) -> Iterator[str]:
    wrote = False
    for row, line in enumerate(after.lines):
        old_line = before.lines[row] if before else None
        if line is old_line or line == old_line:
            continue
        first, line, old_line = _apart(line, old_line or ())
        new = line_cells(line, is_ascii=is_ascii)
        old = line_cells(old_line, is_ascii=is_ascii)
        for start, end in _runs(old, new):
            yield f"\x1b[{row + 1};{first + start + 1}H"
            yield from _run(new, start, end, styles, first)
            wrote = True
    if wrote:
        yield NORMAL


def _apart(new: Line, old: Line) -> tuple[int, Line, Line]:
    """Both lines without the spans that they begin and end with alike, and how many cells they begin alike."""
    alike = 0
    for one, other in zip(new, old, strict=False):
        if one != other:
            break
        alike += 1
    tail = 0
    for one, other in zip(reversed(new[alike:]), reversed(old[alike:]), strict=False):
        if one != other:
            break
        tail += 1
    return sum(cells(text) for text, _ in new[:alike]), new[alike : len(new) - tail], old[alike : len(old) - tail]


def _runs(old: list[Cell], new: list[Cell]) -> Iterator[tuple[int, int]]:
    """The changed stretches [start, end), never beginning or ending inside a wide character."""
    if len(old) != len(new):
        yield 0, len(new)
        return
    start = end = -1
    for column in _changed(old, new):
        if start < 0:
            start = column
        elif column - end >= MERGE_CELLS:
            yield _whole(old, new, start, end)
            start = column
        end = column + 1
    if start >= 0:
        yield _whole(old, new, start, end)


def _changed(old: list[Cell], new: list[Cell]) -> Iterator[int]:
    """The columns that differ; most of a line doesn't, and is passed over a stretch at a time."""
    for first in range(0, len(new), STRETCH):
        before, after = old[first : first + STRETCH], new[first : first + STRETCH]
        if before != after:
            yield from (first + at for at, (was, is_now) in enumerate(zip(before, after, strict=True)) if was != is_now)


def _whole(old: list[Cell], new: list[Cell], start: int, end: int) -> tuple[int, int]:
    while start > 0 and not (new[start][0] and old[start][0]):
        start -= 1
    while end < len(new) and not (new[end][0] and old[end][0]):
        end += 1
    return start, end


def _run(new: list[Cell], start: int, end: int, styles: Mapping[str, str], first: int) -> Iterator[str]:
    """A stretch of cells of which `new[0]` stands in column `first`."""
    style = None
    for column in range(start, end):
        text, name = new[column]
        if not text:
            continue
        if name != style:
            yield styles.get(name, NORMAL)
            style = name
        yield text
        if not text.isascii() and (len(text) > 1 or (column + 1 < len(new) and not new[column + 1][0])):
            following = column + 1 + (column + 1 < len(new) and not new[column + 1][0])
            if following < end:
                yield f"\x1b[{first + following + 1}G"


def _cursor(before: Frame | None, after: Frame, *, moved: bool) -> list[str]:
    old = before.cursor if before else None
    if after.cursor is None:
        return [HIDE_CURSOR] if old is not None or before is None else []
    if after.cursor == old and not moved:
        return []
    column, row = after.cursor
    return [f"\x1b[{row + 1};{column + 1}H", SHOW_CURSOR]
