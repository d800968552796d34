"""What the mouse does: a click selects a row or opens it, sorts by a heading, changes the tab, runs a hint. Pure."""

from __future__ import annotations

from dataclasses import replace

from node.ui.actions import ACTIONS, act, show_screen
from node.ui.areas import areas, is_too_small
from node.ui.grid import key_at
from node.ui.model import Model, Screen
from node.ui.rows import SORTS, ids, index_of, select, sorted_by, window
from node.ui.step import Step
from node.ui.text import cells
from node.ui.view_chrome import hint_at, tab_spans
from node.ui.view_transfers import columns


def clicked(model: Model, x: int, y: int) -> Step:
    """A click on a cell."""
    if is_too_small(model):
        return model, ()
    if model.is_help_open or model.answer is not None:
        return replace(model, is_help_open=False, answer=None), ()
    if y == 0:
        screen = _tab_at(model, x)
        return (show_screen(model, screen) if screen else model), ()
    if y == model.height - 1:
        action = hint_at(model, x)
        return act(model, action) if action else (model, ())
    if model.details is not None:
        return model, ()
    rows = ids(model)
    index = index_of(model, rows)
    place = areas(model)
    seen = window(len(rows), index, place.rows)
    line = y - place.first_row
    if line == -1 and model.screen is Screen.TRANSFERS:
        key = key_at(columns(model, model.width), x)
        return (sorted_by(model, key) if key in SORTS else model), ()
    if not 0 <= line < len(seen):
        return model, ()
    if seen[line] == index:
        return ACTIONS["open"](model)
    return select(model, rows, seen[line]), ()


def turned(model: Model, by: int) -> Step:
    """The wheel, a few rows at a time."""
    action = "line-down" if by > 0 else "line-up"
    for _ in range(abs(by)):
        model, _effects = ACTIONS[action](model)
    return model, ()


def _tab_at(model: Model, x: int) -> Screen | None:
    start = 0
    for screen, (text, _) in tab_spans(model):
        start += cells(text)
        if x < start:
            return screen
    return None
