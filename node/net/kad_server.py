"""The answering side of Kademlia: many streams, many requests on each, every answer to its own question.

Rules, and what they put right in py-libp2p's server: a stream may be held open and used again and again, as go does;
streams are bounded, and where there are too many the one idle for longest goes, so that held streams starve nobody;
ADD_PROVIDER is never answered (go would take the echo for the answer to its next question); only the sender's own
record is taken, and only with an address to reach it; an eager peer is slowed down, not cut off. Values (PUT_VALUE,
GET_VALUE) are not kept: shoal has none, and GET_VALUE is answered with closer peers, as by any node without the value.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.errors import StorageError
from node.net import kad_messages
from node.net.kad_keyspace import peer_id_bytes, peer_id_text
from node.net.kad_messages import MAX_PROVIDERS, MAX_REQUEST, Contact, Kind
from node.net.kad_pacing import PeerPacing
from node.net.kad_stream import KadStream
from node.net.provider_store import VALIDITY_S, ProviderStore
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

IDLE_S = 60.0  # go-libp2p-kad-dht's dhtStreamIdleTimeout
SEND_S = 10.0  # for one answer to leave; a peer that reads more slowly doesn't want it
MAX_STREAMS = 512  # a held stream costs a task and some 10 KB; 512 peers at once are plenty for one node
MAX_STREAMS_PER_PEER = 16  # go holds one; py-libp2p opens one for each query, ten at once

T = TypeVar("T")


class Directory(Protocol):
    """What the server asks the routing table's owner."""

    def closest(self, key: bytes) -> Sequence[Contact]:
        """Return the k servers known to be nearest to `key`, with their addresses."""

    def contact(self, peer_id: str) -> Contact:
        """Return what is known of one peer, this node included: its addresses, if any."""

    def heard_from(self, peer_id: str) -> None:
        """Take note that a peer asked something; it may be a server worth knowing."""


@dataclass(eq=False, slots=True)
class _Session:
    peer_id: str
    stream: KadStream
    active_at: float = field(default_factory=trio.current_time)


class KadServer:
    """Answers the streams it is given from a directory of peers and a store of provider records."""

    def __init__(
        self,
        own_id: str,
        directory: Directory,
        store: ProviderStore,
        *,
        rng: random.Random,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._own_id = own_id
        self._directory = directory
        self._store = store
        self._rng = rng
        self._unix_time = unix_time
        self._pacing = PeerPacing()
        self._sessions: set[_Session] = set()
        self._one_at_a_time = trio.CapacityLimiter(1)  # the store's rule
        self._answers: dict[Message.MessageType, Callable[[str, Message], Awaitable[Message | None]]] = {
            Kind.FIND_NODE: self._find_node,
            Kind.GET_PROVIDERS: self._get_providers,
            Kind.ADD_PROVIDER: self._add_provider,
            Kind.GET_VALUE: self._get_value,
            Kind.PING: self._ping,
        }

    @property
    def streams(self) -> int:
        """How many streams are open now."""
        return len(self._sessions)

    async def handle(self, stream: PeerStream) -> None:
        """Serve one stream until its peer ends it, breaks a rule, or says nothing for IDLE_S."""
        session = _Session(stream.peer_id, KadStream(stream, MAX_REQUEST))
        self._make_room(session.peer_id)
        self._sessions.add(session)
        self._directory.heard_from(session.peer_id)
        try:
            await self._serve(session)
            await session.stream.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            session.stream.reset()  # the peer has gone, or sleeps, or its stream made room for another
        except RemoteProtocolError as error:
            log.info("kad: stream of %s reset: %s", session.peer_id, error)
            session.stream.reset()
        finally:
            self._sessions.discard(session)

    def reset_streams(self) -> None:
        """Abandon every stream."""
        for session in self._sessions:
            session.stream.reset()

    async def records(self, key: bytes) -> list[Contact]:
        """Return the providers of `key` on record here; this node's own with the addresses it has now."""
        now = self._unix_time()
        nothing: Sequence[tuple[str, tuple[str, ...]]] = ()
        held = await self._with_store(lambda store: store.get(key, now), nothing)
        return [
            self._directory.contact(peer_id) if peer_id == self._own_id else Contact(peer_id, tuple(addresses))
            for peer_id, addresses in held
        ]

    async def keep_record(self, key: bytes, provider: Contact) -> bool:
        """Put a record of `provider` into the store for VALIDITY_S; False if there is no room for it."""
        return await self.keep_records((key,), provider)

    async def keep_records(self, keys: Iterable[bytes], provider: Contact) -> bool:
        """Put records of `provider` into the store for VALIDITY_S; False if there is no room for one of them."""
        expires_at = self._unix_time() + VALIDITY_S

        def add_all(store: ProviderStore) -> bool:
            kept = [store.add(key, provider.peer_id, provider.addresses, expires_at) for key in keys]
            return all(kept)

        return await self._with_store(add_all, False)

    async def drop_record(self, key: bytes, peer_id: str) -> None:
        """Take a record out of the store."""
        await self._with_store(lambda store: store.remove(key, peer_id), None)

    async def expire_records(self) -> None:
        """Take all records that are no longer valid out of the store."""
        now = self._unix_time()
        await self._with_store(lambda store: store.expire(now), None)

    async def _with_store(self, call: Callable[[ProviderStore], T], otherwise: T) -> T:
        try:
            return await trio.to_thread.run_sync(call, self._store, limiter=self._one_at_a_time)
        except StorageError as error:  # a full disk must not take the node out of the DHT
            log.warning("kad: the provider records cannot be used: %s", error)
            return otherwise

    async def _serve(self, session: _Session) -> None:
        while True:
            with trio.fail_after(IDLE_S):
                request = await session.stream.receive()
            if request is None:
                return
            session.active_at = trio.current_time()
            await trio.sleep(self._pacing.take(session.peer_id, trio.current_time()))
            reply = await self._answer(session.peer_id, request)
            if reply is not None:
                with trio.fail_after(SEND_S):
                    await session.stream.send(reply)

    async def _answer(self, peer_id: str, request: Message) -> Message | None:
        if not request.key and request.type != Kind.PING:
            raise RemoteProtocolError("a request without a key")
        if request.type not in self._answers:
            raise RemoteProtocolError("values are not kept here")
        return await self._answers[request.type](peer_id, request)

    async def _find_node(self, peer_id: str, request: Message) -> Message:
        closer = self._closer(peer_id, request.key)
        # The one exception of the specification: whoever is looked for is named, server or client or this node.
        try:
            target = peer_id_text(request.key)
        except ValueError:
            return kad_messages.answer(request, closer)
        if target != peer_id and (known := self._directory.contact(target)).addresses:
            closer = [known, *(contact for contact in closer if contact.peer_id != target)]
        return kad_messages.answer(request, closer)

    async def _get_providers(self, peer_id: str, request: Message) -> Message:
        providers = await self.records(request.key)
        self._rng.shuffle(providers)  # so that every provider of a popular key gets its share of the visitors
        providers.sort(key=lambda contact: contact.peer_id != peer_id)  # a provider that asks wants to see its own
        return kad_messages.answer(request, self._closer(peer_id, request.key), providers[:MAX_PROVIDERS])

    async def _add_provider(self, peer_id: str, request: Message) -> None:
        sender = peer_id_bytes(peer_id)
        own = [entry for entry in request.providerPeers if entry.id == sender]
        for provider in kad_messages.contacts(own, limit=1):
            if provider.addresses and not await self.keep_record(request.key, provider):
                log.info("kad: no room for another record, that of %s was refused", peer_id)

    async def _get_value(self, peer_id: str, request: Message) -> Message:
        return kad_messages.answer(request, self._closer(peer_id, request.key))

    async def _ping(self, peer_id: str, request: Message) -> Message:
        return kad_messages.answer(request, [])

    def _closer(self, peer_id: str, key: bytes) -> list[Contact]:
        # Nobody is told of itself, and an entry without an address would only cost its reader a failed dial.
        return [contact for contact in self._directory.closest(key) if contact.addresses and contact.peer_id != peer_id]

    def _make_room(self, peer_id: str) -> None:
        own = [session for session in self._sessions if session.peer_id == peer_id]
        crowded = own if len(own) >= MAX_STREAMS_PER_PEER else self._sessions
        if crowded is own or len(self._sessions) >= MAX_STREAMS:
            idlest = min(crowded, key=lambda session: session.active_at)
            idlest.stream.reset()
            self._sessions.discard(idlest)
