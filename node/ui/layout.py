"""Tables and cards as lines: the user's form on a terminal, tab-separated in a pipe.

Rules: the forms are those of the user's notes, to the character, as long as the values fit the user's columns; a
longer name widens its column up to the terminal's edge and is then clipped in the middle. In a pipe nothing is
clipped and no ruler or hint is printed. Every value passes `safe` here, so no screen can forget it, and a tint colours
what is laid out already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from node.ui.safe import MAX_TEXT_LENGTH, safe
from node.ui.text import cells, clip, pad
from node.ui.tint import PLAIN, Tint, style_of

TITLE_RULE = "=" * 27
TABLE_RULE_WIDTH = 48
INDENT = 1
GAP = 2  # blank cells after a name that has widened its column
NARROWEST_NAME = 8
LAST_SHARE = 3  # the last column may claim a third of the line before a name is clipped; more if there is room


@dataclass(frozen=True, slots=True)
class Column:
    """One column; the widths count the blanks after the text. Piped columns come last."""

    heading: str
    width: int = 0
    heading_width: int = 0  # where the user's heading stands otherwise than the values under it
    flexible: bool = False  # it gets the room that there is
    piped: bool = False  # only in a pipe, where there is room for everything


@dataclass(frozen=True, slots=True)
class Table:
    """Numbered rows under a title."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    footer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Labelled values under a title, or under a ruler when it has none."""

    title: str
    fields: tuple[tuple[str, str], ...]
    label_width: int
    footer: tuple[str, ...] = ()


Screen = Table | Card


def terminal_lines(screen: Screen, width: int, tint: Tint = PLAIN) -> list[str]:
    """The screen for a terminal of `width` cells."""
    title = "   " + tint(clip(safe(screen.title), max(width - 3, 1)), "title")
    rule = tint(TITLE_RULE, "rule")
    lines = [rule, title, rule] if screen.title else []
    match screen:
        case Table():
            lines += _table_lines(screen, width, tint)
        case Card():
            lines += _card_lines(screen, tint)
    return lines


def piped_lines(screen: Screen, *, header: bool, tint: Tint = PLAIN) -> list[str]:
    """The screen for a program: one row or value a line, tab-separated; safe() leaves no tab inside a value."""
    match screen:
        case Table(columns=columns, rows=rows):
            headings = [column.heading for column in columns]
            lines = ["\t".join(headings)] if header else []
            lines += ["\t".join(_piped_cell(*each, tint) for each in zip(headings, row, strict=True)) for row in rows]
            return lines
        case Card(fields=fields):
            return [f"{label}\t{_piped_cell(label, value, tint)}" for label, value in fields]


def _piped_cell(heading: str, value: str, tint: Tint) -> str:
    return tint(safe(value, MAX_TEXT_LENGTH), style_of(heading, value))


def _card_lines(card: Card, tint: Tint) -> Iterator[str]:
    """Values are never clipped: a CID or a path that can't be copied whole is useless."""
    rule = tint("-" * TABLE_RULE_WIDTH, "rule")
    if not card.title:
        yield rule
    for label, value in card.fields:
        yield f"{label}:".ljust(card.label_width - 1) + " " + _piped_cell(label, value, tint)
    if card.footer:
        yield rule
        yield from card.footer


def _table_lines(table: Table, width: int, tint: Tint) -> Iterator[str]:
    columns = [column for column in table.columns if not column.piped]
    rows = [[safe(cell) for cell in row[: len(columns)]] for row in table.rows]
    widths = _widths(columns, rows, width)
    grown = sum(widths) - sum(column.width for column in columns)
    rule = tint.line([("-" * max(TABLE_RULE_WIDTH + grown, 1), "rule")], width)
    headings = (
        _cell(column.heading, (column.heading_width or column.width) + actual - column.width)
        if column.width
        else column.heading  # the last one, with no blanks after it
        for column, actual in zip(columns, widths, strict=True)
    )
    heading = " " * INDENT + "".join(headings)
    yield tint.line([(heading if cells(heading) <= width else heading.rstrip(), "")], width)
    yield rule
    for row in rows:
        shown = [*map(_cell, row[:-1], widths), row[-1]]
        styles = (style_of(column.heading, cell) for column, cell in zip(columns, row, strict=True))
        yield tint.line([(" " * INDENT, ""), *zip(shown, styles, strict=True)], width)
    yield rule
    for line in table.footer:
        yield tint.line([(line, "")], width)


def _cell(text: str, width: int) -> str:
    """The text in its column, with at least one blank before the next."""
    return pad(clip(text, width - 1), width)


def _widths(columns: list[Column], rows: list[list[str]], width: int) -> list[int]:
    """Each column's cells: as in the user's form, more where a value needs it and the terminal has it."""
    longest = [max((cells(row[index]) for row in rows), default=0) for index in range(len(columns))]
    widths = [
        column.width if column.flexible or index == len(columns) - 1 else max(column.width, longest[index] + 1)
        for index, column in enumerate(columns)
    ]
    for index, column in enumerate(columns):
        if column.flexible:
            others = INDENT + sum(widths[:index]) + sum(widths[index + 1 : -1])
            room = width - others - min(max(longest[-1], cells(columns[-1].heading)), width // LAST_SHARE)
            widths[index] = max(min(max(column.width, longest[index] + GAP), room), NARROWEST_NAME)
    return widths
