"""File details: one file's numbers and its chunk map, who shares it, and what is in it. Pure."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

from node.status import DetailStatus, ItemStatus, ProvideStatus
from node.ui.frame import Line, Span, beside, blank, fill, fit, ruled
from node.ui.graphs import bar
from node.ui.model import UNDER_WAY, Model, item_of
from node.ui.screens import downloaded, ratio
from node.ui.text import pad
from node.ui.units import count, date, duration, eta_fixed, limit, rate_fixed, size_fixed
from node.ui.view_chrome import GLYPHS, sentence
from node.ui.view_peers import peer_table

LABEL = 15
BAR_CELLS = 16
MAP_BESIDE = 2  # lines of the map's title and legend
MAP_LABEL = 6  # the chunk number before each line of the map
TWO_COLUMNS_FROM = 110
FIELDS = 13  # above the map; where there are two columns one more, and the last two take whole lines
WHOLE = 2
TABS = ("overview", "chunks", "peers", "files")

MAP = {
    "#": ("█", "have"),
    "v": ("↓", "flight"),
    "1": ("░", "rare"),
    "2": ("░", "rare"),
    "3": ("▒", "many"),
    "4": ("▒", "many"),
    **dict.fromkeys("56789", ("▓", "many")),
    ".": ("·", "none"),
    "x": ("✗", "bad"),
}
LEGEND: tuple[Span, ...] = (
    (" █ have", "have"),
    ("  ↓ in flight", "flight"),
    ("  ▓ 5+", "many"),
    ("  ▒ 3-4", "many"),
    ("  ░ 1-2 copies", "rare"),
    ("  · none", "none"),
    ("  ✗ bad hash", "bad"),
)


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The whole screen's body."""
    item = item_of(model, model.details)
    if item is None:
        return fill(
            [blank(width), sentence("This file is no longer in the list; Esc goes back.", width)], width, height
        )
    match TABS[model.tab]:
        case "peers":
            detail = model.shown.detail
            peers = detail.peers if detail is not None and is_detail_of(detail, item.cid) else ()
            shown = [ruled(f"Peers Sharing - {item.name}", width), *peer_table(peers, -1, width, height - 1, None)]
            shown += [] if peers else [sentence("Nobody yet.", width)]
        case "chunks":
            shown = _all_chunks(model, item, width, height)
        case "files":
            shown = _files(model, item, width, height)
        case _:
            shown = detail_lines(model, item, width, height)
    return fill(shown, width, height)


def detail_lines(model: Model, item: ItemStatus, width: int, height: int) -> list[Line]:
    """Numbers and chunk map in at most `height` lines."""
    detail = model.shown.detail if model.shown.detail and is_detail_of(model.shown.detail, item.cid) else None
    shown = [ruled(f"File Details - {item.name}", width)]
    fields = _fields(model, item, detail)
    added = f"{date(item.added_at)}, {duration(model.wall - item.added_at)} ago"
    if width >= TWO_COLUMNS_FROM:
        numbers, whole = [*fields[:-WHOLE], ("Added", added, "text")], fields[-WHOLE:]
        half = (len(numbers) + 1) // 2
        left, right = width // 2, width - width // 2 - 1
        first = [_field(*field, left) for field in numbers[:half]]
        shown += beside(first, fill([_field(*field, right) for field in numbers[half:]], right, half), (" ", "text"))
        shown += [_field(*field, width) for field in whole]
    else:  # a line less, so that a map of 256 chunks fits into 24
        label, size, style = fields[0]
        fields[0] = label, f"{size}   added {date(item.added_at)}", style
        shown += [_field(*field, width) for field in fields]
    if detail is not None and detail.cells and len(shown) + 3 <= height:
        shown += _map(detail, width, height - len(shown))
    return shown


def _all_chunks(model: Model, item: ItemStatus, width: int, height: int) -> list[Line]:
    """The map alone, for shares of many chunks."""
    detail = model.shown.detail
    if detail is None or not is_detail_of(detail, item.cid) or not detail.cells:
        return [ruled(f"Chunks - {item.name}", width)]
    words = f" {_chunks(item, detail)}   {_availability(item, detail)}"
    return [fit([(words, "text")], width), *_map(detail, width, height - 1)]


def is_detail_of(detail: DetailStatus, cid: str) -> bool:
    """Whether these are the details of that file."""
    return detail.item.cid == cid


def map_cells(width: int, height: int, tab: int = 0) -> int:
    """How many cells of the chunk map a page of details has room for; what to ask `info` for."""
    fields = 1 + ((FIELDS + 2 - WHOLE) // 2 + WHOLE if width >= TWO_COLUMNS_FROM else FIELDS)
    if TABS[tab] == "chunks":
        fields = 1  # a line of words
    return max((width - MAP_LABEL - 1) * max(height - fields - MAP_BESIDE, 1), 1)


@lru_cache(maxsize=256)
def chunk_line(cells: str) -> tuple[Span, ...]:
    """A stretch of the chunk map as spans. Kept, for only a few of a map's lines change at a time."""
    runs = ((MAP.get(code, ("?", "error")), len(list(run))) for code, run in groupby(cells))
    return tuple((glyph * count, style) for (glyph, style), count in runs)


def _map(detail: DetailStatus, width: int, height: int) -> list[Line]:
    per_line = width - MAP_LABEL - 1
    chunks, cells = detail.item.chunks, len(detail.cells)
    each = "1 cell = 1 chunk" if cells >= chunks else f"1 cell = {chunks / cells:.1f} chunks, the worst of them"
    shown = [ruled(f"Chunk map  ({each})", width)]
    starts = range(0, cells, per_line)[: max(height - 2, 0)]
    shown += [_map_line(at * chunks // cells, detail.cells[at : at + per_line], width) for at in starts]
    return [*shown, fit(LEGEND, width)]


@lru_cache(maxsize=256)
def _map_line(first: int, cells: str, width: int) -> Line:
    return fit([(f"{first:{MAP_LABEL}} ", "dim"), *chunk_line(cells)], width)


def _field(label: str, value: str, style: str, width: int) -> Line:
    return fit([(f" {pad(label + ':', LABEL)}", "dim"), (value, style)], width)


def _fields(model: Model, item: ItemStatus, detail: DetailStatus | None) -> list[tuple[str, str, str]]:
    glyph, style = GLYPHS[item.state]
    done = downloaded(item)
    status = f"{glyph} {item.state.lower()}" + (f": {item.reason}" if item.reason else "")
    amounts = f"{done}% ({size_fixed(item.bytes_have)} / {size_fixed(item.size)})"
    chunk_size = f" x {size_fixed(detail.chunk_size)}" if detail else ""
    sources = count(item.peers_connected, "source")
    average = f"   avg {rate_fixed(detail.average_bps)}" if detail and detail.average_bps else ""
    down, up = (f"   limit {limit(bps)}" if bps is not None else "" for bps in (item.down_limit_bps, item.up_limit_bps))
    return [
        ("Size", f"{size_fixed(item.size)} ({item.size:,} bytes in {count(item.files, 'file')})", "text"),
        ("Status", status, style),
        ("Progress", f"[{bar(done, BAR_CELLS)}] {amounts}", "text"),
        ("ETA", f"{eta_fixed(item.eta_s) if item.state in UNDER_WAY else '-'}   {sources}", "text"),
        ("Total chunks", f"{item.chunks}{chunk_size}", "text"),
        ("Chunks", _chunks(item, detail), "text"),
        ("Availability", _availability(item, detail), "text"),
        ("Download", f"{rate_fixed(item.down_bps)}{average}   got {size_fixed(item.received)}{down}", "down"),
        ("Upload", f"{rate_fixed(item.up_bps)}   ratio {ratio(item)}   sent {size_fixed(item.sent)}{up}", "up"),
        ("Peers sharing", f"{item.peers_known}  ({item.peers_connected} connected)", "text"),
        ("Provided", _provided(item.provided, model.wall), "text"),
        ("Path", item.path, "text"),
        ("CID", item.cid, "text"),
    ]


def _chunks(item: ItemStatus, detail: DetailStatus | None) -> str:
    if detail is None:
        return f"{item.chunks_have} have"
    missing = max(item.chunks - item.chunks_have - detail.chunks_in_flight, 0)
    return f"{item.chunks_have} have, {detail.chunks_in_flight} in flight, {missing} missing, {detail.chunks_bad} bad"


def _availability(item: ItemStatus, detail: DetailStatus | None) -> str:
    if item.copies is None:
        return "unknown: nobody is connected"
    words = f"{item.copies:.2f} copies"
    if detail is None or not detail.rarest_chunks:
        return words
    return f"{words}   rarest {detail.rarest} ({count(detail.rarest_chunks, 'chunk')})"


def _provided(provided: ProvideStatus | None, wall: float) -> str:
    if provided is None:
        return "no"
    if provided.at is None:
        return "not yet"
    due = "" if provided.due is None else f", again in {eta_fixed(provided.due - wall)}"
    return f"{provided.stored} of {provided.closest} closest nodes{due}"


def _files(model: Model, item: ItemStatus, width: int, height: int) -> list[Line]:
    detail = model.shown.detail
    if detail is None or not is_detail_of(detail, item.cid):
        return [ruled(f"Files - {item.name}", width)]
    shown = [ruled(f"Files - {item.name}  ({item.files})", width)]
    for file in detail.file_list[: max(height - 2, 0)]:
        done = 100 if file.bytes_have >= file.size else file.bytes_have * 100 // file.size
        numbers = f" {size_fixed(file.size):>7} {done:3}%  {file.priority:6}  {file.sha256[:12]}  "
        shown.append(fit([(numbers, "dim"), (file.path, "text")], width))
    if item.files > len(shown) - 1:
        shown.append(fit([(f" and {item.files - len(shown) + 1} more", "dim")], width))
    return shown
