"""Filling in `SearchStatus`: what a search has found, and who is said to have it, as values for eyes."""

from __future__ import annotations

from collections.abc import Mapping

from node.net.addresses import ip_of
from node.net.connections import ConnectionInfo
from node.services.searching_results import Row, Standing
from node.services.searching_state import Search
from node.status import AskedStatus, HitState, HitStatus, PeerStatus, SearchStatus, TransferState

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
        number=search.number,
        is_stopped=search.is_stopped,
    )


def claimants(row: Row, live: Mapping[str, ConnectionInfo], known: Mapping[str, str]) -> list[PeerStatus]:
    """Who is said to have a hit, in the order they were named: `live` and `known` say where, by peer id.

    Chunks are told of those who have proved to have some; `known` are multiaddrs of peers without a connection.
    """
    return [
        _claimant(number, row, peer, live.get(peer), known.get(peer, ""))
        for number, peer in enumerate(row.claimants, start=1)
    ]


def _claimant(number: int, row: Row, peer: str, connection: ConnectionInfo | None, address: str) -> PeerStatus:
    return PeerStatus(
        number=number,
        peer_id=peer,
        address=connection.ip if connection else ip_of(address) if address else "-",
        multiaddr=connection.multiaddr if connection else address,
        chunks=row.chunks if peer in row.proved else 0,
        chunks_have=row.proved.get(peer, 0),
        down_bps=0.0,
        up_bps=0.0,
        received=0,
        sent=0,
        direction="",
        flags="!" if row.claimants[peer] is Standing.REFUTED else "",
        rtt_s=connection.rtt_s if connection else None,
        agent=connection.agent if connection else "",
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
        copies=row.copies,
        seen_at=row.seen_at,
    )


def _state(row: Row, here: TransferState | None) -> HitState:
    if here is not None and here in _STATES:
        return _STATES[here]
    if row.is_false:
        return HitState.FALSE
    if row.copies is not None and row.copies < 1:
        return HitState.INCOMPLETE
    return HitState.AVAILABLE if row.is_verified else HitState.UNVERIFIED
