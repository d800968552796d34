"""Kademlia for shoal: py-libp2p's `KadDHT` with the parts that fail in the field overridden.

What stays the library's: the protobuf messages, the routing table's buckets, the place of all this among a host's
services. What is overridden, and why (libp2p 0.8.1, `kad_dht/`):

- the protocol id: `protocol_prefix` never reaches the wire, since PROTOCOL_ID is a constant that five modules import by
  name. Here each instance registers and opens streams under its own id, so that several networks fit into one process;
- the server (`_do_handle_stream`): twelve streams in all, an echo of ADD_PROVIDER that go takes for its next answer,
  ten records in ten seconds; see `node.net.kad_server`;
- `find_providers`: the local store's answer instead of the network's, each provider once per server, all at the end,
  every record seen kept for 48 h; here the network is asked, each provider reported once and at once, nothing kept;
- `provide`: counted as a success what was sent into the void, and took a lookup for each key; here servers are asked
  whether they have the records, and keys share lookups;
- the routing table: clients and the dead in it; see `node.net.kad_table` and `node.net.kad_upkeep`;
- `run`: its own schedule of republishing, which forgets; `node.services` has one that is kept on disk.

The library's value records (`put_value`, `get_value`) are inherited and have no use in shoal.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import trio
from libp2p.custom_types import TProtocol
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.kad_dht.peer_routing import PeerRouting
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError

from node.net import kad_messages
from node.net.host import Host
from node.net.kad_addresses import address_text
from node.net.kad_client import KadClient, QueryError
from node.net.kad_keyspace import key_point, peer_id_bytes, peer_point
from node.net.kad_messages import MAX_ADDRESSES, MAX_CLOSER, MAX_PROVIDERS, Contact, Kind
from node.net.kad_placing import Placing
from node.net.kad_regions import network_size, region_bits
from node.net.kad_reports import SUFFIX, KademliaSettings, KademliaStatistics, LookupReport, ProvideReport
from node.net.kad_server import KadServer
from node.net.kad_sightings import Sightings
from node.net.kad_sweep import Sweep
from node.net.kad_table import K, ServerTable
from node.net.kad_tally import Tally
from node.net.kad_upkeep import Upkeep
from node.net.kad_walk import WalkReport, walk
from node.net.provider_store import Provider, ProviderStore

log = logging.getLogger(__name__)

EXPIRE_S = 3600.0  # between sweeps of the store (go-libp2p-kad-dht's provider garbage collection)
SWEEP_S = 5.0  # between sweeps of idle streams
STARTS = 2  # of a self-check's walk: one may just have left
SPANS = 16  # walks whose reach tells the network's size: within a quarter of it, mostly


@asynccontextmanager
async def open_kademlia(
    host: Host,
    settings: KademliaSettings,
    store: ProviderStore,
    *,
    rng: random.Random | None = None,
    unix_time: Callable[[], float] = time.time,
) -> AsyncIterator[Kademlia]:
    """Run Kademlia on `host` for as long as the block lasts."""
    dht = Kademlia(host, settings, store, rng or random.Random(), unix_time)
    block_error: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dht.run)
            try:
                yield dht
            except BaseException as error:
                block_error = error
                raise
            finally:
                nursery.cancel_scope.cancel()
                dht.leave()
    except BaseExceptionGroup as group:
        if block_error is None or group.exceptions != (block_error,):
            raise
        raise block_error from block_error.__cause__  # as it is, not in a group


class Kademlia(KadDHT):
    """This node's part in the DHT; made by `open_kademlia`. Safe to use from many tasks and to cancel."""

    def __init__(
        self,
        host: Host,
        settings: KademliaSettings,
        store: ProviderStore,
        rng: random.Random,
        unix_time: Callable[[], float],
    ) -> None:
        # A client to the library, so that it registers nothing under its constant; what this node is comes after.
        prefix = TProtocol(settings.protocol_id.removesuffix(SUFFIX))
        super().__init__(host.raw, DHTMode.CLIENT, protocol_prefix=prefix)
        self._net = host
        self._own_id = host.peer_id
        self._rng = rng
        self._protocol_id = settings.protocol_id
        self._table = ServerTable(host.raw)
        self.routing_table = self._table
        self.peer_routing = PeerRouting(host.raw, self._table)
        self._client = KadClient(host, settings.protocol_id)
        self._server = KadServer(self._own_id, self, store, rng=rng, unix_time=unix_time)
        self._upkeep = Upkeep(self._own_id, self._table, self, rng)
        self._placing = Placing(self._client, self.ask)
        self._sweep = Sweep(self.look_for, self._place, self._table.size, rng)
        self._tally = Tally()
        self._spans: deque[tuple[int, int]] = deque(maxlen=SPANS)
        host.on_connected(self._connected)
        if settings.is_server:
            self.mode = DHTMode.SERVER
            host.set_handler(settings.protocol_id, self._server.handle)

    # ------------------------------------------------------------------ for the node's services

    async def provide(self, key: bytes) -> ProvideReport:  # type: ignore[override]  # the library guesses from text
        """Put this node's provider record for one key, a multihash, on the k closest servers; see `provide_all`."""
        return (await self.provide_all([key]))[key]

    async def provide_all(self, keys: Sequence[bytes]) -> dict[bytes, ProvideReport]:
        """Put a record of this node for each key, a multihash, on its k closest servers, and check that it is there.

        Keys that are near each other share lookups. Raises nothing for what the network does; the reports say it.
        """
        for key in keys:
            kad_messages.check_key(key)
        own = self.contact(self._own_id)
        if not own.addresses:
            return dict.fromkeys(keys, ProvideReport(0, 0, "this node has no address at which others could reach it"))
        await self._server.keep_records(keys, own)  # this node may be among the closest, and is asked in any case
        return await self._sweep.provide(keys)

    async def withdraw(self, key: bytes) -> None:
        """Drop this node's own record of `key` here, and tell nobody else of it who isn't told yet.

        What other servers hold lapses, since the DHT has no delete.
        """
        self._sweep.forget(key)
        await self._server.drop_record(key, self._own_id)

    async def find_providers(  # type: ignore[override]  # the library's returns a list when all is over
        self, key: bytes, found: Callable[[Provider], None], limit: int
    ) -> LookupReport:
        """Report providers of `key`, a multihash, as they come in: each once, at most `limit`, local records too.

        The network is always asked. A provider whose addresses nobody knew is reported last, without any.
        """
        kad_messages.check_key(key)
        seen = Sightings(found, limit)
        seen.add(await self._server.records(key))
        request = kad_messages.query(Kind.GET_PROVIDERS, key)
        report = await self._walk(
            request, lambda reply: seen.add(kad_messages.contacts(reply.providerPeers, MAX_PROVIDERS))
        )
        seen.finish()
        return LookupReport(seen.count, report.asked, report.failed, report.seconds)

    async def finds_itself(self, key: bytes) -> bool:
        """Tell whether a stranger who starts far from `key`, a multihash, would find this node as its provider.

        Nothing that is known here is used, but a peer to begin with that is as far from the key as can be.
        """
        found = False

        def heard(reply: Message) -> bool:
            nonlocal found
            found = found or kad_messages.names(reply.providerPeers, self._own_id)
            return found

        far = self._table.farthest(key, K)
        start = self._rng.sample(far, min(STARTS, len(far)))
        request = kad_messages.query(Kind.GET_PROVIDERS, key)
        await walk(request, start, self._own_id, self.ask, heard)
        return found

    async def find_peer(self, peer_id: str) -> tuple[str, ...]:  # type: ignore[override]  # text above node.net
        """Return the addresses of a peer: those the network gives now, then those known here; () if there are none."""
        known = self.contact(peer_id)
        if peer_id == self._own_id or peer_id in self.connected():
            return known.addresses
        named: dict[str, None] = {}

        def heard(reply: Message) -> bool:
            for contact in kad_messages.contacts(reply.closerPeers, MAX_CLOSER):
                if contact.peer_id == peer_id:
                    named.update(dict.fromkeys(contact.addresses))
            return bool(named)

        await self._walk(kad_messages.query(Kind.FIND_NODE, peer_id_bytes(peer_id)), heard)
        return tuple(dict.fromkeys((*named, *known.addresses)))

    @property
    def routing_table_size(self) -> int:
        """How many servers the routing table holds."""
        return self._table.size()

    @property
    def network_size(self) -> float:
        """How many servers the network seems to have, this one aside; 0 if nobody is known."""
        return max(network_size(self._spans), self._table.size())

    @property
    def region_bits(self) -> int:
        """How many bits keys share whose records go to much the same servers."""
        return region_bits(self.network_size, K)

    async def refresh_routing_table(self) -> None:
        """Look around now instead of at the next turn."""
        await self._upkeep.refresh()

    def statistics(self) -> KademliaStatistics:
        """Return the figures for a status screen."""
        now, tally = trio.current_time(), self._tally
        answered, failed = tally.last_hour(now)
        answers, walks = tally.answer_times(now), tally.walk_times()
        return KademliaStatistics(
            routing_table=self._table.size(),
            buckets=self._table.bucket_sizes(),
            streams_in=self._server.streams,
            streams_out=self._client.streams,
            walks=tally.walks,
            median_walk_s=walks.median_s,
            slow_walk_s=walks.slow_s,
            queries=tally.answered + tally.failed,
            failures=tally.failed,
            queries_running=tally.running,
            hour_queries=answered + failed,
            hour_failures=failed,
            median_query_s=answers.median_s,
            slow_query_s=answers.slow_s,
            distances=self._table.distances(),
            since_refresh_s=self._upkeep.since_refresh_s,
            is_client=self.mode is DHTMode.CLIENT,
        )

    async def run(self) -> None:
        """Do the upkeep until cancelled; `open_kademlia` calls this."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._upkeep.run)
            nursery.start_soon(self._sweep_streams)
            nursery.start_soon(self._sweep_store)

    def leave(self) -> None:
        """Stop answering and asking; `open_kademlia` calls this at its end."""
        if self.mode is DHTMode.SERVER:
            self._net.remove_handler(self._protocol_id)
        self._server.reset_streams()
        self._client.reset_streams()

    # ------------------------------------------------------------------ for the server and for upkeep

    def closest(self, key: bytes) -> list[Contact]:
        """See kad_server.Directory."""
        # A peer that came to us is often in the table before identify has said where it listens.
        return [known if known.addresses else self.contact(known.peer_id) for known in self._table.closest(key)]

    def contact(self, peer_id: str) -> Contact:
        """See kad_server.Directory: what identify said and what the table holds of a peer."""
        if peer_id == self._own_id:
            return Contact(peer_id, tuple(self._net.addresses())[:MAX_ADDRESSES])
        known = self._table.contact(peer_id)
        return known if known and known.addresses else Contact(peer_id, self._identified(peer_id))

    def heard_from(self, peer_id: str) -> None:
        """See kad_server.Directory."""
        self._upkeep.heard_from(peer_id)

    def connected(self) -> Collection[str]:
        """See kad_upkeep.Neighbours."""
        return {connection.peer_id for connection in self._net.connections()}

    def claims_to_serve(self, peer_id: str) -> bool:
        """See kad_upkeep.Neighbours."""
        try:
            return self._protocol_id in self.host.get_peerstore().get_protocols(ID(peer_id_bytes(peer_id)))
        except PeerStoreError:
            return False

    async def ask(self, contact: Contact, request: Message) -> Message:
        """See kad_upkeep.Neighbours: an answer lets a peer into the table, a failure takes it out."""
        began = trio.current_time()
        self._tally.running += 1
        try:
            reply = await self._client.ask(contact, request)
            self._tally.answer(trio.current_time() - began, trio.current_time())
        except QueryError:
            self._tally.failure(trio.current_time())
            if known := self._table.contact(contact.peer_id):
                self._table.evict(contact.peer_id)
                self._upkeep.evicted(known)
            raise
        finally:
            self._tally.running -= 1
        is_new = not self._table.holds(contact.peer_id)
        reached = Contact(contact.peer_id, self._identified(contact.peer_id) or contact.addresses)
        if await self._table.admit(reached) and is_new:
            self._upkeep.admitted(contact.peer_id)
        return reply

    def forgive(self, peer_id: str) -> None:
        """See kad_upkeep.Neighbours."""
        self._client.forgive(peer_id)

    async def look_for(self, key: bytes) -> WalkReport:
        """See kad_upkeep.Neighbours."""
        report = await self._walk(kad_messages.query(Kind.FIND_NODE, key))
        if report.closest:
            farthest = peer_point(report.closest[-1].peer_id) ^ key_point(key)
            self._spans.append((len(report.closest), farthest))
        return report

    # ------------------------------------------------------------------ inside

    async def _place(self, keys: Sequence[bytes], server: Contact) -> set[bytes]:
        return await self._placing.place(keys, self.contact(self._own_id), server)

    async def _walk(self, request: Message, heard: Callable[[Message], bool] = lambda _: False) -> WalkReport:
        report = await walk(request, self.closest(request.key), self._own_id, self.ask, heard)
        self._tally.walked(report.seconds)
        return report

    def _identified(self, peer_id: str) -> tuple[str, ...]:
        try:
            known = self.host.get_peerstore().addrs(ID(peer_id_bytes(peer_id)))
        except PeerStoreError:
            return ()
        usable = (address_text(address.to_bytes(), peer_id) for address in known)
        return tuple(address for address in usable if address)

    def _connected(self, peer_id: str) -> None:
        self._client.forgive(peer_id)
        self._upkeep.heard_from(peer_id)

    async def _sweep_streams(self) -> None:
        while True:
            await trio.sleep(SWEEP_S)
            self._client.drop_idle()

    async def _sweep_store(self) -> None:
        while True:
            await self._server.expire_records()
            await trio.sleep(EXPIRE_S)
