"""Which columns Transfers shows and in which order: the dialog that changes it. Pure.

Rules: number, state and name are always there and first. The order is also the order of importance: where there is no
room the last columns go first. Until a person moves one, the usual order holds, in which what matters isn't what
stands at the left.
"""

from __future__ import annotations

from dataclasses import replace

from node.ui.messages import KeepColumns
from node.ui.model import Choice, Dialog, Model
from node.ui.step import Step
from node.ui.view_transfers import COLUMNS, FIELDS

_KEYS = "1234567890abcdef"
_LINES = ("where there is room, the first ones first",)


def wanted(model: Model) -> tuple[str, ...]:
    """The columns that are shown where there is room, in their order."""
    return tuple(key for key in model.columns or COLUMNS if key not in model.hidden)


def ask(model: Model, place: int = 0) -> Step:
    """The dialog, with the column at `place` lit."""
    order = model.columns or COLUMNS
    place = min(max(place, 0), len(order) - 1)
    headings = {field.key: field.heading for field in FIELDS}
    choices = tuple(
        Choice(key, f"{'·' if name in model.hidden else '✓'} {headings[name]}", f"column:show {name}")
        for key, name in zip(_KEYS, order, strict=False)
    )
    lit = order[place]
    more = (
        *(Choice(key, "", f"column:at {place + 1}") for key in ("j", "down")),
        *(Choice(key, "", f"column:at {place - 1}") for key in ("k", "up")),
        Choice("space", "show or hide", f"column:show {lit}"),
        Choice("J", "move down", f"column:later {lit}"),
        Choice("K", "move up", f"column:earlier {lit}"),
        *(Choice(key, words, "column:keep ") for key, words in (("esc", "done"), ("q", ""), ("enter", ""))),
    )
    return replace(model, dialog=Dialog("Columns", _LINES, choices, place=place, more=more)), ()


def change(model: Model, what: str) -> Step:
    """Do what a choice of the dialog says, and ask on; at the end the choice is kept."""
    how, _, argument = what.partition(" ")
    if how == "keep":
        return replace(model, dialog=None), (KeepColumns(wanted(model)),)
    if how == "at":
        return ask(model, int(argument))
    order = list(model.columns or COLUMNS)
    place = order.index(argument)
    if how == "show":
        return ask(replace(model, hidden=model.hidden ^ {argument}), place)
    there = min(max(place + (1 if how == "later" else -1), 0), len(order) - 1)
    order.insert(there, order.pop(place))
    columns = () if tuple(order) == COLUMNS else tuple(order)
    return ask(replace(model, columns=columns), there)
