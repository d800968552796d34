"""Search: what was found, by the numbers that `download` takes, and whom it was asked of. Pure.

Rules: a row keeps its number and its place for as long as its search is the latest; what comes later stands below.
"""

from __future__ import annotations

from node.status import HitState, HitStatus, SearchStatus
from node.ui.areas import areas
from node.ui.frame import Line, Span, blank, fill, fit, ruled
from node.ui.grid import Field, choose, heading, row
from node.ui.model import Model
from node.ui.rows import hits, ids, index_of, window
from node.ui.search_screen import asked_parts, peers, state
from node.ui.units import count, size_fixed
from node.ui.view_chrome import sentence

LAST_WORD = " rows are numbered for 'download <#>' and do not move while you look"
HOW_TO = ("Nothing has been searched for yet.", "", "Press n, or type :search <text>", "")
PRIVACY = (
    "Nodes in the DHT learn a hash of one word of it, which can be guessed; --peers and --local tell them nothing."
)

_STYLES = {HitState.AVAILABLE: "ok", HitState.HAVE: "ok", HitState.DOWNLOADING: "down", HitState.FALSE: "error"}


def _state(hit: HitStatus) -> Span:
    tick = " ✓" if hit.state is HitState.HAVE else ""
    return f"{state(hit)}{tick}", _STYLES.get(hit.state, "dim")


FIELDS: tuple[Field[HitStatus], ...] = (
    Field("number", "#", 3, lambda hit: (str(hit.number), "text"), is_right=True),
    Field("name", "FILE NAME", 20, lambda hit: (hit.name, "text"), is_flexible=True),
    Field("size", "SIZE", 8, lambda hit: (size_fixed(hit.size), "text"), rank=2, is_right=True),
    Field("peers", "PEERS", 5, lambda hit: (peers(hit), "text"), rank=3, is_right=True),
    Field("state", "STATUS", 11, _state, rank=1),
    Field("found", "FOUND", 9, lambda hit: ("+".join(hit.found), "dim"), rank=4),
    Field("files", "FILES", 6, lambda hit: (str(hit.files), "dim"), rank=6, is_right=True),
    Field("id", "ID", 9, lambda hit: (f"{hit.cid[:4]}…{hit.cid[-4:]}", "dim"), rank=5),
)


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    search = model.shown.search
    if search is None:
        words = (*HOW_TO, PRIVACY)
        shown = [ruled("Search", width), *(blank(width) for _ in range(height // 4))]
        return fill([*shown, *(sentence(each, width) for each in words)], width, height)
    if not search.hits:
        return fill([ruled(_title(search), width), blank(width), *_nothing(search, width)], width, height)
    chosen = choose(FIELDS, width)
    index = index_of(model, ids(model))
    rows = hits(model)
    shown = [ruled(_title(search), width), heading(chosen, width)]
    shown += [
        row(chosen, rows[at], width, is_selected=at == index) for at in window(len(rows), index, areas(model).rows)
    ]
    if not rows:
        shown.append(sentence(f"No name has {model.filter!r} in it; Esc shows all.", width))
    last = fit([(f" filter: {model.filter}" if model.filter else LAST_WORD, "dim")], width)
    return [*fill(shown, width, height - 1), last] if height > 1 else fill(shown, width, height)


def _title(search: SearchStatus) -> str:
    parts = [f'Search Results: "{search.text}"', f"{len(search.hits)} found"]
    if search.scope != "local":
        replied = sum(each.reply != "waiting" for each in search.asked)
        parts.append(f"asked {replied} of {count(len(search.asked), 'peer')}")
    going_on = "checking" if search.is_over else "searching"
    parts.append(f"{search.seconds:.1f} s" if search.is_checked else f"◐ {going_on} {search.seconds:.0f} s")
    return "   ".join(parts)


def _nothing(search: SearchStatus, width: int) -> list[Line]:
    if not search.is_over:
        return [sentence("asking …", width, "dim")]
    return [sentence("Nothing found.", width), *(sentence(part, width, "dim") for part in asked_parts(search))]
