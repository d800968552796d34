"""This node on the network: one libp2p host, its connections and its streams.

Rules: everything above speaks in text (peer ids, multiaddrs, protocol ids) and PeerStreams; whatever runs inside the
library runs in tasks that the host owns and nobody else cancels; one peer's fault ends one stream or one connection.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import trio
from libp2p.abc import IHost, INetConn, INetStream
from libp2p.custom_types import TProtocol
from libp2p.identity.identify import identify as library_identify
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from node.errors import ShoalError
from node.net import addresses as multiaddrs
from node.net import identify, liveness
from node.net.book import AddressBook, MemoryAddressBook
from node.net.connections import ConnectionInfo, describe
from node.net.dialling import DIAL_TIMEOUT_S, Dialler
from node.net.errors import AddressError, DialError, HostError, ListenError, StreamError
from node.net.hardening import HardenedHost, HardenedSwarm, connection_config
from node.net.identifying import Identifying
from node.net.identity import Identity
from node.net.keeper import Handler, StreamKeeper
from node.net.listening import check_listenable
from node.net.notices import ConnectionNotices
from node.net.streams import PeerStream, Traffic
from node.net.upgrader import upgrader

OPEN_TIMEOUT_S = 10.0  # for a SYN and one round trip behind whatever the connection is busy with
CLOSE_TIMEOUT_S = 2.0  # for everything; the process is ending and somebody is waiting at a prompt
ADDRESSES_S = 1.0
"""For so long the machine's interfaces aren't looked at again: that takes milliseconds, and each progress report of a
download and each row of a list has this node's addresses in its link."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host is opened with; addresses are multiaddr text."""

    identity: Identity
    listen: tuple[str, ...] = ("/ip4/127.0.0.1/tcp/0",)  # none: the host only dials
    announce: tuple[str, ...] = ()  # advertised besides the listen addresses: a forwarded port, a DNS name
    address_book: AddressBook = field(default_factory=MemoryAddressBook)
    agent: str = "shoal"  # what identify says this is; the node adds its version
    max_connections: int = 300
    max_inbound: int = 200  # of them; the rest is kept for peers that this node looks for
    dial_timeout_s: float = DIAL_TIMEOUT_S


@asynccontextmanager
async def open_host(settings: HostSettings) -> AsyncIterator[Host]:
    """A running host; leaving the block closes it within CLOSE_TIMEOUT_S, also when cancelled.

    Raises AddressError and ListenError at the start, HostError if the library stops by itself. What the block itself
    raises comes out as it is, not in a group.
    """
    host = Host(settings)
    block_error: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host._run)
            try:
                await host._running.wait()
                yield host
            except BaseException as error:
                block_error = error
                raise
            finally:
                host._stopping.set()
    except BaseExceptionGroup as group:
        _raise_plain(group, block_error)


class Host:
    """A running node on the network; made by `open_host`."""

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._listen = [multiaddrs.parse(address) for address in settings.listen]
        self._announce = [multiaddrs.without_peer_id(multiaddrs.parse(address)) for address in settings.announce]
        key_pair = settings.identity.key_pair
        peerstore = PeerStore()
        self._id = ID.from_pubkey(key_pair.public_key)
        peerstore.add_key_pair(self._id, key_pair)
        config = connection_config(settings.max_connections, settings.max_inbound)
        self._swarm = HardenedSwarm(self._id, peerstore, upgrader(key_pair), config)
        self._swarm.dial_by_book = self._dial_for_library
        self._raw = HardenedHost(self._swarm, self._advertised)
        self._raw.identify_by = self._start_identify
        self._streams = StreamKeeper()
        self._identifying = Identifying(peerstore, self._streams, settings.address_book)
        self._notices = ConnectionNotices(self._swarm)
        self._dialler = Dialler(
            settings.address_book,
            existing=self._live_connection,
            dial=self._dial,
            hinted=self._identifying.addresses,
            timeout_s=settings.dial_timeout_s,
        )
        self._tasks: trio.Nursery  # set while running
        self._running = trio.Event()
        self._stopping = trio.Event()
        self._addresses: list[str] = []
        self._addresses_until = -math.inf
        self.set_handler(liveness.PING, liveness.answer_pings)
        self.set_handler(identify.IDENTIFY_PUSH, self._identifying.hear)
        library_identify.AGENT_VERSION = settings.agent  # a module constant is the library's only place for it

    # ------------------------------------------------------------------ who and where

    @property
    def peer_id(self) -> str:
        """This node's peer id."""
        return self._settings.identity.peer_id

    @property
    def raw(self) -> IHost:
        """The library's host, for modules of `node.net` only."""
        return self._raw

    def addresses(self) -> list[str]:
        """Where others can reach this node, with /p2p/: real ports, wildcards expanded, announced ones last."""
        if not self._running.is_set():
            return []
        now = trio.current_time()
        if now >= self._addresses_until:
            self._addresses_until = now + ADDRESSES_S
            self._addresses = [str(address) for address in self._raw.get_addrs()]
        return list(self._addresses)

    def connections(self) -> list[ConnectionInfo]:
        """The live connections."""
        live = [connection for connection in self._swarm.get_connections() if isinstance(connection, SwarmConn)]
        return [
            describe(each, self._streams.traffic(each), self._identifying.agent(each.muxed_conn.peer_id))
            for each in live
            if not each.is_closed
        ]

    @property
    def connection_limit(self) -> int:
        """How many connections there may be."""
        return self._settings.max_connections

    def traffic_by_protocol(self) -> dict[str, Traffic]:
        """What the streams of each protocol have moved since the start."""
        return self._streams.protocols()

    def on_connected(self, callback: Callable[[str], None]) -> None:
        """Call `callback(peer_id)` whenever a peer gets its first connection. It must not block."""
        self._notices.on_connected.append(callback)

    def on_disconnected(self, callback: Callable[[str], None]) -> None:
        """Call `callback(peer_id)` whenever a peer has lost its last connection. It must not block."""
        self._notices.on_disconnected.append(callback)

    # ------------------------------------------------------------------ connections and streams

    async def connect(self, target: str, hints: Iterable[str] = ()) -> str:
        """Connect to a peer, given by id or by a multiaddr with /p2p/; its peer id.

        `hints` are further addresses of it; what the address book and identify know is used too. Returns at once if
        connected. Raises AddressError and DialError. Safe to cancel.
        """
        if target.startswith("/"):
            address, named = multiaddrs.split_peer_id(multiaddrs.parse(target))
            if named is None:
                raise AddressError(f"{target} does not say which peer it is: add /p2p/<peer id>.")
            hints = [address, *hints]
        else:
            named = target
        peer_id = multiaddrs.parse_peer_id(named)
        if peer_id == self.peer_id:
            raise DialError("That is this node itself.")
        if peer_id in self._swarm.refused:
            raise DialError(f"{peer_id} is banned here.")
        await self._dialler.connect(peer_id, hints)
        return peer_id

    async def addresses_of(self, peer_id: str) -> list[str]:
        """Where a peer is, as far as this node knows: where it was reached, then what it says; without /p2p/."""
        worked = await self._settings.address_book.addresses(peer_id)
        return list(dict.fromkeys([*worked, *self._identifying.addresses(peer_id)]))

    def refuse(self, peer_ids: frozenset[str]) -> None:
        """Make and let in no connection with these peers from now on; what is open is the caller's to end."""
        self._swarm.refused = peer_ids

    async def disconnect(self, peer_id: str) -> None:
        """Close every connection to a peer, within a second or so."""
        async with trio.open_nursery() as nursery:
            for connection in self._swarm.get_connections(ID.from_base58(peer_id)):
                nursery.start_soon(self._swarm.close_connection, connection)

    async def open_stream(self, peer_id: str, protocol_id: str, *, timeout_s: float = OPEN_TIMEOUT_S) -> PeerStream:
        """A new stream to a peer that speaks `protocol_id`, connecting first if need be.

        Raises DialError, ProtocolRefusedError and StreamError. Safe to cancel.
        """
        await self.connect(peer_id)
        connection = self._live_connection(peer_id)
        if connection is None:
            raise StreamError(f"{peer_id} hung up.")
        return await self._streams.open(connection, protocol_id, timeout_s)

    def set_handler(self, protocol_id: str, handler: Handler) -> None:
        """Serve inbound streams of `protocol_id`; replaces an earlier handler.

        The handler's stream is closed when it returns and reset when it raises.
        """

        async def serve(net_stream: INetStream) -> None:
            await self._streams.serve(protocol_id, handler, net_stream)

        self._raw.set_stream_handler(TProtocol(protocol_id), serve)

    def remove_handler(self, protocol_id: str) -> None:
        """Refuse `protocol_id` from now on; streams at work go on."""
        self._raw.remove_stream_handler(TProtocol(protocol_id))

    # ------------------------------------------------------------------ life

    async def _run(self) -> None:
        """Run the library until `_stopping` is set; shielded, so that peers are told goodbye before anything stops."""
        check_listenable(self._listen)
        with trio.CancelScope(shield=True):
            async with background_trio_service(self._swarm), trio.open_nursery() as tasks:
                self._tasks = tasks
                await self._swarm.listen(*(Multiaddr(address) for address in self._listen))
                missing = [address for address in self._listen if address not in self._swarm.listeners]
                if missing:
                    raise ListenError(f"Cannot listen on {', '.join(missing)}.")
                self._running.set()
                await self._stopping.wait()
                self._streams.cancel_handlers()
                with trio.move_on_after(CLOSE_TIMEOUT_S):
                    await self._raw.close()
                tasks.cancel_scope.cancel()

    # ------------------------------------------------------------------ dialling

    def _live_connection(self, peer_id: str) -> INetConn | None:
        """The newest connection to the peer: the one most surely alive."""
        live = [c for c in self._swarm.get_connections(ID.from_base58(peer_id)) if not c.is_closed]
        return live[-1] if live else None

    async def _dial(self, peer_id: str, address: str) -> INetConn:
        return await self._swarm.dial_once(Multiaddr(address), ID.from_base58(peer_id))

    async def _dial_for_library(self, peer_id: ID) -> INetConn:
        return await self._dialler.connect(str(peer_id))

    def _advertised(self, listening: list[Multiaddr]) -> list[Multiaddr]:
        here = multiaddrs.expand([str(address) for address in listening], multiaddrs.machine_interfaces())
        return [Multiaddr(address) for address in dict.fromkeys([*here, *self._announce])]

    def _start_identify(self, peer_id: ID) -> None:
        if connection := self._live_connection(str(peer_id)):
            self._tasks.start_soon(self._identifying.ask, connection, name="identify")


def _raise_plain(group: BaseExceptionGroup[BaseException], block_error: BaseException | None) -> NoReturn:
    """Raise what went wrong as the caller of `open_host` expects it: its own error, ours, or HostError."""
    error: BaseException = group
    while error is not block_error and isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if error is block_error or isinstance(error, ShoalError):
        raise error from error.__cause__  # keeps the cause, drops the group from the story
    if block_error is None or isinstance(block_error, trio.Cancelled):
        raise HostError("The network stack stopped by itself; the log has the details.") from group
    raise group
