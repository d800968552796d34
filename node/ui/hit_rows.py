"""Which hits Search shows and in which order, and which search is the dashboard's own. Pure.

Rules: rows don't move while they are looked at: they stand by their numbers or, once a person has sorted them, as they
were sorted then, and what is found later stands below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from node.status import HitStatus, SearchStatus
from node.ui.kept import kept
from node.ui.model import HitOrder, Model, Screen, Sort
from node.ui.safe import safe

HIT_SORTS: Mapping[str, Callable[[HitStatus], tuple[object, ...]]] = {
    "number": lambda hit: (hit.number,),
    "name": lambda hit: (hit.name.casefold(), hit.number),
    "size": lambda hit: (-hit.size, hit.number),
    "peers": lambda hit: (-hit.verified, -hit.claimed, hit.number),
    "avail": lambda hit: (-hit.copies if hit.copies is not None else 1.0, hit.number),
    "state": lambda hit: (hit.state.value, hit.number),
    "seen": lambda hit: (-hit.seen_at if hit.seen_at is not None else 1.0, hit.number),
}
"""What hits can be sorted by; numbers where more matters more come largest first, and unknown ones last."""


def hits(model: Model) -> Sequence[HitStatus]:
    """The rows of Search, each with its own number whatever else is shown."""
    search, order = model.shown.search, model.hit_order
    if search is None:
        return ()
    return _hits(search.hits, order.cids if order.search == search.number else (), model.filters.get(Screen.SEARCH, ""))


def hit_sort(model: Model) -> Sort:
    """How the hits are sorted: by their numbers until somebody wants them otherwise."""
    search, order = model.shown.search, model.hit_order
    return order.sort if search is not None and order.search == search.number else Sort()


def own_search(model: Model) -> SearchStatus | None:
    """The search on the screen, if it was begun here and goes on."""
    search = model.data.search
    is_there = model.screen is Screen.SEARCH and model.details is None and model.is_online
    is_running = is_there and search is not None and not search.is_checked
    return search if is_running and search is not None and search.number == model.own_search else None


def hit_of(model: Model, cid: str | None) -> HitStatus | None:
    """The hit with this CID."""
    return next((hit for hit in (model.shown.search.hits if model.shown.search else ()) if hit.cid == cid), None)


def hits_sorted(model: Model, key: str) -> Model:
    """The model with its hits sorted by a column, now and not again; the same one again reverses it."""
    search, before = model.shown.search, hit_sort(model)
    if search is None:
        return model
    sort = Sort(key, before.key == key and not before.is_reversed)
    rows = sorted(search.hits, key=HIT_SORTS[key], reverse=sort.is_reversed)
    return replace(model, hit_order=HitOrder(search.number, sort, tuple(hit.cid for hit in rows)))


@kept
def _hits(found: tuple[HitStatus, ...], order: tuple[str, ...], text: str) -> Sequence[HitStatus]:
    places = {cid: place for place, cid in enumerate(order)}
    needle = text.casefold()
    fitting = [hit for hit in found if needle in safe(hit.name).casefold()] if needle else found
    return sorted(fitting, key=lambda hit: places.get(hit.cid, len(places))) if order else fitting
