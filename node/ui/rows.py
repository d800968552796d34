"""Which rows a screen shows and in which order, and which one is selected. Pure.

Rules: rows are sorted anew at most every `RESORT_S` and never under an open dialog or prompt, so that the row a key is
meant for doesn't jump away; what is selected is an id, and where its row vanishes the one in its place is next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from node.status import ItemStatus, PeerStatus
from node.ui.hit_rows import HIT_SORTS, hit_sort, hits, hits_sorted
from node.ui.kept import kept
from node.ui.model import Data, Model, Screen, Sort, item_of
from node.ui.safe import safe
from node.ui.screens import downloaded, is_uploaded
from node.ui.units import percent

RESORT_S = 2.0

NUMBER_CELLS = 3  # of the numbers of rows, where nobody has a thousand

_PRIORITIES = "high mixed normal low"

SORTS: Mapping[str, Callable[[ItemStatus], tuple[object, ...]]] = {
    "number": lambda item: (item.number,),
    "name": lambda item: (item.name.casefold(), item.number),
    "size": lambda item: (-item.size, item.number),
    "done": lambda item: (-downloaded(item), item.number),
    "down": lambda item: (-item.down_bps, item.number),
    "up": lambda item: (-item.up_bps, item.number),
    "eta": lambda item: (item.eta_s if item.eta_s is not None else float("inf"), item.number),
    "state": lambda item: (item.state.value, item.number),
    "peers": lambda item: (-item.peers_connected, item.number),
    "ratio": lambda item: (-(item.sent / item.size if item.size else 0.0), item.number),
    "avail": lambda item: (-item.copies if item.copies is not None else 1.0, item.number),
    "priority": lambda item: (_PRIORITIES.find(item.priority), item.number),
    "added": lambda item: (-item.added_at, item.number),
}
"""What the rows can be sorted by; numbers where more matters more come largest first."""


PEER_SORTS: Mapping[str, Callable[[PeerStatus], tuple[object, ...]]] = {
    "number": lambda peer: (peer.number,),
    "address": lambda peer: (peer.address, peer.number),
    "chunks": lambda peer: (-percent(peer.chunks_have, peer.chunks), peer.number),
    "speed": lambda peer: (-peer.down_bps, peer.number),
    "up": lambda peer: (-peer.up_bps, peer.number),
    "rtt": lambda peer: (peer.rtt_s if peer.rtt_s is not None else float("inf"), peer.number),
    "client": lambda peer: (peer.agent, peer.number),
    "received": lambda peer: (-peer.received, peer.number),
    "sent": lambda peer: (-peer.sent, peer.number),
}
"""The same for peers."""


def sorts(model: Model) -> tuple[Sequence[str], Sort]:
    """What the screen's rows can be sorted by, and are."""
    match model.screen:
        case Screen.PEERS:
            return tuple(PEER_SORTS), model.peer_sort
        case Screen.SEARCH:
            return tuple(HIT_SORTS), hit_sort(model)
        case _:
            return tuple(SORTS), model.sort


def with_items(data: Data, items: tuple[ItemStatus, ...]) -> Data:
    """What is known, with these rows."""
    cids = tuple(item.cid for item in items)
    return replace(data, items=items, cids=data.cids if cids == data.cids else cids)


def with_moved(data: Data, moving: Sequence[ItemStatus], gone: Collection[str]) -> Data:
    """What is known, with some rows as they are now and without those that are gone."""
    places = _places(data.cids)
    rows = list(data.items or ())
    fresh = [item for item in moving if item.cid not in places]
    for item in moving:
        if item.cid in places:
            rows[places[item.cid]] = item
    if fresh or gone:
        return with_items(data, (*(item for item in rows if item.cid not in gone), *fresh))
    return replace(data, items=tuple(rows))


def ordered(model: Model, *, anew: bool = False) -> Model:
    """The model with its rows in order, if that is due or `anew` demands it; new rows come last until then."""
    items = model.data.items or ()
    is_busy = model.dialog is not None or model.prompt is not None
    if not anew and (is_busy or not is_order_due(model)):
        known = set(model.order)
        fresh = tuple(item.cid for item in items if item.cid not in known)
        return replace(model, order=model.order + fresh) if fresh else model
    key = SORTS[model.sort.key]
    order = tuple(item.cid for item in sorted(items, key=key, reverse=model.sort.is_reversed))
    return replace(model, order=order, ordered_at=model.now)


def peers_ordered(model: Model, *, anew: bool = False) -> Model:
    """The same for the peers; those of another file, or of all, come in their own order at once."""
    is_busy = model.dialog is not None or model.prompt is not None
    if not anew and (is_busy or model.now - model.peers_ordered_at < RESORT_S):
        return model
    key, rows = PEER_SORTS[model.peer_sort.key], model.data.peers or ()
    order = tuple(map(peer_key, sorted(rows, key=key, reverse=model.peer_sort.is_reversed)))
    return replace(model, peer_order=order, peers_ordered_at=model.now)


def is_order_due(model: Model) -> bool:
    """Whether rows may change places again."""
    return model.now - model.ordered_at >= RESORT_S


def sorted_by(model: Model, key: str) -> Model:
    """The model sorted by a column; the same one again reverses it."""
    if model.screen is Screen.PEERS:
        is_same = model.peer_sort.key == key
        return peers_ordered(
            replace(model, peer_sort=Sort(key, is_same and not model.peer_sort.is_reversed)), anew=True
        )
    if model.screen is Screen.SEARCH:
        return hits_sorted(model, key)
    is_same = model.sort.key == key
    return ordered(replace(model, sort=Sort(key, is_same and not model.sort.is_reversed)), anew=True)


def items(model: Model) -> Sequence[ItemStatus]:
    """The rows of Transfers, or of Uploads while that is the screen."""
    return _rows(model.shown.items, model.shown.cids, model.order, model.filter, model.screen)


def peers(model: Model) -> Sequence[PeerStatus]:
    """The rows of Peers; none while those of another file are known only."""
    return _peers(model.shown.peers, model.peer_order) if model.shown.peers_of == model.peers_of else ()


def peer_key(peer: PeerStatus) -> str:
    """What a row of Peers is known by: of a peer there may be several connections."""
    return peer.peer_id if peer.chunks else f"{peer.peer_id} {peer.multiaddr}"


def ids(model: Model) -> Sequence[str]:
    """The ids of the screen's rows."""
    match model.screen:
        case Screen.TRANSFERS | Screen.UPLOADS:
            return _cids(items(model))
        case Screen.PEERS:
            return _peer_keys(peers(model))
        case Screen.SEARCH:
            return [hit.cid for hit in hits(model)]
        case _:
            return []


def index_of(model: Model, row_ids: Sequence[str]) -> int:
    """The place of the selected row; -1 where there are no rows."""
    chosen = model.selected.get(model.screen)
    if chosen in row_ids:
        return row_ids.index(chosen)
    return min(model.places.get(model.screen, 0), len(row_ids) - 1)


def select(model: Model, row_ids: Sequence[str], index: int) -> Model:
    """The model with the row at `index`, or the nearest there is, selected."""
    if not row_ids:
        return model
    index = min(max(index, 0), len(row_ids) - 1)
    selected = {**model.selected, model.screen: row_ids[index]}
    return replace(model, selected=selected, places={**model.places, model.screen: index})


def settled(model: Model) -> Model:
    """The model with the place of its selected row noted, for when that row is gone."""
    row_ids = ids(model)
    index = index_of(model, row_ids)
    return select(model, row_ids, index) if index >= 0 else model


def current(model: Model) -> ItemStatus | None:
    """The file that keys act on: the open details', else the selected row's, else that of the shown peers."""
    if model.details is not None:
        return item_of(model, model.details)
    if model.screen in (Screen.TRANSFERS, Screen.UPLOADS):
        rows = items(model)
        index = index_of(model, _cids(rows))
        return rows[index] if index >= 0 else None
    return item_of(model, model.peers_of) if model.screen is Screen.PEERS else None


def window(count: int, index: int, height: int) -> range:
    """Which of `count` rows are seen in `height` lines so that the one at `index` is about in the middle."""
    height = max(height, 0)
    start = min(max(index - height // 2, 0), max(count - height, 0))
    return range(start, min(start + height, count))


@kept
def number_cells(items: tuple[ItemStatus, ...] | None) -> int:
    """How wide the column of the rows' numbers is: a thousand shares need a cell more."""
    return max(NUMBER_CELLS, len(str(max((item.number for item in items or ()), default=0))))


@kept
def _rows(
    items: tuple[ItemStatus, ...] | None, cids: tuple[str, ...], order: tuple[str, ...], text: str, screen: Screen
) -> Sequence[ItemStatus]:
    rows = [items[place] for place in _sequence(cids, order)] if items else []
    if screen is Screen.UPLOADS:
        rows = [item for item in rows if is_uploaded(item)]
    needle = text.casefold()
    return [item for item in rows if fits(item, needle)] if needle else rows


@kept
def _sequence(cids: tuple[str, ...], order: tuple[str, ...]) -> Sequence[int]:
    places = _places(cids)
    return [places[cid] for cid in order if cid in places]


@kept
def _places(cids: tuple[str, ...]) -> Mapping[str, int]:
    return {cid: place for place, cid in enumerate(cids)}


@kept
def _cids(rows: Sequence[ItemStatus]) -> Sequence[str]:
    return [item.cid for item in rows]


@kept
def _peers(rows: tuple[PeerStatus, ...] | None, order: tuple[str, ...]) -> Sequence[PeerStatus]:
    places = {key: place for place, key in enumerate(order)}
    return sorted(rows or (), key=lambda peer: places.get(peer_key(peer), len(places)))


@kept
def _peer_keys(rows: Sequence[PeerStatus]) -> Sequence[str]:
    return list(map(peer_key, rows))


def fits(item: ItemStatus, needle: str) -> bool:
    """Whether a filter in small letters means the row: by its name, its state or the beginning of its CID."""
    return (
        needle in safe(item.name).casefold()
        or item.state.value.casefold().startswith(needle)
        or item.cid.startswith(needle)
    )
