"""The model as a frame: header, body, status line and hints, whatever the terminal's size. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from node.ui import (
    view_details,
    view_help,
    view_log,
    view_network,
    view_peers,
    view_search,
    view_transfers,
    view_uploads,
)
from node.ui.areas import CHROME, areas, is_too_small
from node.ui.frame import Frame, Line, fill, fit
from node.ui.model import Model, Screen
from node.ui.rows import ids, index_of, window
from node.ui.view_chrome import header, hint_line, status_line
from node.ui.view_dialogs import over

TOO_SMALL = "terminal too small"

_BODIES: Mapping[Screen, Callable[[Model, int, int], list[Line]]] = {
    Screen.TRANSFERS: view_transfers.lines,
    Screen.SEARCH: view_search.lines,
    Screen.PEERS: view_peers.lines,
    Screen.UPLOADS: view_uploads.lines,
    Screen.NETWORK: view_network.lines,
    Screen.LOG: view_log.lines,
}


def view(model: Model) -> Frame:
    """What the terminal shows: exactly `height` lines of `width` cells."""
    width, height = model.width, model.height
    if is_too_small(model):
        sentence = fit([(TOO_SMALL, "warn")], width) if width > 0 else ()
        return Frame(width, height, tuple(fill([sentence], width, height)))
    body = over(model, _body(model, width, height - CHROME), width)
    bottom, cursor = hint_line(model), _parked(model) if model.is_a11y else None
    if model.prompt is not None:
        from node.ui.view_prompt import prompt_line, suggestions  # here because the first frame has no prompt

        bottom, column = prompt_line(model, model.prompt, width)
        cursor = (column, height - 1)
        hints = suggestions(model, model.prompt, width)
        body = [*body[: max(len(body) - len(hints), 0)], *hints][-len(body) :] if body else body
    return Frame(width, height, (header(model), *body, status_line(model), bottom), cursor)


def _parked(model: Model) -> tuple[int, int] | None:
    """Where the cursor stands for those who read by it: at the selected row, or at the start of what is open."""
    row_ids = ids(model)
    index = index_of(model, row_ids)
    is_covered = model.details is not None or model.is_help_open or model.dialog is not None or model.answer is not None
    if is_covered or index < 0:
        return 0, 1
    place = areas(model)
    return 0, place.first_row + index - window(len(row_ids), index, place.rows).start


def _body(model: Model, width: int, height: int) -> list[Line]:
    if model.is_help_open:
        return view_help.lines(model, width, height)
    if model.details is not None:
        return view_details.lines(model, width, height)
    return _BODIES[model.screen](model, width, height)
