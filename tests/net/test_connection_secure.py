"""Our Noise connection under py-libp2p's interface, and the wires it runs on."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.exceptions import NoiseStateError
from libp2p.security.noise.transport import Transport as StockNoise

from node.net.secure import NoiseConnection, NoiseTransport, take_over
from node.net.wire import UNSENT_LIMIT, RawStream, wire_of
from protocols.errors import RemoteProtocolError
from protocols.noise import MAX_PLAINTEXT
from tests.net.muxed_pair import ADDRESS, MemoryConnection, wires

CLIENT_KEYS, SERVER_KEYS = create_new_key_pair(), create_new_key_pair()
SERVER_ID = ID.from_pubkey(SERVER_KEYS.public_key)


def noise(keys, kind: type[StockNoise] = NoiseTransport) -> StockNoise:
    return kind(keys, noise_privkey=create_x25519().private_key)


async def shake_hands(raw_client, raw_server, client: StockNoise, server: StockNoise, wanted: ID = SERVER_ID) -> list:
    """Both ends of a secured connection."""
    ends: list = [None, None]

    async def dial() -> None:
        ends[0] = await client.secure_outbound(raw_client, wanted)

    async def answer() -> None:
        ends[1] = await server.secure_inbound(raw_server)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        nursery.start_soon(answer)
    return ends


async def secured_pair(capacity: int = 1 << 20) -> tuple[NoiseConnection, NoiseConnection]:
    raw = [MemoryConnection(wire, is_initiator=index == 0) for index, wire in enumerate(wires(capacity))]
    client, server = await shake_hands(*raw, noise(CLIENT_KEYS), noise(SERVER_KEYS))
    return client, server


@asynccontextmanager
async def tcp_pair() -> AsyncIterator[tuple[RawConnection, RawConnection]]:
    """Two raw connections of py-libp2p over loopback."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        client = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        server = await listener.accept()
    async with client, server:
        yield RawConnection(TrioTCPStream(client), True), RawConnection(TrioTCPStream(server), False)


async def test_each_side_knows_the_other():
    client, server = await secured_pair()
    assert client.get_remote_peer() == server.get_local_peer() == SERVER_ID
    assert server.get_remote_peer() == client.get_local_peer()
    assert client.get_local_private_key() == CLIENT_KEYS.private_key
    assert (client.is_initiator, server.is_initiator) == (True, False)
    assert client.get_remote_address() == ADDRESS


async def test_somebody_else_is_refused():
    raw = [MemoryConnection(wire, is_initiator=index == 0) for index, wire in enumerate(wires())]
    with pytest.RaisesGroup(HandshakeFailure):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(noise(SERVER_KEYS).secure_inbound, raw[1])
            nursery.start_soon(noise(CLIENT_KEYS).secure_outbound, raw[0], ID.from_pubkey(CLIENT_KEYS.public_key))


@pytest.mark.parametrize("stock_side", ["client", "server"])
async def test_speaks_with_the_stock_transport(stock_side: str):
    kinds = [StockNoise, NoiseTransport] if stock_side == "client" else [NoiseTransport, StockNoise]
    async with tcp_pair() as raw:
        client, server = await shake_hands(*raw, noise(CLIENT_KEYS, kinds[0]), noise(SERVER_KEYS, kinds[1]))
        for sender, receiver in ((client, server), (server, client)):
            data = bytes(range(256)) * 800  # four messages
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.write, data)
                got = b""
                while len(got) < len(data):
                    got += await receiver.read(len(data) - len(got))
            assert got == data


MORE = bytes(range(256)) * 2048
"""More than is opened together."""


async def test_reading_as_py_libp2p_does():
    client, server = await secured_pair()
    await client.write(b"abcdef")
    await client.write(b"gh")
    await client.write(MORE)
    assert await server.read(0) == b""
    assert await server.read(1) == b"a"
    assert await server.read(3) == b"bcd"
    assert await server.read(1) == b"e"
    rest = b""
    while len(rest) < 3 + len(MORE):
        rest += await server.read(len(rest) + 1)
    assert rest == b"fgh" + MORE


async def test_what_negotiation_left_over_comes_first():
    client, server = await secured_pair()
    await client.write(b"negotiation" + b"data")
    assert await server.read(11) == b"negotiation"
    assert await server.receive() == [b"data"]
    await client.send(b"more")
    assert await server.receive() == [b"more"]


async def test_one_read_gives_every_message_it_completes():
    client, server = await secured_pair()
    data = bytes(3 * MAX_PLAINTEXT)
    await client.send(data)
    await client.send(b"small")
    assert b"".join(await server.receive()).startswith(data)


async def test_a_cancelled_receive_loses_nothing():
    client, server = await secured_pair()
    for delay in range(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.receive)
            for _ in range(delay):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    await client.send(b"hello")
    assert await server.receive() == [b"hello"]


async def test_an_orderly_end_is_an_empty_list_and_for_py_libp2p_an_error():
    client, server = await secured_pair()
    await client.send(b"last")
    await client.close()
    assert await server.receive() == [b"last"]
    assert await server.receive() == []
    with pytest.raises(ConnectionClosedError, match="by the peer"):
        await server.read(1)


async def test_a_cut_connection_is_no_end():
    client, server = await secured_pair()
    await client._wire.send_all(b"\x00\x30part")
    await client.close()
    with pytest.raises(trio.BrokenResourceError, match="inside a Noise message"):
        await server.receive()


async def test_errors_reach_py_libp2p_as_its_own():
    client, server = await secured_pair()
    await client._wire.send_all(b"\x00\x10" + bytes(16))
    with pytest.raises(RemoteProtocolError):
        await server.receive()
    await client._wire.send_all(b"\x00\x10" + bytes(16))
    with pytest.raises(ConnectionClosedError, match="authentication"):
        await server.read(1)
    await server.close()
    with pytest.raises(ConnectionClosedError):
        await client.write(bytes(3 << 20))


async def test_the_socket_under_a_tcp_connection_is_used_directly():
    async with tcp_pair() as (client, _):
        wire = wire_of(client)
        assert isinstance(wire, trio.SocketStream)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_LIMIT


async def test_a_socket_that_is_gone_already_is_no_surprise():
    async with tcp_pair() as (client, _):
        await client.close()
        with pytest.raises(trio.ClosedResourceError):
            await wire_of(client).receive_some(1)


async def test_any_other_transport_is_used_through_the_interface():
    first, second = (RawStream(MemoryConnection(wire, is_initiator=True)) for wire in wires())
    await first.wait_send_all_might_not_block()
    await first.send_all(bytearray(b"hello"))
    assert await second.receive_some(3) == b"hel"
    assert await second.receive_some() == b"lo"
    await first.aclose()
    assert await second.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await second.send_all(b"x")


class BrokenConnection(MemoryConnection):
    """One whose transport fails."""

    async def read(self, n: int | None = None) -> bytes:
        raise ConnectionClosedError("reset by peer")


async def test_an_error_of_another_transport_is_trios():
    wire = RawStream(BrokenConnection(wires()[0], is_initiator=True))
    with pytest.raises(trio.BrokenResourceError, match="reset by peer"):
        await wire.receive_some(1)


async def test_only_what_the_handshake_is_known_to_give_is_taken_over():
    client, _ = await secured_pair()
    with pytest.raises(NoiseStateError, match="NoiseConnection"):
        take_over(client, MemoryConnection(wires()[0], is_initiator=True))
