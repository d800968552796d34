"""Uploads: what this node seeds, and how much of it went where. Pure."""

from __future__ import annotations

from node.status import ItemStatus
from node.ui.areas import areas
from node.ui.frame import Line, Span, blank, fill, fit, ruled
from node.ui.graphs import history
from node.ui.grid import Field, choose, heading, row
from node.ui.model import Model
from node.ui.rows import ids, index_of, items, number_cells, window
from node.ui.screens import ratio
from node.ui.units import count, limit, rate_fixed, size_fixed
from node.ui.view_chrome import sentence

LAST_WORD = " 'stop <#>' stops seeding (the file stays on disk)"
LINES_BESIDE = 5  # title, headings, a blank, the total, and the last word


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    rows = items(model)
    shown = [ruled("Uploading / Seeding", width)]
    if not rows:
        words = "Nothing is seeded. ':share <path>' adds a file or folder."
        return fill([*shown, blank(width), sentence(words, width)], width, height)
    index = index_of(model, ids(model))
    chosen = choose(fields(model), width)
    shown.append(heading(chosen, width, model.sort.key, "▴" if model.sort.is_reversed else "▾"))
    shown += [
        row(chosen, rows[at], width, is_selected=at == index, is_marked=rows[at].cid in model.marks)
        for at in window(len(rows), index, areas(model).rows)
    ]
    speed, sent = sum(item.up_bps for item in rows), sum(item.sent for item in rows)
    peers = count(sum(item.peers_connected for item in rows), "peer")
    bps = model.shown.node.up_limit_bps if model.shown.node else None
    total = f" Total  ▲ {rate_fixed(speed)}  {peers}   sent {size_fixed(sent)}   limit "
    total += "none" if bps is None else limit(bps)
    shown = fill([*shown, blank(width), fit([(total, "text")], width)], width, height)
    return [*shown[:-1], fit([(LAST_WORD, "dim")], width)] if len(rows) + LINES_BESIDE < height else shown


def _limit(item: ItemStatus) -> Span:
    return "-" if item.up_limit_bps is None else f"{size_fixed(item.up_limit_bps)}/s", "dim"


def fields(model: Model) -> tuple[Field[ItemStatus], ...]:
    """The columns, the little graph among them with the model's own rates."""
    rates, ticks = model.shown.rates, model.shown.ticks

    def graph(item: ItemStatus) -> Span:
        values = () if model.is_a11y else rates.get(item.cid, ())
        return history(values, ticks, 60, 12, is_block=model.has_blocks)[0] if values else "", "up"

    return (
        Field("number", "#", number_cells(model.shown.items), lambda item: (str(item.number), "text"), is_right=True),
        Field("name", "FILE NAME", 18, lambda item: (item.name, "text"), is_flexible=True),
        Field("up", "SPEED", 9, lambda item: (rate_fixed(item.up_bps), "up"), rank=1, is_right=True, is_amount=True),
        Field("peers", "PEERS", 5, lambda item: (str(item.peers_connected), "text"), rank=2, is_right=True),
        Field("sent", "SENT", 8, lambda item: (size_fixed(item.sent), "text"), rank=3, is_right=True),
        Field("ratio", "RATIO", 5, lambda item: (ratio(item), "text"), rank=4, is_right=True),
        Field("limit", "LIMIT", 9, _limit, rank=6, is_right=True, is_amount=True),
        Field("graph", "60 s", 12, graph, rank=5),
    )
