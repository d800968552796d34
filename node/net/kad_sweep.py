"""Providing many keys with few lookups: what one lookup finds serves every key of its region.

Rules: which servers are nearest to a key is read from regions already covered (`kad_regions`); where that isn't known,
a lookup covers more. What lookups covered is trusted for as long as a routing table goes without a refresh, and not
after the network has outgrown it. A server that takes nothing is forgotten, so that the next attempt goes to others.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence

import trio

from node.net.kad_keyspace import key_point, peer_point
from node.net.kad_messages import Contact
from node.net.kad_regions import Coverage, Region
from node.net.kad_reports import ProvideReport
from node.net.kad_table import K
from node.net.kad_upkeep import REFRESH_S
from node.net.kad_walk import WalkReport

FEW = 2  # keys for which covering a whole region, two or three lookups, doesn't pay
MAX_PROBE_BITS = 12  # of a region whose middle is found by trial: 4096 hashes are 3 ms
MAX_PROBES = 8  # for one key, before its own lookup decides: the network may be growing under our feet

Place = Callable[[Sequence[bytes], Contact], Awaitable[set[bytes]]]


class Sweep:
    """Provides keys over shared lookups; safe to use from several tasks and to cancel."""

    def __init__(
        self,
        look_for: Callable[[bytes], Awaitable[WalkReport]],
        place: Place,
        known: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self._look_for = look_for
        self._place = place
        self._known = known  # how many servers the routing table holds
        self._rng = rng
        self._coverage = Coverage(K)
        self._covered_since = -REFRESH_S
        self._contacts: dict[str, Contact] = {}
        self._under_way: list[set[bytes]] = []  # of each call, the keys that are still to be provided

    async def provide(self, keys: Sequence[bytes]) -> dict[bytes, ProvideReport]:
        """Put a record of each key on the k servers nearest to it; how that went."""
        self._renew_coverage()
        wanted = set(keys)
        self._under_way.append(wanted)
        try:
            return await self._provide(keys, wanted)
        finally:
            self._under_way = [other for other in self._under_way if other is not wanted]

    def forget(self, key: bytes) -> None:
        """Provide a key no further, where that is under way."""
        for wanted in self._under_way:
            wanted.discard(key)

    async def _provide(self, keys: Sequence[bytes], wanted: set[bytes]) -> dict[bytes, ProvideReport]:
        nearest: dict[bytes, list[Contact]] = {key: [] for key in keys}
        holders = dict.fromkeys(keys, 0)
        for key in keys:
            if key in wanted:
                nearest[key] = await self._nearest(key, len(keys))
                await trio.lowlevel.checkpoint()  # it may have been known at once, as those of hundreds of others

        async def place_at(server: Contact, its_keys: list[bytes]) -> None:
            its_keys = [key for key in its_keys if key in wanted]
            held = await self._place(its_keys, server) if its_keys else set()
            if its_keys and not held:
                self._coverage.drop(peer_point(server.peer_id))
            for key in held:
                holders[key] += 1

        async with trio.open_nursery() as nursery:
            for server, its_keys in _by_server(nearest):
                nursery.start_soon(place_at, server, its_keys)
        return {key: _report(len(nearest[key]), holders[key]) for key in keys}

    async def _nearest(self, key: bytes, keys: int) -> list[Contact]:
        """The k servers nearest to a key, one of `keys` that lie near each other.

        As contacts, which another task's renewal takes out of what is known here.
        """
        point = key_point(key)
        for _ in range(MAX_PROBES):
            if (nearest := self._coverage.nearest(point)) is not None:
                return [self._contacts[peer_id] for peer_id in nearest]
            beside = self._coverage.unknown_beside(point)
            if beside is None or keys <= FEW or beside.bits > MAX_PROBE_BITS:
                break
            await self._look_up(self._key_in(beside))
        return list(await self._look_up(key))

    async def _look_up(self, key: bytes) -> tuple[Contact, ...]:
        closest = (await self._look_for(key)).closest
        for contact in closest:
            self._contacts[contact.peer_id] = contact
        # Fewer than k, where more are known, is what a walk through a failing network finds: no news about regions.
        if len(closest) == K or len(closest) >= self._known() > 0:
            self._coverage.add(key_point(key), ((peer_point(contact.peer_id), contact.peer_id) for contact in closest))
        return closest

    def _key_in(self, region: Region) -> bytes:
        while True:
            key = self._rng.randbytes(32)
            if region.holds(key_point(key)):
                return key

    def _renew_coverage(self) -> None:
        now = trio.current_time()
        is_outgrown = self._coverage.is_everything and self._known() > len(self._coverage)
        if is_outgrown or now - self._covered_since >= REFRESH_S:
            self._coverage = Coverage(K)
            self._contacts.clear()
            self._covered_since = now


def _by_server(nearest: dict[bytes, list[Contact]]) -> list[tuple[Contact, list[bytes]]]:
    """Each server with its keys; a server of two addresses, as two walks may find it, is one."""
    keys: dict[str, tuple[Contact, list[bytes]]] = {}
    for key, servers in nearest.items():
        for server in servers:
            keys.setdefault(server.peer_id, (server, []))[1].append(key)
    return list(keys.values())


def _report(closest: int, stored: int) -> ProvideReport:
    reason = "" if stored else "no DHT server kept the record" if closest else "no DHT server could be reached"
    return ProvideReport(closest, stored, reason)
