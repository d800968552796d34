"""The control methods of searching: `search`, `search_latest`, `search_stop`, and `get` and `peers` of a hit.

Rules: `get 3` means hit 3 of the latest search for HITS_MEANT_S, and row 3 of the list after that or where there is no
such hit; `get s3` always means the hit, and so does its CID. The link that is made of a hit names peers who have it,
so that the download begins without another lookup. `peers s3` tells who those are, until the hit is in the list.
A search is stopped by its number, or by the end of the client that waits for it, and no other with it.
"""

from __future__ import annotations

import re

import trio

from node.control.server import Call, Handler
from node.errors import NotFoundError, UsageError
from node.net.addresses import with_peer_id
from node.net.host import Host
from node.services.searching import Searching
from node.services.searching_results import Row, Standing
from node.services.searching_state import Scope, Search
from node.services.searching_status import claimants, search_status
from node.services.threads import in_thread
from node.status import PeerStatus, SearchStatus, TransferState, to_json
from node.store.catalogue import Catalogue
from protocols.cid import Cid
from protocols.link import Link

PROGRESS_S = 0.1
"""Ten times a second: what a screen can show."""

CHECK_S = 3.0
"""How long an answer waits for claims that are still being checked once everybody has answered."""

HITS_MEANT_S = 600.0
"""How long a bare number means a hit: as long as the list of hits is likely to be what the person has before them."""

LONGEST_S = 600.0

HINTS = 8
"""Addresses in a hit's link: enough to begin a download."""

_NUMBER = re.compile(r"(s?)#?([0-9]{1,9})")


class SearchApi:
    """The handlers, bound to the running node; `get` is the one that takes links, `peers` the one of the list."""

    def __init__(self, searching: Searching, catalogue: Catalogue, host: Host, get: Handler, peers: Handler) -> None:
        self._searching = searching
        self._catalogue = catalogue
        self._host = host
        self._get = get
        self._peers = peers

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {
            "search": self.search,
            "search_latest": self.search_latest,
            "search_stop": self.search_stop,
            "get": self.get,
            "peers": self.peers,
        }

    async def search(self, call: Call) -> object:
        """Search; with `wait` the answer comes at the end, and before that progress, each the search as it stands."""
        patience_s = call.param("patience_s", float, 0.0)
        if not 0 <= patience_s <= LONGEST_S:
            raise UsageError(f"a search takes at most {LONGEST_S:.0f} seconds")
        search = self._searching.begin(call.param("text", str), _scope(call), patience_s or None)
        if call.param("wait", bool, default=True):
            try:
                await self._follow(call, search)
            except trio.Cancelled:  # whoever asked has gone
                search.stop()
                raise
        return to_json(await self._status(search))

    async def search_stop(self, call: Call) -> object:
        """Stop the search of this `number`, or the newest that goes on: it as it stands then, with what it has found.

        One that has ended stays as it is. Raises NotFoundError if no search is meant.
        """
        number = call.param("number", int, 0)
        newest = reversed(self._searching.latest)
        search = next((each for each in newest if _is_meant(each, number)), None)
        if search is None:
            raise NotFoundError(f"there is no search {number} any more" if number else "no search is going on")
        search.stop()
        await search.checked.wait()
        return to_json(await self._status(search))

    async def search_latest(self, call: Call) -> object:
        """The latest search as it stands, null if there was none."""
        search = self._latest()
        return to_json(await self._status(search)) if search else None

    async def get(self, call: Call) -> object:
        """Download; a number may be a hit's."""
        if link := await self._hit_link(call.param("target", str)):
            call.params = {**call.params, "target": link}
        return await self._get(call)

    async def peers(self, call: Call) -> object:
        """Who shares one item, or every connection of the node; of a hit that isn't in the list, who is said to."""
        row = self._hit(str(call.params.get("target") or ""))
        if row is None:
            return await self._peers(call)
        if await in_thread(self._catalogue.find, Cid.parse(row.cid)) is None:
            return [to_json(peer) for peer in await self._claimants(row)]
        call.params = {**call.params, "target": row.cid}
        return await self._peers(call)

    # --- inside -----------------------------------------------------------------------------------------------

    def _latest(self) -> Search | None:
        return self._searching.latest[-1] if self._searching.latest else None

    async def _follow(self, call: Call, search: Search) -> None:
        """Report progress until everybody has answered and the first claims are checked."""
        deadline = float("inf")
        while not search.checked.is_set() and trio.current_time() < deadline:
            if search.over.is_set():
                deadline = min(deadline, trio.current_time() + CHECK_S)
            await call.progress(to_json(await self._status(search)))
            with trio.move_on_after(PROGRESS_S):
                await search.checked.wait()

    async def _status(self, search: Search) -> SearchStatus:
        return search_status(search, await in_thread(self._states_here, tuple(search.results.rows)))

    def _states_here(self, cids: tuple[str, ...]) -> dict[str, TransferState]:
        items = [(cid, self._catalogue.find(Cid.parse(cid))) for cid in cids]
        return {cid: item.state for cid, item in items if item}

    async def _hit_link(self, target: str) -> str | None:
        """The link of the hit that is meant; None if none is. Raises NotFoundError for `s9` of five."""
        meant = _NUMBER.fullmatch(target.strip().lower())
        search = self._latest()
        if search and target in search.results.rows:
            return await self._link(search, search.results.rows[target])
        if meant is None or (search is None and not meant[1]):
            return None
        row = search.results.numbered(int(meant[2])) if search else None
        if row is None and meant[1]:
            raise NotFoundError(f"the latest search has no hit {meant[2]}; search again")
        is_fresh = search is not None and trio.current_time() - search.began_at < HITS_MEANT_S
        if search is None or row is None or not (meant[1] or is_fresh):
            return None
        return await self._link(search, row)

    def _hit(self, target: str) -> Row | None:
        """The hit that `s3` of the latest search, or a CID of any remembered one, means; None if it means none."""
        rows = (search.results.rows.get(target) for search in reversed(self._searching.latest))
        if row := next(filter(None, rows), None):
            return row
        meant, search = _NUMBER.fullmatch(target.strip().lower()), self._latest()
        return search.results.numbered(int(meant[2])) if search and meant and meant[1] else None

    async def _claimants(self, row: Row) -> list[PeerStatus]:
        live = {connection.peer_id: connection for connection in self._host.connections()}
        known: dict[str, str] = {}
        for peer in row.claimants:
            if peer not in live and (addresses := await self._host.addresses_of(peer)):
                known[peer] = addresses[0]
        return claimants(row, live, known)

    async def _link(self, search: Search, row: Row) -> str:
        description = search.results.description(row)
        return str(Link(Cid.parse(row.cid), description.name, description.size, tuple(await self._hints(row))))

    async def _hints(self, row: Row) -> list[str]:
        """Addresses of peers who have it, the verified first."""
        connected = {connection.peer_id: connection.multiaddr for connection in self._host.connections()}
        hints: list[str] = []
        for peer in sorted(row.claimants, key=lambda peer: row.claimants[peer] is not Standing.VERIFIED):
            if row.claimants[peer] is Standing.REFUTED:
                continue
            if peer in connected:
                hints.append(connected[peer])
            else:
                hints += [with_peer_id(address, peer) for address in (await self._host.addresses_of(peer))[:1]]
        return hints[:HINTS]


def _is_meant(search: Search, number: int) -> bool:
    """Whether it is the search of this number; for 0, whether it goes on."""
    return search.number == number if number else not search.checked.is_set()


def _scope(call: Call) -> Scope:
    try:
        return Scope(call.param("scope", str, Scope.ALL))
    except ValueError:
        raise UsageError(f"scope is one of {', '.join(Scope)}") from None
