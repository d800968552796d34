"""Asking peers who they are, and hearing it from them: the conversations of identify.

Rules: a peer that doesn't say is still a peer; where it was really reached comes before what it claims.
"""

from __future__ import annotations

import logging

import trio
from libp2p.abc import INetConn, IPeerStore
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError

from node.net import addresses as multiaddrs
from node.net import identify
from node.net.book import AddressBook
from node.net.errors import StreamError
from node.net.keeper import StreamKeeper
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0  # for a SYN, a round trip and one message, behind whatever the connection is busy with


class Identifying:
    """What the peers of one host say about themselves, kept in the library's peerstore."""

    def __init__(self, peerstore: IPeerStore, streams: StreamKeeper, book: AddressBook) -> None:
        self._peerstore = peerstore
        self._streams = streams
        self._book = book

    async def ask(self, connection: INetConn) -> None:
        """Ask the peer of a connection for its addresses and protocols, if it will tell."""
        try:
            with trio.fail_after(TIMEOUT_S):
                async with await self._streams.open(connection, identify.IDENTIFY, TIMEOUT_S) as stream:
                    await self.hear(stream)
        except (trio.TooSlowError, trio.BrokenResourceError, StreamError, RemoteProtocolError) as error:
            log.debug("identify of %s failed: %s", connection.muxed_conn.peer_id, error)

    async def hear(self, stream: PeerStream) -> None:
        """Read one identify message, from a stream that either side opened."""
        with trio.fail_after(TIMEOUT_S):
            message = await identify.read_identify(stream)
        reached = await self._book.addresses(stream.peer_id)
        identify.remember(self._peerstore, ID.from_base58(stream.peer_id), message, reached)

    def addresses(self, peer_id: str) -> list[str]:
        """Where a peer says it is, without /p2p/."""
        try:
            known = self._peerstore.addrs(ID.from_base58(peer_id))
        except PeerStoreError:
            return []
        return [address for address in map(multiaddrs.from_network, known) if address]

    def agent(self, peer_id: ID) -> str:
        """What a peer says it runs; "" if it hasn't said."""
        return identify.agent_of(self._peerstore, peer_id)
