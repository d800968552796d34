"""The lines around every screen: the header with tabs and totals, the status line, the hints. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

from node.status import ItemStatus, TransferState
from node.ui.frame import Line, Span, fit, gated, spread
from node.ui.hit_rows import hit_sort, hits
from node.ui.kept import kept
from node.ui.keymap import hints, shown
from node.ui.model import SCREENS, STALE_S, Model, Reach, Screen, Sort, item_of
from node.ui.rows import current, ids, index_of, items, peers
from node.ui.text import cells
from node.ui.units import count, rate_fixed, rate_short

WIDE_TABS = 100
NARROW_HEADER = 40  # below this only the connection's dot stays beside the tab

GLYPHS = {
    TransferState.DOWNLOADING: ("▼", "down"),
    TransferState.SEEDING: ("▲", "up"),
    TransferState.COMPLETE: ("✓", "ok"),
    TransferState.PAUSED: ("‖", "dim"),
    TransferState.STALLED: ("…", "warn"),
    TransferState.VERIFYING: ("⟳", "flight"),
    TransferState.ERROR: ("✗", "error"),
}

SHORT_STATES = {
    TransferState.DOWNLOADING: "down",
    TransferState.SEEDING: "seed",
    TransferState.COMPLETE: "done",
    TransferState.PAUSED: "paused",
    TransferState.STALLED: "stalled",
    TransferState.VERIFYING: "verify",
    TransferState.ERROR: "error",
}


_DOWN, _UP, _STATE = attrgetter("down_bps"), attrgetter("up_bps"), attrgetter("state")


def header(model: Model) -> Line:
    """Tabs at the left, totals and the state of the connection at the right."""
    totals = _totals(model)
    tabs = [span for _, span in tab_spans(model)]
    if model.width < NARROW_HEADER:
        totals = totals[-1:]
    room = model.width - sum(cells(text) for text, _ in totals)
    if sum(cells(text) for text, _ in tabs) > room:
        tabs = [(f" [{SCREENS.index(model.screen) + 1} {model.screen}]", "tab-on")]
    return spread(tabs, totals, model.width)


def tab_spans(model: Model) -> list[tuple[Screen, Span]]:
    """Each tab with its span, in order; the mouse looks here too."""
    gap = " " if model.width < WIDE_TABS else "  "
    spans: list[tuple[Screen, Span]] = []
    for number, screen in enumerate(SCREENS, start=1):
        is_here = screen is model.screen
        words = f"[{number} {screen}]" if is_here else f"{number} {screen}"
        spans += [(screen, (" " if number == 1 else gap, "tab")), (screen, (words, "tab-on" if is_here else "tab"))]
    return spans


def _totals(model: Model) -> list[Span]:
    match model.contact.reach:
        case Reach.OFFLINE:
            words = "starting" if model.contact.is_starting else "OFFLINE"
            age = "" if model.age_s is None else f" {model.age_s:.0f}s"
            return [(f" {words}{age} ", "error"), ("○ ", "error")]
        case Reach.CONNECTING:
            return [(" connecting ", "dim"), ("◐ ", "warn")] if model.is_waiting else [(" ", "text")]
    age_s = model.age_s
    if age_s is not None and age_s > STALE_S + model.period_s:
        return [(f" stale {age_s:.0f}s ", "warn"), ("◐ ", "warn")]
    if model.frozen is not None:
        return [(" FROZEN ", "warn"), ("◐ ", "warn")]
    down, up = rates(model.shown.items)
    if model.width < WIDE_TABS:
        return [(f" ▼{rate_short(down)}", "down"), (f" ▲{rate_short(up)}", "up"), (" ● ", "ok")]
    peers = count(model.shown.node.connections, "peer") if model.shown.node else ""
    return [(f" ▼ {rate_fixed(down)}", "down"), (f"  ▲ {rate_fixed(up)}", "up"), (f"  {peers} ", "text"), ("● ", "ok")]


@kept
def rates(rows: tuple[ItemStatus, ...] | None) -> tuple[float, float]:
    """Bytes per second down and up, of all rows together."""
    return sum(map(_DOWN, rows or ())), sum(map(_UP, rows or ()))


@kept
def _states(rows: Sequence[ItemStatus]) -> Counter[TransferState]:
    return Counter(map(_STATE, rows))


def status_line(model: Model) -> Line:
    """The last answer, or what the list holds and how it is shown."""
    if model.toast is not None:
        return fit([(" ", "text"), (model.toast.text, "error" if model.toast.is_error else "ok")], model.width)
    if model.contact.reach is Reach.OFFLINE:
        return fit([(" disconnected - commands are refused, nothing is queued", "warn")], model.width)
    if model.details is not None:
        return fit([(_note(item_of(model, model.details)), "dim")], model.width)
    if model.screen is Screen.SEARCH:
        return fit([(_search_note(model), "dim")], model.width)
    if model.screen is Screen.PEERS:
        return fit([(_peers_note(model), "dim")], model.width)
    if model.screen not in (Screen.TRANSFERS, Screen.UPLOADS):
        return fit([(_NOTES.get(model.screen, ""), "dim")], model.width)
    if (item := current(model)) is not None and item.state is TransferState.ERROR:
        return fit([(f" ✗ #{item.number} {item.name}: {item.reason}", "error")], model.width)
    rows = items(model)
    states = _states(rows)
    spans: list[Span] = [(f" {count(len(rows), 'file')}", "text")]
    spans += [(f"  {states[state]} {glyph}", style) for state, (glyph, style) in GLYPHS.items() if states[state]]
    arrow = "▴" if model.sort.is_reversed else "▾"
    marked = f"   {len(model.marks)} marked" if model.marks else ""
    spans.append((f"   sort: {model.sort.key} {arrow}   filter: {model.filter or 'none'}{marked}", "dim"))
    return fit(spans, model.width)


def _note(item: ItemStatus | None) -> str:
    """The commands for a file whose details are open."""
    if item is None:
        return ""
    words = "'stop' stops seeding" if item.state is TransferState.SEEDING else "'pause' 'cancel' this download"
    return f" 'peers {item.number}' who is sharing   {words}"


def _search_note(model: Model) -> str:
    """What the rows' numbers are for, or which rows these are."""
    sort = hit_sort(model)
    if model.shown.search is None or not model.shown.search.hits:
        return ""
    if sort == Sort() and not model.filter:
        return " rows are numbered for 'download <#>' and do not move while you look"
    arrow = "▴" if sort.is_reversed else "▾"
    shown = f"{len(hits(model))} of {count(len(model.shown.search.hits), 'hit')}"
    return f" {shown}   sort: {sort.key} {arrow}   filter: {model.filter or 'none'}"


def _peers_note(model: Model) -> str:
    """The command that fetches the shown file from the selected peer."""
    item, rows = item_of(model, model.peers_of), peers(model)
    number = str(item.number) if item else "<#>"
    address = rows[index_of(model, ids(model))].address if rows else "<peer IP>"
    return f" 'download {number} from {address}' fetches from that peer only"


_NOTES = {
    Screen.NETWORK: " 'connect <multiaddr>' dials a peer",
}


def hint_line(model: Model) -> Line:
    """The keys of this place; whole hints only, as many as fit."""
    spans: list[Span] = []
    room = model.width
    for key, word, _ in _hints(model):
        needed = cells(key) + cells(word) + 3
        if needed > room:
            break
        spans += [(" " + key, "key"), (f" {word} ", "dim")]
        room -= needed
    return fit(spans, model.width)


def hint_at(model: Model, x: int) -> str:
    """The action of the hint in column `x`; "" where there is none."""
    start = 0
    for key, word, action in _hints(model):
        end = start + cells(key) + cells(word) + 3
        if start < x < end - 1 and end <= model.width:
            return action
        start = end
    return ""


def _hints(model: Model) -> list[tuple[str, str, str]]:
    if model.dialog is not None:
        answers = model.dialog.more or model.dialog.choices
        return [(shown(choice.key), choice.hint or choice.words, "") for choice in answers if choice.words]
    if model.is_help_open:
        return [("/", "search", ""), ("any other key", "closes", "")]
    if model.answer is not None:
        return [("j k", "scroll", ""), ("any other key", "closes", "")]
    if model.contact.reach is Reach.OFFLINE:
        return [
            ("r", "retry", "retry"),
            ("S", "start the node", "start-node"),
            ("6", "log", "screen:Log"),
            ("q", "leave", "leave"),
        ]
    return list(hints(model))


def sentence(words: str, width: int, style: str = "text") -> Line:
    """A sentence in the middle of a line."""
    clean = gated(words)
    return fit([(" " * max((width - cells(clean)) // 2, 0), "text"), (clean, style)], width)
