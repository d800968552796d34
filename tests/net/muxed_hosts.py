"""py-libp2p hosts on loopback, as they come and with our connection layer in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.network.config import ConnectionConfig
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

from node.net.muxed_connection import MuxedConnection
from node.net.upgrader import upgrader

LISTEN = Multiaddr("/ip4/127.0.0.1/tcp/0")


def make_host(*, is_ours: bool) -> IHost:
    """A host; `is_ours` has our Noise and yamux in it."""
    key_pair = create_new_key_pair()
    host = new_host(key_pair=key_pair, connection_config=ConnectionConfig(max_connections_per_peer=1))
    network = host.get_network()
    if is_ours:
        network.upgrader = upgrader(key_pair)

    async def stay_quiet(*_: object) -> None:
        """It would dial all that it hears of."""

    network.auto_connector.maybe_connect = stay_quiet
    return host


@dataclass
class Hosts:
    """Our host and a stock one, connected."""

    ours: IHost
    stock: IHost

    async def open(self, opener: IHost, protocol: str) -> INetStream:
        """A stream from `opener` to the other host."""
        return await opener.new_stream(self.other(opener).get_id(), [protocol])

    def other(self, host: IHost) -> IHost:
        """The other one."""
        return self.stock if host is self.ours else self.ours

    @property
    def connection(self) -> MuxedConnection:
        """Our side of the connection."""
        (connection,) = self.ours.get_network().get_connections(self.stock.get_id())
        assert isinstance(connection.muxed_conn, MuxedConnection)
        return connection.muxed_conn


@asynccontextmanager
async def open_hosts(*, we_dial: bool, deadline_s: float = 120) -> AsyncIterator[Hosts]:
    """Our host connected to a stock one, dialled by either."""
    hosts = Hosts(make_host(is_ours=True), make_host(is_ours=False))
    dialler = hosts.ours if we_dial else hosts.stock
    listener = hosts.other(dialler)
    with trio.fail_after(deadline_s):
        async with listener.run([LISTEN]), dialler.run([]):
            await dialler.connect(info_from_p2p_addr(Multiaddr(listener.get_addrs()[0])))
            await until(lambda: listener.get_network().get_connections(dialler.get_id()))
            try:
                yield hosts
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(2):
                    await hosts.ours.close()
                    await hosts.stock.close()


async def until(condition: Callable[[], object | Awaitable[object]], deadline_s: float = 60) -> None:
    """Waits for a state."""
    with trio.fail_after(deadline_s):
        while not condition():  # noqa: ASYNC110 - states inside the library have no event
            await trio.sleep(0.005)
