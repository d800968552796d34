"""Search: says plainly that this version can't, and what can be done instead. Pure."""

from __future__ import annotations

from node.ui.frame import Line, blank, fill, ruled
from node.ui.model import Model
from node.ui.view_chrome import sentence


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    words = (
        "Searching the network by name is not in this version yet.",
        "",
        "A file is fetched by its CID or its link, which whoever shares it can give you:",
        ":download <cid|link>",
    )
    shown = [ruled("Search", width), *(blank(width) for _ in range(height // 4))]
    return fill([*shown, *(sentence(each, width) for each in words)], width, height)
