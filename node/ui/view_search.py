"""Search: what was found, by the numbers that `download` takes, and whom it was asked of. Pure.

Rules: a row keeps its number and, unless a person sorts, its place for as long as its search is the latest; what comes
later stands below. A number that nobody has proved is a dash.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.status import HitState, HitStatus, SearchStatus
from node.ui.areas import areas
from node.ui.frame import Line, Span, blank, fill, gated, ruled
from node.ui.grid import Field, choose, heading, row
from node.ui.hit_rows import hit_sort, hits
from node.ui.model import Model, Sort
from node.ui.rows import ids, index_of, window
from node.ui.search_screen import NOT_ANSWERED, asked_parts, peers, state
from node.ui.text import cells, clip
from node.ui.units import age, count, size_fixed
from node.ui.view_chrome import sentence

HOW_TO = ("Nothing has been searched for yet.", "", "Press n, or type :search <text>", "")
PRIVACY = (
    "Nodes in the DHT learn a hash of one word of it, which can be guessed; --peers and --local tell them nothing."
)

RULE = 6
"""Cells of a line with a title that aren't the title's."""

SHORTEST_TEXT = 7

_STYLES = {
    HitState.AVAILABLE: "ok",
    HitState.INCOMPLETE: "warn",
    HitState.HAVE: "ok",
    HitState.DOWNLOADING: "down",
    HitState.FALSE: "error",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A hit at a moment."""

    hit: HitStatus
    wall: float  # unix time

    @property
    def seen(self) -> str:
        return "-" if self.hit.seen_at is None else age(self.wall - self.hit.seen_at)


def _state(row: _Row) -> Span:
    tick = " ✓" if row.hit.state is HitState.HAVE else ""
    return f"{state(row.hit)}{tick}", _STYLES.get(row.hit.state, "dim")


def _copies(row: _Row) -> Span:
    copies = row.hit.copies
    if copies is None:
        return "-", "dim"
    return f"{copies:.2f}"[:5], "warn" if copies < 1 else "text"


FIELDS: tuple[Field[_Row], ...] = (
    Field("number", "#", 3, lambda row: (str(row.hit.number), "text"), is_right=True),
    Field("name", "FILE NAME", 20, lambda row: (row.hit.name, "text"), is_flexible=True),
    Field("size", "SIZE", 8, lambda row: (size_fixed(row.hit.size), "text"), rank=1, is_right=True),
    Field("peers", "PEERS", 5, lambda row: (peers(row.hit), "text"), rank=2, is_right=True),
    Field("avail", "AVAIL", 5, _copies, rank=4, is_right=True),
    Field("state", "STATUS", 11, _state, rank=3),
    Field("seen", "SEEN", 4, lambda row: (row.seen, "dim"), rank=5, is_right=True),
    Field("id", "ID", 9, lambda row: (f"{row.hit.cid[:4]}…{row.hit.cid[-4:]}", "dim"), rank=6),
    Field("found", "FOUND", 19, lambda row: ("+".join(row.hit.found), "dim"), rank=7),
    Field("files", "FILES", 6, lambda row: (str(row.hit.files), "dim"), rank=8, is_right=True),
)


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    search = model.shown.search
    if search is None:
        words = (*HOW_TO, PRIVACY)
        shown = [ruled("Search", width), *(blank(width) for _ in range(height // 4))]
        return fill([*shown, *(sentence(each, width) for each in words)], width, height)
    if not search.hits:
        return fill([ruled(_title(search, width), width), blank(width), *_nothing(search, width)], width, height)
    chosen = choose(FIELDS, width)
    index = index_of(model, ids(model))
    rows, sort = hits(model), hit_sort(model)
    sorted_key = "" if sort == Sort() else sort.key
    shown = [ruled(_title(search, width), width), heading(chosen, width, sorted_key, "▴" if sort.is_reversed else "▾")]
    shown += [
        row(chosen, _Row(rows[at], model.wall), width, is_selected=at == index)
        for at in window(len(rows), index, areas(model).rows)
    ]
    if not rows:
        shown.append(sentence(f"No name has {model.filter!r} in it; Esc shows all.", width))
    return fill(shown, width, height)


def _title(search: SearchStatus, width: int) -> str:
    parts = [f"{len(search.hits)} found"]
    if search.scope != "local":
        asked = sum(each.reply not in NOT_ANSWERED for each in search.asked)
        parts.append(f"asked {asked} of {count(len(search.asked), 'peer')}")
    rest = "   ".join(["", *parts, _progress(search)])
    room = width - RULE - cells(rest) - cells('Search Results: ""')  # what was typed is known: it gives way
    return f'Search Results: "{clip(gated(search.text), max(room, SHORTEST_TEXT))}"{rest}'


def _progress(search: SearchStatus) -> str:
    """How long it has taken, or took, and what still goes on."""
    if search.is_stopped:
        return f"stopped, {search.seconds:.1f} s"
    if search.is_checked:
        return f"{search.seconds:.1f} s"
    return "◐ checking who has it" if search.is_over else f"◐ {search.seconds:.0f} s"


def _nothing(search: SearchStatus, width: int) -> list[Line]:
    if not search.is_over:
        return [sentence("asking …", width, "dim")]
    nothing = f"Nothing found{' until it was stopped' if search.is_stopped else ''}."
    return [sentence(nothing, width), *(sentence(part, width, "dim") for part in asked_parts(search))]
