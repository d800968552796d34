"""Keeping the routing table true: getting into the network, meeting newcomers, checking on the silent, coming back.

Rules: a peer gets into the table by answering a question and in no other way, so meeting it means asking it one: who
is near me? Identify's protocol list only hints at whom to ask. Whatever is asked here goes through `Neighbours.ask`,
which admits those that answer and evicts those that don't.
"""

from __future__ import annotations

import logging
import random
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Protocol

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net import kad_messages
from node.net.kad_client import QueryError
from node.net.kad_keyspace import key_near, peer_id_bytes, peer_point
from node.net.kad_messages import Contact, Kind
from node.net.kad_table import K, ServerTable

log = logging.getLogger(__name__)

REFRESH_S = 600.0  # libp2p/specs kad-dht, "Bootstrap process"
SETTLE_S = 0.1  # after a newcomer, before looking around: newcomers come in crowds
LOOK_PAUSE_S = 2.0  # between two looks around, however many newcomers there are
SMALL_TABLE = 2 * K  # below it each newcomer is a reason to look around; above it the next refresh will do
CHECK_S = 10.0  # between rounds of checking
SILENT_S = 300.0  # after which a peer is checked (go-libp2p-kad-dht: not heard from in 5 minutes)
CHECKED_AT_ONCE = 8
ALONE_S = 5.0  # between attempts while the table is empty
MEETERS = 4  # peers met at the same time
MAX_WAITING = 256  # to be met; whoever finds no place is met when it next asks something
REFUSED_S = 10.0  # a peer that is no server is asked again after so long, if it is heard from: it may have become one
MAX_REMEMBERED = 1024  # refusals; forgetting one costs a question
MAX_EVICTED = K  # kept for the day when the table is empty: the network was down, not they
MAX_REFRESHED_BITS = 12  # of a bucket's prefix, found by trial: 4096 hashes are 3 ms


class Neighbours(Protocol):
    """What upkeep asks of the node."""

    async def ask(self, contact: Contact, request: Message) -> Message:
        """Ask one peer; it gets into the table, or out of it."""

    async def look_for(self, key: bytes) -> object:
        """Walk towards a key."""

    def forgive(self, peer_id: str) -> None:
        """Ask a peer again although it failed lately."""

    def contact(self, peer_id: str) -> Contact:
        """Return a peer's addresses as far as they are known."""

    def connected(self) -> Collection[str]:
        """Return the peers connected now."""

    def claims_to_serve(self, peer_id: str) -> bool:
        """Tell whether identify's protocol list of the peer has this network's Kademlia in it."""


class Upkeep:
    """The tasks that keep one routing table in order."""

    def __init__(self, own_id: str, table: ServerTable, neighbours: Neighbours, rng: random.Random) -> None:
        self._own_id = own_id
        self._table = table
        self._neighbours = neighbours
        self._rng = rng
        self._who_is_near_me = kad_messages.query(Kind.FIND_NODE, peer_id_bytes(own_id))
        self._to_meet, self._waiting = trio.open_memory_channel[str](MAX_WAITING)
        self._expected: set[str] = set()  # those on the channel or being met
        self._refused: OrderedDict[str, float] = OrderedDict()  # peer -> when it may be asked again
        self._evicted: OrderedDict[str, Contact] = OrderedDict()
        self._news = trio.Event()
        self._refreshed_at: float | None = None

    @property
    def since_refresh_s(self) -> float | None:
        """How long ago the last refresh was done; None before the first."""
        return None if self._refreshed_at is None else trio.current_time() - self._refreshed_at

    def heard_from(self, peer_id: str) -> None:
        """Take note of a peer that is there; it will be met, unless it is known already."""
        is_refused = self._refused.get(peer_id, 0.0) > trio.current_time()
        if peer_id in self._expected or is_refused or peer_id == self._own_id or self._table.holds(peer_id):
            return
        try:
            self._to_meet.send_nowait(peer_id)
            self._expected.add(peer_id)
        except trio.WouldBlock:
            log.debug("kad: no place to wait for %s", peer_id)

    def admitted(self, peer_id: str) -> None:
        """Take note of a newcomer in the table."""
        self._evicted.pop(peer_id, None)
        if self._table.size() < SMALL_TABLE:
            self._news.set()

    def evicted(self, contact: Contact) -> None:
        """Take note of a peer that is no longer in the table."""
        self._evicted[contact.peer_id] = contact
        if len(self._evicted) > MAX_EVICTED:
            self._evicted.popitem(last=False)

    async def run(self) -> None:
        """Do it all until cancelled."""
        async with trio.open_nursery() as nursery:
            for peer_id in self._neighbours.connected():
                self.heard_from(peer_id)
            for _ in range(MEETERS):
                nursery.start_soon(self._meet_all)
            nursery.start_soon(self._look_around)
            nursery.start_soon(self._refresh_regularly)
            nursery.start_soon(self._check_regularly)
            nursery.start_soon(self._come_back)

    async def _meet_all(self) -> None:
        async for peer_id in self._waiting:
            try:
                await self._neighbours.ask(self._neighbours.contact(peer_id), self._who_is_near_me)
            except QueryError as error:
                log.debug("kad: %s is not for the table: %s", peer_id, error)
                self._refused[peer_id] = trio.current_time() + REFUSED_S
                if len(self._refused) > MAX_REMEMBERED:
                    self._refused.popitem(last=False)
            finally:
                self._expected.discard(peer_id)

    async def _look_around(self) -> None:
        while True:
            await self._news.wait()
            await trio.sleep(SETTLE_S)
            self._news = trio.Event()
            await self._neighbours.look_for(peer_id_bytes(self._own_id))
            await trio.sleep(LOOK_PAUSE_S)

    async def _refresh_regularly(self) -> None:
        while True:
            await trio.sleep(REFRESH_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Walk to this node's own place, and to a random key in the range of each bucket."""
        await self._neighbours.look_for(peer_id_bytes(self._own_id))
        own = peer_point(self._own_id)
        for shared_bits in range(min(len(self._table.bucket_sizes()), MAX_REFRESHED_BITS)):
            await self._neighbours.look_for(key_near(own, shared_bits, self._rng))
        self._refreshed_at = trio.current_time()

    async def _check_regularly(self) -> None:
        while True:
            await trio.sleep(CHECK_S)
            await self._check(self._table.silent_for(SILENT_S)[:CHECKED_AT_ONCE])
            # A peer may have become a server, or refused because it had just started, since it was met.
            for peer_id in self._neighbours.connected():
                if self._neighbours.claims_to_serve(peer_id):
                    self.heard_from(peer_id)

    async def _check(self, contacts: Sequence[Contact]) -> None:
        async with trio.open_nursery() as nursery:
            for contact in contacts:
                nursery.start_soon(self._check_one, contact)

    async def _check_one(self, contact: Contact) -> None:
        try:
            await self._neighbours.ask(contact, self._who_is_near_me)
        except QueryError as error:
            log.debug("kad: %s is gone: %s", contact.peer_id, error)

    async def _come_back(self) -> None:
        while True:
            await trio.sleep(ALONE_S)
            if self._table.size() == 0:
                for peer_id in self._neighbours.connected():
                    self.heard_from(peer_id)
                for peer_id in self._evicted:  # when nobody answers, the fault was probably not theirs
                    self._neighbours.forgive(peer_id)
                await self._check(list(self._evicted.values()))
