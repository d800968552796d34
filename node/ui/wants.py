"""What the screens of the moment need from the node, so that nothing else is asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from node.ui.areas import BIG_PANE_CELLS, CHROME, SMALL_PANE, areas, has_two_panes
from node.ui.model import Model, Screen
from node.ui.rows import current
from node.ui.view_details import TABS, map_cells

LOG_LINES = 1_000
PANE_LOG_LINES = 50

MOST_CELLS = 65_536
"""The most cells of a chunk map that the node gives."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Besides the rows and the node, which are always wanted."""

    detail: str | None = None  # a CID
    cells: int = 1  # of its chunk map
    files: bool = False  # what is in it
    peers: bool = False
    peers_of: str | None = None
    network: bool = False
    search: bool = False
    log_lines: int = 0


def wants(model: Model) -> Wants:
    """What this model's screen shows."""
    if model.details is not None:
        files = TABS[model.tab] == "files"
        return Wants(model.details, _cells(model.width, model.height - CHROME, model.tab), files)
    match model.screen:
        case Screen.TRANSFERS:
            return _for_panes(model)
        case Screen.PEERS:
            return Wants(peers=True, peers_of=model.peers_of)
        case Screen.SEARCH:
            return Wants(search=True)
        case Screen.NETWORK:
            return Wants(network=True)
        case Screen.LOG:
            return Wants(log_lines=LOG_LINES)
        case _:
            return Wants()


def _for_panes(model: Model) -> Wants:
    pane = areas(model).pane
    item = current(model) if pane else None
    if item is None:
        return Wants()
    if pane == SMALL_PANE:
        return Wants(item.cid, max(model.width - 2, 1))
    if has_two_panes(model):
        return Wants(item.cid, _cells(BIG_PANE_CELLS, pane), log_lines=PANE_LOG_LINES)
    return Wants(item.cid, _cells(model.width, pane))


def _cells(width: int, height: int, tab: int = 0) -> int:
    return min(map_cells(width, height, tab), MOST_CELLS)
