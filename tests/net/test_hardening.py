"""What a stranger, or a bug of ours, can do to a host: end its own stream or connection, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from libp2p import new_host
from libp2p.exceptions import BaseLibp2pError
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.peer.id import ID
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from libp2p.utils import encode_delim

from node.net import hardening
from node.net.errors import DialError, StreamError
from node.net.host import HostSettings, open_host
from node.net.identity import Identity
from node.net.muxed_connection import MuxedConnection
from tests.net.hosts import ECHO, connect_stock, echo, open_pair, open_stock_host, roundtrip, settings, until
from tests.timing import attempts


async def test_a_protocol_name_that_is_not_utf8_costs_one_stream():
    async with open_pair() as (one, two), open_stock_host() as stranger:
        one.set_handler(ECHO, echo)
        await connect_stock(stranger, one)
        stream = await stranger.get_network().new_stream(ID.from_base58(one.peer_id))
        await stream.write(encode_delim(b"/multistream/1.0.0") + encode_delim(b"/\xff\xfe"))
        await until(lambda: [info.streams for info in one.connections()] == [0, 0])
        await roundtrip(two, one.peer_id)
        assert len(one.connections()) == 2


async def test_a_handler_that_raises_costs_one_stream(caplog):
    async with open_pair() as (one, two):

        async def broken(stream) -> None:
            raise ZeroDivisionError("a bug of ours")

        one.set_handler("/test/broken", broken)
        one.set_handler(ECHO, echo)
        with pytest.raises((trio.BrokenResourceError, StreamError)):  # as soon as it is open, or while it opens
            await (await two.open_stream(one.peer_id, "/test/broken")).receive_some()
        await roundtrip(two, one.peer_id)
        assert any(two.peer_id in record.getMessage() for record in caplog.records)  # the log says whom it met


async def test_a_handler_of_the_library_that_raises_costs_one_stream():
    async with open_pair() as (one, two):

        async def broken(net_stream) -> None:
            raise ZeroDivisionError("a bug of theirs")

        one.raw.set_stream_handler("/test/broken", broken)
        one.set_handler(ECHO, echo)
        with pytest.raises((trio.BrokenResourceError, StreamError)):  # as soon as it is open, or while it opens
            await (await two.open_stream(one.peer_id, "/test/broken")).receive_some()
        await roundtrip(two, one.peer_id)


async def test_a_muxer_that_raises_costs_one_connection(monkeypatch):
    async with open_host(settings()) as one, open_host(settings()) as two, open_host(settings()) as three:
        one.set_handler(ECHO, echo)
        await two.connect(one.addresses()[0])

        async def broken(self) -> None:
            raise ZeroDivisionError("a bug of theirs")

        with monkeypatch.context() as patch:
            patch.setattr(MuxedConnection, "_read", broken)
            with suppress(DialError):  # it may break before or after it counts as connected
                await three.connect(one.addresses()[0])
            await until(lambda: not three.connections() and len(one.connections()) == 1)
        await roundtrip(two, one.peer_id)


async def test_plaintext_is_not_spoken():
    """A default py-libp2p host lets anybody in who merely names the peer id he wants to be."""
    identity = Identity.generate()
    stranger = new_host(sec_opt={PLAINTEXT_PROTOCOL_ID: InsecureTransport(identity.key_pair)})
    async with open_host(settings()) as one, stranger.run([]):
        with pytest.raises(BaseLibp2pError):
            await connect_stock(stranger, one)
        assert not one.connections()


async def test_mplex_is_not_spoken():
    async with open_host(settings()) as one:
        stranger = new_host(muxer_opt={MPLEX_PROTOCOL_ID: Mplex})
        async with stranger.run([]):
            with pytest.raises(BaseLibp2pError):
                await connect_stock(stranger, one)
        assert not one.connections()


async def test_inbound_slots_are_for_live_connections_only():
    async with open_host(settings(max_connections=4, max_inbound=3)) as one:
        for _ in range(5):
            async with open_host(settings(listen=())) as guest:
                await guest.connect(one.addresses()[0])
            await until(lambda: not one.connections())
        async with open_host(settings(listen=())) as guest:
            await guest.connect(one.addresses()[0])
            assert len(one.connections()) == 1


async def test_inbound_connections_beyond_their_share_are_refused_and_dialling_goes_on():
    async with (
        open_host(settings(max_connections=3, max_inbound=2)) as one,
        open_host(settings()) as wanted,
        open_host(settings(listen=())) as guest,
        open_host(settings(listen=())) as another,
        open_host(settings(listen=())) as late,
    ):
        await guest.connect(one.addresses()[0])
        await another.connect(one.addresses()[0])
        with pytest.raises(DialError):
            await late.connect(one.addresses()[0])
        await one.connect(wanted.addresses()[0])
        assert sorted(info.direction for info in one.connections()) == ["in", "in", "out"]


async def test_connections_per_peer_are_bounded_and_old_ones_stay():
    identity = Identity.generate()
    async with open_host(settings()) as one:
        one.set_handler(ECHO, echo)
        async with open_host(HostSettings(identity)) as two, trio.open_nursery() as nursery:
            await two.connect(one.addresses()[0])
            stream = await two.open_stream(one.peer_id, ECHO)
            swarm = two.raw.get_network()
            (first,) = swarm.get_connections(ID.from_base58(one.peer_id))
            first._created_at -= 3600  # past the grace in which the library spares a connection
            (other_end,) = one.raw.get_network().get_connections(ID.from_base58(two.peer_id))
            other_end._created_at -= 3600
            address = one.raw.get_addrs()[0]
            for _ in range(hardening.MAX_CONNECTIONS_PER_PEER - 1):
                await swarm.dial_once(address, ID.from_base58(one.peer_id))
            with pytest.raises(BaseLibp2pError):
                await swarm.dial_once(address, ID.from_base58(one.peer_id))
            await stream.send_all(b"still here")
            assert await stream.receive_some() == b"still here"
            nursery.cancel_scope.cancel()


async def test_inbound_streams_per_connection_are_bounded(monkeypatch):
    monkeypatch.setattr(hardening, "MAX_INBOUND_STREAMS", 3)
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        await until(lambda: one.connections()[0].streams == 0)  # identify is over
        held = [await two.open_stream(one.peer_id, ECHO) for _ in range(3)]
        with pytest.raises(StreamError):
            await two.open_stream(one.peer_id, ECHO)
        held.pop().reset()
        await until(lambda: one.connections()[0].streams == 2)
        await roundtrip(two, one.peer_id)


async def test_the_library_dials_in_our_order_too():
    async with open_host(settings()) as one, open_host(settings()) as two:
        peer = ID.from_base58(one.peer_id)
        dead = one.raw.get_addrs()[0].__class__("/ip4/127.0.0.2/tcp/1")
        two.raw.get_peerstore().add_addrs(peer, [dead, *one.raw.get_transport_addrs()], 60)
        stream = await two.raw.new_stream(peer, ["/ipfs/ping/1.0.0"])
        await stream.reset()
        assert two.connections()


async def test_nobody_is_dialled_without_being_asked_for():
    async with open_host(settings()) as one, open_host(settings()) as two:
        two.raw.get_peerstore().add_addrs(ID.from_base58(one.peer_id), one.raw.get_transport_addrs(), 60)
        await two.raw.get_network().auto_connector.maybe_connect()
        assert not two.connections()


async def test_a_peer_that_reads_nothing_cannot_hold_up_closing():
    async def stuck(data: bytes) -> None:
        await trio.sleep_forever()

    async with open_host(settings()) as one:
        for attempt in attempts(1.5):
            async with open_stock_host() as stranger:
                await connect_stock(stranger, one)
                (connection,) = one.raw.get_network().get_connections(ID(stranger.get_id().to_bytes()))
                assert isinstance(connection, SwarmConn)
                connection.muxed_conn.secured_conn.send = stuck  # a socket whose buffers are full
                with attempt:
                    await one.disconnect(str(stranger.get_id()))
                network = stranger.get_network()
                await until(lambda network=network: not one.connections() and not network.get_connections())
