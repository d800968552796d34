"""Filling in `SearchStatus`: what a search has found, as values for eyes."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.searching_results import Row, Standing
from node.services.searching_state import Search
from node.status import AskedStatus, HitState, HitStatus, SearchStatus, TransferState

FOUND_ORDER = ("here", "catalogue", "peers", "DHT")

_STATES: Mapping[TransferState, HitState] = {
    TransferState.SEEDING: HitState.HAVE,
    TransferState.COMPLETE: HitState.HAVE,
    TransferState.DOWNLOADING: HitState.DOWNLOADING,
    TransferState.PAUSED: HitState.DOWNLOADING,
}


def search_status(search: Search, here: Mapping[str, TransferState]) -> SearchStatus:
    """The search as it stands; `here` has the CIDs whose content is on this node, or on its way."""
    rows = search.results.ranked(everything=search.over.is_set())
    doubles = search.results.doubles()
    return SearchStatus(
        text=search.query.text,
        scope=search.scope,
        seconds=search.seconds,
        is_over=search.over.is_set(),
        is_checked=search.checked.is_set(),
        hits=tuple(_hit(search, row, here.get(row.cid), doubles.get(row.cid)) for row in rows),
        asked=tuple(
            AskedStatus(asked.peer, asked.found, asked.answer.reply, len(asked.answer.hits))
            for asked in search.asked.values()
        ),
        connected=search.connected,
        keywords=tuple(search.keywords),
        providers=len(search.providers),
    )


def _hit(search: Search, row: Row, here: TransferState | None, same_as: int | None) -> HitStatus:
    description = search.results.description(row)
    return HitStatus(
        number=row.number or 0,
        cid=row.cid,
        name=description.name,
        size=description.size,
        files=description.files,
        state=_state(row, here),
        claimed=len(row.claimants),
        verified=row.count(Standing.VERIFIED),
        found=tuple(how for how in FOUND_ORDER if how in row.found),
        same_as=same_as,
    )


def _state(row: Row, here: TransferState | None) -> HitState:
    if here is not None and here in _STATES:
        return _STATES[here]
    if row.is_false:
        return HitState.FALSE
    return HitState.AVAILABLE if row.is_verified else HitState.UNVERIFIED
