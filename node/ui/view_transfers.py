"""Transfers: every share and download, with details under the rows where the terminal is high enough. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from node.status import ItemStatus
from node.ui.areas import BIG_PANE_CELLS, SMALL_PANE, areas, has_two_panes
from node.ui.frame import Line, Span, beside, blank, fill, fit, ruled
from node.ui.graphs import bar, history
from node.ui.grid import Field, Fitted, choose, heading, row
from node.ui.model import HISTORY, Model, Reach
from node.ui.rows import NUMBER_CELLS, current, ids, index_of, items, number_cells, window
from node.ui.screens import downloaded, ratio
from node.ui.text import cells, pad
from node.ui.units import count, date, eta_fixed, rate_fixed, rate_short, size_fixed
from node.ui.view_chrome import GLYPHS, SHORT_STATES, sentence
from node.ui.view_details import chunk_line, detail_lines, is_detail_of
from node.ui.view_log import log_lines
from node.ui.view_peers import peer_table

_PRIORITIES = {"normal": "norm"}
FIRST_STEPS = (
    ":share <path>          add a file or folder",
    ":search <text>         find files in the network",
    ":download <cid|link>   fetch one",
)
GRAPH_SHARE = 12  # lines of the graph and the log under the wide panes


def _eta(item: ItemStatus) -> str:
    return eta_fixed(item.eta_s) if item.eta_s is not None else "-"


def _done(item: ItemStatus) -> Span:
    done = downloaded(item)
    return f"{bar(done, 8)} {done:3}%", "ok" if done == 100 else "text"


def _peers(item: ItemStatus) -> Span:
    return f"{item.peers_connected}/{item.peers_known}", "text"


def _copies(item: ItemStatus) -> Span:
    if item.copies is None:
        return "-", "text"
    return f"{item.copies:.2f}"[:5], "warn" if item.copies < 1 else "text"


def _limits(item: ItemStatus) -> Span:
    limits = (("▼", item.down_limit_bps), ("▲", item.up_limit_bps))
    return " ".join(f"{arrow}{rate_short(limit)}" for arrow, limit in limits if limit is not None) or "-", "dim"


FIELDS: tuple[Field[ItemStatus], ...] = (
    Field("number", "#", NUMBER_CELLS, lambda item: (str(item.number), "text"), is_right=True),
    Field("state-glyph", "", 1, lambda item: GLYPHS[item.state]),
    Field("name", "NAME", 20, lambda item: (item.name, "text"), is_flexible=True),
    Field("size", "SIZE", 7, lambda item: (size_fixed(item.size), "text"), rank=4, is_right=True, is_amount=True),
    Field("done", "DONE", 13, _done, rank=1),
    Field("down", "DOWN", 9, lambda item: (rate_fixed(item.down_bps), "down"), rank=2, is_right=True, is_amount=True),
    Field("up", "UP", 9, lambda item: (rate_fixed(item.up_bps), "up"), rank=5, is_right=True, is_amount=True),
    Field("eta", "ETA", 6, lambda item: (_eta(item), "text"), rank=3, is_right=True),
    Field("state", "STATE", 7, lambda item: (SHORT_STATES[item.state], GLYPHS[item.state][1]), rank=6),
    Field("peers", "PEERS", 6, _peers, rank=7, is_right=True),
    Field("ratio", "RATIO", 5, lambda item: (ratio(item), "text"), rank=8, is_right=True),
    Field("avail", "AVAIL", 5, _copies, rank=9, is_right=True),
    Field("speed", "SPEED 60s", 16, lambda item: ("", "down"), rank=10),
    Field("priority", "PRIO", 5, lambda item: (_PRIORITIES.get(item.priority, item.priority), "text"), rank=11),
    Field("added", "ADDED", 11, lambda item: (date(item.added_at), "dim"), rank=12),
    Field("id", "ID", 12, lambda item: (f"{item.cid[:4]}…{item.cid[-7:]}", "dim"), rank=13),
    Field("limit", "LIMITS", 11, _limits, rank=14),
    Field("order", "ORDER", 6, lambda item: ("begin" if item.sequential else "rarest", "dim"), rank=15),
)

COLUMNS = tuple(field.key for field in FIELDS if field.rank)
"""Those that can be hidden and moved, in their usual order."""


NARROW = 44
NARROW_FIELDS: tuple[Field[ItemStatus], ...] = (
    Field("number", "#", 3, lambda item: (str(item.number), "text"), is_right=True),
    Field("state-glyph", "", 1, lambda item: GLYPHS[item.state]),
    Field("name", "NAME", 6, lambda item: (item.name, "text"), is_flexible=True),
    Field("done", "DONE", 4, lambda item: (f"{downloaded(item)}%", "text"), is_right=True),
)
"""Where there is hardly any room: which file, and how far it is."""


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    if not model.shown.items:
        return _empty(model, width, height)
    place = areas(model)
    table = _table(model, width, place.rows)
    if place.pane <= 0:
        return fill(table, width, height)
    pane = _small_pane(model, width) if place.pane == SMALL_PANE else _big_pane(model, width, place.pane)
    return fill([*table, *fill(pane, width, place.pane)], width, height)


def _table(model: Model, width: int, height: int) -> list[Line]:
    rows = items(model)
    index = index_of(model, ids(model))
    chosen = columns(model, width)
    arrow = "▴" if model.sort.is_reversed else "▾"
    shown: list[Line] = [heading(chosen, width, model.sort.key, arrow)]
    for place in window(len(rows), index, height):
        item = rows[place]
        shown.append(row(chosen, item, width, is_selected=place == index, is_marked=item.cid in model.marks))
    if not rows:
        shown += [blank(width), sentence(f"No name has {model.filter!r} in it; Esc shows all.", width)]
    return fill(shown, width, height + 1)


def columns(model: Model, width: int) -> Fitted[ItemStatus]:
    """The columns for this width, with their own widths."""
    if width < NARROW:
        return choose(NARROW_FIELDS, width)
    return choose([each for each in _fields(model) if each.key not in model.hidden], width)


def _fields(model: Model) -> tuple[Field[ItemStatus], ...]:
    """The columns in their order, the little graph among them with the model's own rates."""
    rates, ticks = model.shown.rates, model.shown.ticks

    def speed(item: ItemStatus) -> Span:
        values = () if model.is_a11y else rates.get(item.cid, ())
        return history(values, ticks, 60, 16, is_block=model.has_blocks)[0] if values else "", "down"

    def as_it_is_now(field: Field[ItemStatus]) -> Field[ItemStatus]:
        match field.key:
            case "speed":
                return replace(field, value=speed)
            case "number":
                return replace(field, width=number_cells(model.shown.items))
            case _:
                return field

    return tuple(map(as_it_is_now, _arranged(model.columns)))


@lru_cache(maxsize=1)
def _arranged(order: tuple[str, ...]) -> tuple[Field[ItemStatus], ...]:
    """The columns in a person's order, of which the last go first; () for the usual one."""
    if not order:
        return FIELDS
    fields = {field.key: field for field in FIELDS}
    ranked = (replace(fields[key], rank=rank) for rank, key in enumerate(order, start=1))
    return (*(field for field in FIELDS if not field.rank), *ranked)


def _small_pane(model: Model, width: int) -> list[Line]:
    item = current(model)
    if item is None:
        return []
    amount = f"{size_fixed(item.bytes_have)} of {size_fixed(item.size)}"
    words = f" {amount}  {downloaded(item)}%  ETA {_eta(item)}  {count(item.peers_connected, 'source')}"
    words += f"  {item.chunks_have}/{item.chunks} chunks"
    detail = model.shown.detail if model.shown.detail and is_detail_of(model.shown.detail, item.cid) else None
    if detail and detail.rarest_chunks:
        words += f", rarest {detail.rarest} {'copy' if detail.rarest == 1 else 'copies'}"
    pane = [ruled(item.name, width), fit([(words, "text")], width)]
    if item.reason:
        pane.append(fit([(f" {item.reason}", "warn")], width))
    if detail and detail.cells:
        pane.append(fit([(" ", "text"), *chunk_line(detail.cells[: width - 2])], width))
    return pane


def _big_pane(model: Model, width: int, height: int) -> list[Line]:
    item = current(model)
    if item is None:
        return []
    if not has_two_panes(model):
        return detail_lines(model, item, width, height)
    left, right = BIG_PANE_CELLS, width - BIG_PANE_CELLS - 1
    low = min(GRAPH_SHARE, height // 2)
    high = height - low
    upper = beside(
        fill(detail_lines(model, item, left, high), left, high),
        fill(_peers_of(model, item, right, high), right, high),
        ("│", "rule"),
    )
    return upper + beside(
        fill(_graph(model, left, low), left, low),
        fill([ruled("Log", right), *log_lines(model, right, low - 1)], right, low),
        ("│", "rule"),
    )


def _peers_of(model: Model, item: ItemStatus, width: int, height: int) -> list[Line]:
    detail = model.shown.detail
    peers = detail.peers if detail is not None and is_detail_of(detail, item.cid) else ()
    return [ruled(f"Peers Sharing - {item.name}", width), *peer_table(peers, -1, width, height - 1, None)]


def _graph(model: Model, width: int, height: int) -> list[Line]:
    values = model.shown.down
    now, most = (values[-1] if values else 0.0), max(values, default=0.0)
    title = f"Down 5 min   now {rate_fixed(now)}   max {rate_fixed(most)}"
    if model.is_a11y:  # read aloud, a graph is noise
        return [ruled(title, width)]
    drawn = history(values, model.shown.ticks, HISTORY, width, max(height - 2, 1), is_block=model.has_blocks)
    ends = "5 min ago", "now"
    gap = max(width - cells(ends[0]) - cells(ends[1]), 1)
    return [
        ruled(title, width),
        *(fit([(line, "down")], width) for line in drawn),
        fit([(ends[0] + " " * gap + ends[1], "dim")], width),
    ]


def _empty(model: Model, width: int, height: int) -> list[Line]:
    if model.contact.reach is not Reach.ONLINE or model.shown.items is None:
        if not model.is_waiting:
            return fill([], width, height)
        words = "Starting a node …" if model.contact.is_starting else "Connecting to the node …"
        if (waited := model.now - model.contact.since) >= 1:
            words += f" {waited:.0f} s"
        return fill([*[blank(width)] * (height // 3), sentence(words, width)], width, height)
    node = model.shown.node
    address = node.addresses[0].partition("/p2p/")[0] if node and node.addresses else ""
    wide = max(cells(line) for line in FIRST_STEPS)
    steps = (pad(line, min(wide, width)) for line in FIRST_STEPS)  # one block, in the middle
    listening = f"Your node is listening on {address}" if address else ""
    sentences = ["Nothing here yet.", "", *steps, "", listening]
    return fill([*[blank(width)] * (height // 4), *(sentence(each, width) for each in sentences)], width, height)
