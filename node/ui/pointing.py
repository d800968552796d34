"""What the mouse does: selects a row, opens it, sorts by a heading, changes the tab, runs a hint. Pure."""

from __future__ import annotations

from dataclasses import replace

from node.ui import view_peers, view_search, view_uploads
from node.ui.actions import ACTIONS, act, show_screen
from node.ui.areas import areas, is_too_small
from node.ui.grid import choose, key_at
from node.ui.model import Model, Screen
from node.ui.rows import ids, index_of, select, sorted_by, sorts, window
from node.ui.step import Step
from node.ui.text import cells
from node.ui.view_chrome import hint_at, tab_spans
from node.ui.view_transfers import columns

DOUBLE_S = 0.5
"""Within it a second click on a row opens it: what desktops take, and a slow line stretches both clicks alike."""


def clicked(model: Model, x: int, y: int, at: float) -> Step:
    """A click on a cell, at a monotonic time."""
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
    if line == -1:
        key = _column_at(model, x)
        return (sorted_by(model, key) if key in sorts(model)[0] else model), ()
    if not 0 <= line < len(seen):
        return model, ()
    # Meant is the row that the first click has selected: a long list may have moved it from under the pointer.
    if model.clicked is not None and model.clicked[0] == y and at - model.clicked[1] <= DOUBLE_S:
        model = replace(model, clicked=None)
        return ACTIONS["use-peer" if model.screen is Screen.PEERS else "open"](model)
    return select(replace(model, clicked=(y, at)), rows, seen[line]), ()


def _column_at(model: Model, x: int) -> str:
    """The column whose heading is there; "" on a screen whose rows stay in their order."""
    match model.screen:
        case Screen.TRANSFERS:
            return key_at(columns(model, model.width), x)
        case Screen.UPLOADS:
            return key_at(choose(view_uploads.fields(model), model.width), x)
        case Screen.PEERS:
            return key_at(choose(view_peers.FIELDS, model.width), x)
        case Screen.SEARCH:
            return key_at(choose(view_search.FIELDS, model.width), x)
        case _:
            return ""


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
