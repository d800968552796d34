"""Where things are on the screen, for the views that draw them and the mouse that points at them. Pure.

From the top: the header, the body, the status line, the hints. The body of Transfers has a pane under its rows as soon
as the terminal is high enough, and two panes beside each other where it is wide as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.ui.model import Model, Screen

NARROWEST, LOWEST = 20, 5
"""Below this there is only a sentence: a header, a row and a hint need five lines, a name and its percent 20 cells."""

SMALL_PANE_FROM, BIG_PANE_FROM = 18, 36
SMALL_PANE = 4
WIDE_FROM = 160
"""Lines and columns from which the pane under the rows shows a summary, all details, and peers beside them."""

BIG_PANE_CELLS = 120  # of the left pane where there are two

CHROME = 3  # header, status line, hints


@dataclass(frozen=True, slots=True)
class Areas:
    """Heights in lines; `first_row` is the screen's line of the list's first row."""

    body: int
    rows: int
    first_row: int
    pane: int


def areas(model: Model) -> Areas:
    """The areas of the model's screen."""
    body = max(model.height - CHROME, 0)
    match model.screen:
        case Screen.TRANSFERS:
            pane = _pane(model.height)
            return Areas(body, max(body - 1 - pane, 0), 2, pane)
        case Screen.PEERS:
            return Areas(body, max(body - 4, 1), 3, 0)
        case Screen.UPLOADS:
            return Areas(body, max(body - 4, 1), 3, 0)
        case Screen.SEARCH:
            return Areas(body, max(body - 2, 1), 3, 0)
        case _:
            return Areas(body, 0, 1, 0)


def _pane(height: int) -> int:
    if height < SMALL_PANE_FROM:
        return 0
    return SMALL_PANE if height < BIG_PANE_FROM else height - CHROME - max((height - CHROME) * 2 // 5, 12)


def is_too_small(model: Model) -> bool:
    """Whether there is room for a sentence only."""
    return model.width < NARROWEST or model.height < LOWEST


def has_two_panes(model: Model) -> bool:
    """Whether Transfers shows peers, a graph and the log beside the details."""
    return model.width >= WIDE_FROM and model.height >= BIG_PANE_FROM
