"""A host among others: connecting, being found, refusing, closing."""

from __future__ import annotations

import socket
import time

import pytest
import trio
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from node.net import addresses as multiaddrs
from node.net.errors import AddressError, DialError, HostError, ListenError, ProtocolRefusedError, WrongPeerError
from node.net.host import HostSettings, open_host
from node.net.identity import Identity
from tests.net.hosts import (
    DEADLINE_S,
    ECHO,
    connect_stock,
    echo,
    open_pair,
    open_stock_host,
    roundtrip,
    settings,
    until,
)
from tests.timing import attempts


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_two_hosts_connect_fast_and_talk():
    async with open_host(settings()) as one, open_host(settings()) as two:
        one.set_handler(ECHO, echo)
        for attempt in attempts(0.2):  # the library alone takes 251 ms, always
            with attempt:
                assert await two.connect(one.addresses()[0]) == one.peer_id
            await roundtrip(two, one.peer_id)
            await two.disconnect(one.peer_id)


async def test_connecting_again_uses_the_connection_there_is():
    async with open_pair() as (one, two):
        await two.connect(one.peer_id)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(two.connect, one.addresses()[0])
        assert len(two.connections()) == 1


async def test_many_connects_at_once_make_one_connection():
    async with open_host(settings()) as one, open_host(settings()) as two:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(two.connect, one.addresses()[0])
        assert len(two.connections()) == 1


async def test_addresses_name_the_real_port_and_the_peer():
    async with open_host(settings(announce=("/dns4/example.net/tcp/4001",))) as host:
        listening, announced = host.addresses()
        assert multiaddrs.ip_of(listening) == "127.0.0.1"
        assert multiaddrs.socket_address(listening)[1] != 0
        assert listening.endswith(f"/p2p/{host.peer_id}")
        assert announced == f"/dns4/example.net/tcp/4001/p2p/{host.peer_id}"


async def test_wildcards_are_advertised_as_the_machines_addresses():
    async with open_host(settings(listen=("/ip4/0.0.0.0/tcp/0",))) as one, open_host(settings()) as two:
        ips = [multiaddrs.ip_of(address) for address in one.addresses()]
        assert "0.0.0.0" not in ips
        assert ips[-1] == "127.0.0.1"
        await two.connect(one.addresses()[-1])
        told = {multiaddrs.without_peer_id(address) for address in one.addresses()}

        async def learnt() -> bool:
            return set(await two.addresses_of(one.peer_id)) == told

        await until(learnt)


async def test_ipv6_connections_know_their_remote_end():
    async with open_host(settings(listen=("/ip6/::1/tcp/0",))) as one, open_host(settings()) as two:
        await two.connect(one.addresses()[0])
        (info,) = one.connections()
        assert (info.ip, info.direction) == ("::1", "in")
        (info,) = two.connections()
        assert (info.multiaddr, info.direction) == (one.addresses()[0], "out")


async def test_connections_are_described():
    before = time.time()
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        stream = await two.open_stream(one.peer_id, ECHO)
        await stream.send_all(b"x" * 1000)
        await stream.receive_some()
        (info,) = two.connections()
        assert info.peer_id == one.peer_id
        assert info.multiaddr == one.addresses()[0]
        assert before <= info.opened_at <= time.time()
        assert info.streams >= 1
        assert info.sent >= 1000
        assert one.connections()[0].direction == "in"
        stream.reset()


async def test_a_second_instance_on_the_same_port_is_refused():
    async with open_host(settings()) as host:
        taken = multiaddrs.without_peer_id(host.addresses()[0])
        with pytest.raises(ListenError, match="Address already in use"):
            async with open_host(settings(listen=(taken,))):
                pytest.fail("two hosts share a port")


@pytest.mark.parametrize(
    ("address", "error", "reason"),
    [
        ("/ip4/203.0.113.5/tcp/0", ListenError, "Cannot assign requested address"),
        ("/ip4/127.0.0.1/udp/0/quic-v1", AddressError, "only TCP"),
        ("/dns4/localhost/tcp/0", ListenError, "not a name"),
        ("nonsense", AddressError, "not a multiaddr"),
    ],
)
async def test_a_listen_address_that_cannot_be_is_a_clear_error(address, error, reason):
    with pytest.raises(error, match=reason):
        async with open_host(settings(listen=(address,))):
            pytest.fail("a host without an address opened silently")


async def test_a_listen_failure_behind_the_probe_is_noticed_too(monkeypatch):
    monkeypatch.setattr("node.net.host.check_listenable", lambda addresses: None)
    with pytest.raises(ListenError, match=r"203\.0\.113\.5"):
        async with open_host(settings(listen=("/ip4/203.0.113.5/tcp/0",))):
            pytest.fail("a host without an address opened silently")


async def test_dead_addresses_before_a_live_one_cost_little():
    async with open_host(settings()) as one:
        for attempt in attempts(1.0):
            dead = [f"/ip4/127.0.0.1/tcp/{closed_port()}" for _ in range(3)]
            async with open_host(settings()) as two:
                with attempt:
                    await two.connect(one.peer_id, [*dead, *one.addresses()])


async def test_a_peer_that_was_away_can_be_reached_the_moment_it_is_back():
    identity = Identity.generate()
    address = f"/ip4/127.0.0.1/tcp/{closed_port()}"
    async with open_host(settings()) as two:
        with pytest.raises(DialError, match="connection refused"):
            await two.connect(identity.peer_id, [address])
        async with open_host(HostSettings(identity, listen=(address,))):
            await two.connect(identity.peer_id, [address])  # the library would refuse it for a minute


async def test_another_peer_at_the_address_is_a_clear_error():
    async with open_host(settings()) as one, open_host(settings()) as two:
        stranger = Identity.generate().peer_id
        with pytest.raises(WrongPeerError, match="another peer answers there"):
            await two.connect(stranger, one.addresses())
        with pytest.raises(DialError, match="connection refused"):
            await two.connect(stranger, [*one.addresses(), f"/ip4/127.0.0.1/tcp/{closed_port()}"])


async def test_words_that_are_no_peer_are_refused_before_dialling():
    async with open_host(settings()) as host:
        for target, reason in [
            ("/ip4/127.0.0.1/tcp/4001", "does not say which peer"),
            ("12D3KooWnobody", "not a peer id"),
            ("/ip4/127.0.0.1/udp/4001/quic-v1", "only TCP"),
        ]:
            with pytest.raises(AddressError, match=reason):
                await host.connect(target)
        with pytest.raises(DialError, match="this node itself"):
            await host.connect(host.addresses()[0])
        with pytest.raises(DialError, match="No usable address"):
            await host.connect(Identity.generate().peer_id, ["/ip4/0.0.0.0/tcp/1", "/ip4/1.2.3.4/udp/1/quic-v1"])


async def test_the_address_that_worked_outlives_what_the_peer_claims():
    async with open_host(settings()) as one, open_host(settings()) as two:
        worked = one.addresses()[0]
        one.raw._addrs_factory = lambda listening: [Multiaddr(f"/ip4/127.0.0.1/tcp/{closed_port()}")]
        await two.connect(worked)

        async def lied_to() -> bool:
            return len(await two.addresses_of(one.peer_id)) == 2

        await until(lied_to)
        assert (await two.addresses_of(one.peer_id))[0] == multiaddrs.without_peer_id(worked)
        await two.disconnect(one.peer_id)
        assert not two.connections()
        await two.connect(one.peer_id)


async def test_peers_are_announced_once_and_taken_leave_of_once():
    news: list[tuple[str, str]] = []
    async with open_host(settings()) as one:
        one.on_connected(lambda peer_id: news.append(("hello", peer_id)))
        one.on_disconnected(lambda peer_id: news.append(("goodbye", peer_id)))
        one.on_connected(lambda peer_id: 1 // 0)  # hurts nobody
        async with open_host(settings()) as two:
            await two.connect(one.addresses()[0])
            await one.connect(two.addresses()[0])
            await until(lambda: news)
        await until(lambda: len(news) == 2)
        assert news == [("hello", two.peer_id), ("goodbye", two.peer_id)]


async def test_an_unknown_protocol_is_refused_by_name():
    async with open_pair() as (one, two):
        with pytest.raises(ProtocolRefusedError, match="does not speak /no/such/1"):
            await two.open_stream(one.peer_id, "/no/such/1")


async def test_a_removed_handler_is_refused():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        await roundtrip(two, one.peer_id)
        one.remove_handler(ECHO)
        with pytest.raises(ProtocolRefusedError):
            await two.open_stream(one.peer_id, ECHO)


async def test_the_agent_is_ours():
    async with open_host(settings(agent="shoal/9.9")) as host, open_stock_host() as stock:
        await connect_stock(stock, host)
        stream = await stock.new_stream(ID.from_base58(host.peer_id), [IDENTIFY])
        assert parse_identify_response(await stream.read()).agent_version == "shoal/9.9"


async def test_the_block_raises_its_own_error():
    with pytest.raises(KeyError, match="mine"):
        async with open_host(settings()):
            raise KeyError("mine")


async def test_a_library_that_stops_by_itself_does_not_do_so_silently():
    async def broken() -> None:
        raise ZeroDivisionError("a bug of theirs")

    async def use_it() -> None:
        async with open_host(settings()) as host:
            host.raw.get_network().manager.run_task(broken)
            await trio.sleep_forever()

    with pytest.raises(HostError, match="stopped by itself"):
        await use_it()


async def test_closing_tells_the_peers_and_keeps_within_its_time():
    guests = 8

    async def guest(address: str) -> None:
        async with open_host(settings()) as host:
            await host.connect(address)
            await until(lambda: not host.connections())

    for attempt in attempts(1.0):
        async with open_host(settings()) as one, trio.open_nursery() as nursery:
            for _ in range(guests):
                nursery.start_soon(guest, one.addresses()[0])
            await until(lambda one=one: len(one.connections()) == guests)
            with attempt:
                await one.raw.close()  # the library takes 0.2 s for each connection


async def test_a_cancelled_block_still_closes_cleanly():
    async with open_host(settings()) as one:
        with trio.CancelScope() as scope:
            async with open_host(settings()) as two:
                await two.connect(one.addresses()[0])
                scope.cancel()
                await trio.sleep_forever()
        assert scope.cancelled_caught
        await until(lambda: not one.connections())


async def test_a_block_cancelled_while_opening_does_not_hang():
    with trio.fail_after(DEADLINE_S), trio.CancelScope() as scope:
        scope.cancel()
        async with open_host(settings()):
            await trio.sleep_forever()
    assert scope.cancelled_caught
