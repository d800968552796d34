"""What is told of connections: bytes by protocol, and how far away a peer is."""

from __future__ import annotations

from tests.net.hosts import ECHO, echo, open_pair, until

OTHER = "/test/other/1.0.0"


async def talk(host, peer_id: str, protocol: str, data: bytes) -> None:
    stream = await host.open_stream(peer_id, protocol)
    await stream.send_all(data)
    await stream.send_eof()
    while await stream.receive_some():
        pass
    await stream.aclose()


async def test_bytes_are_counted_for_each_protocol_on_both_sides():
    async with open_pair() as (server, client):
        for protocol in (ECHO, OTHER):
            server.set_handler(protocol, echo)
        await talk(client, server.peer_id, ECHO, b"x" * 5000)
        await talk(client, server.peer_id, ECHO, b"x" * 3000)
        await talk(client, server.peer_id, OTHER, b"y" * 700)
        told = {name: (each.received, each.sent) for name, each in client.traffic_by_protocol().items()}
        # What the two say to agree on the protocol counts too, a few dozen bytes a stream.
        assert 8000 <= told[ECHO][0] < 8300
        assert 8000 <= told[ECHO][1] < 8300
        assert 700 <= told[OTHER][0] < 850
        assert server.traffic_by_protocol()[ECHO].received >= 8000


async def test_the_round_trip_is_known_soon():
    async with open_pair() as (_, client):
        await until(lambda: client.connections()[0].rtt_s is not None)
        await until(lambda: 0 < client.connections()[0].rtt_s < 1)  # the least of several: the first may be slow
