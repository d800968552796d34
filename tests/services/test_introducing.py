"""Peers of one swarm learn of each other, and nobody is hurt by one that lies. Virtual time, and once real hosts."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from hashlib import sha256

import base58
import pytest
import trio

from node.net.host import Host, open_host
from node.net.introductions import Introductions, Whereabouts
from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder
from node.services.introducing import CHECK_S, INTERVAL_S, Introducing
from node.swarm.candidates import DEAD_FOR_NOTHING, MAX_TOLD_BY_ONE, TOLD_TRIES, Candidates
from protocols.bitfield import Bitfield
from protocols.exchange import MAX_PEERS, PROTOCOL_ID, BitfieldMessage, GetMeta, Hello, KnownPeer, Meta, Peers
from tests.net.hosts import settings
from tests.services.fakes import complete_content
from tests.services.test_downloading import CONTENT, DATA, MemoryStorage, World
from tests.services.test_exchange import HandHeldPeer

HERE = "/ip4/127.0.0.1/tcp/4001"
WIRE = bytes.fromhex("047f000001060fa1")
CHUNKS = CONTENT.geometry.chunk_count


def peer_id(name: str) -> str:
    return base58.b58encode(b"\x12\x20" + sha256(name.encode()).digest()).decode()


HUB, SEEDER, LIAR = map(peer_id, ("hub", "seeder", "liar"))


class Surroundings:
    """Everybody who can be dialled on a fake network, on this machine unless told otherwise."""

    def __init__(self, network) -> None:
        self.network = network
        self.elsewhere: dict[str, Whereabouts] = {}

    def whereabouts(self) -> dict[str, Whereabouts]:
        return {name: self.elsewhere.get(name, Whereabouts(HERE, (HERE,))) for name in self.network.handlers}


@asynccontextmanager
async def world():
    async with trio.open_nursery() as nursery:
        here = World(nursery)
        yield here
        nursery.cancel_scope.cancel()


async def tell(here: World, exchange: Exchange) -> Surroundings:
    """Let a node tell its peers of one another; the DHT knows nobody from here on."""
    here.network.providers.clear()
    surroundings = Surroundings(here.network)
    here.nursery.start_soon(Introducing(exchange, surroundings, random.Random(3)).run)
    return surroundings


def half_content():
    half = complete_content(DATA)
    half.have = Bitfield(CHUNKS)
    for chunk in range(CHUNKS // 2):
        half.have.set(chunk)
    return half


async def say_nothing(stream) -> None:
    await trio.sleep_forever()


async def join(here: World, name: str, chunks: bytes = bytes(-(-CHUNKS // 8)), hub: str = HUB) -> HandHeldPeer:
    """A peer that the test speaks for, in session with the hub; it can be dialled."""
    here.network.handlers.setdefault(name, say_nothing)
    peer = HandHeldPeer(await here.network.host(name).open_stream(hub, ""), CONTENT.cid)
    await peer.say(peer.connection.hello("test"))
    await peer.hear(Hello)
    peer.connection.set_geometry(CONTENT.geometry)
    await peer.say(BitfieldMessage(chunks))
    await peer.hear(BitfieldMessage)
    return peer


async def heard_of(peer: HandHeldPeer) -> set[str]:
    told = await peer.hear(Peers)
    return {base58.b58encode(known.peer_id).decode() for known in told.peers}


async def hears_nothing(peer: HandHeldPeer, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        await peer.hear(Peers)
        return False
    return True


async def test_who_knows_one_peer_by_hint_finds_the_other_without_any_record(autojump_clock):
    async with world() as here:
        hub = await here.seed(HUB, half_content())
        await here.seed(SEEDER)
        await tell(here, hub)
        await hub.open(SEEDER, (), CONTENT.cid)
        task = await here.leech()
        here.finder.add_hint(HUB, ())
        started = trio.current_time()
        await task.run()
        assert here.storage.data == DATA
        assert {stream.peer_id for stream in here.leecher.opened} == {HUB, SEEDER}
        assert trio.current_time() - started < 5, "the first news come at once"


async def test_leechers_without_a_manifest_help_each_other_too(autojump_clock):
    async with world() as here:
        leecher = await here.leech()
        hub = here.exchange
        here.nursery.start_soon(leecher.run)
        await tell(here, hub)
        newcomer = HandHeldPeer(await here.network.host(LIAR).open_stream("leecher", ""), CONTENT.cid)
        here.network.handlers[LIAR] = say_nothing
        await newcomer.say(newcomer.connection.hello("test"))
        await here.seed(SEEDER)
        await hub.open(SEEDER, (), CONTENT.cid)
        assert await heard_of(newcomer) == {SEEDER}


async def test_news_come_at_once_then_once_a_minute_and_only_what_is_new(autojump_clock):
    async with world() as here:
        await tell(here, await here.seed(HUB))
        a, b, c = map(peer_id, "abc")
        first = await join(here, a)
        assert await hears_nothing(first, 50), "nobody is told of itself, nor of who tells"
        second = await join(here, b)
        started = trio.current_time()
        assert await heard_of(first) == {b}
        assert await heard_of(second) == {a}
        assert trio.current_time() - started <= 2 * CHECK_S
        await trio.sleep(10)
        await join(here, c)
        assert await heard_of(first) == {c}
        assert INTERVAL_S <= trio.current_time() - started <= INTERVAL_S + 3 * CHECK_S
        assert await hears_nothing(first, 120)


async def test_who_comes_back_is_news_again(autojump_clock):
    async with world() as here:
        await tell(here, await here.seed(HUB))
        a, b = map(peer_id, "ab")
        first = await join(here, a)
        second = await join(here, b)
        assert await heard_of(first) == {b}
        second.stream.reset()
        await trio.sleep(INTERVAL_S * 2)
        await join(here, b)
        assert await heard_of(first) == {b}


async def test_a_crowd_is_told_of_in_several_messages(autojump_clock):
    async with world() as here:
        await tell(here, await here.seed(HUB))
        crowd = {peer_id(f"p{n}") for n in range(MAX_PEERS + 10)}
        for name in sorted(crowd):
            await join(here, name)
        newcomer = await join(here, peer_id("newcomer"))
        first = await heard_of(newcomer)
        assert len(first) == MAX_PEERS
        assert first | await heard_of(newcomer) == crowd


async def test_who_has_everything_is_told_nothing(autojump_clock):
    async with world() as here:
        await tell(here, await here.seed(HUB))
        seeder = await join(here, peer_id("a"), CONTENT.have.to_bytes())
        leecher = await join(here, peer_id("b"))
        assert await heard_of(leecher) == {peer_id("a")}
        assert await hears_nothing(seeder, 200)


async def test_who_is_nowhere_or_too_near_is_not_told_of_until_known(autojump_clock):
    async with world() as here:
        surroundings = await tell(here, await here.seed(HUB))
        a, b, c = map(peer_id, "abc")
        surroundings.elsewhere[a] = Whereabouts("/ip4/1.1.1.1/tcp/9", ("/ip4/1.1.1.1/tcp/4001",))
        surroundings.elsewhere[b] = Whereabouts(HERE, ())
        far = await join(here, a)
        await join(here, b)
        near = await join(here, c)
        assert await heard_of(near) == {a}
        assert await hears_nothing(far, 100), "b is nowhere, and c is on this machine"
        surroundings.elsewhere[b] = Whereabouts("/ip4/1.0.0.1/tcp/9", ("/ip4/1.0.0.1/tcp/4001",))
        assert await heard_of(far) == {b}


class Liar:
    """A peer without a chunk that tells of ghosts as often as it likes."""

    def __init__(self, here: World, every_s: float, name: str = LIAR) -> None:
        self.here = here
        self.every_s = every_s
        self.sent = 0
        here.network.handlers[name] = self.accept

    async def accept(self, stream) -> None:
        peer = HandHeldPeer(stream, CONTENT.cid)
        peer.connection = type(peer.connection)(None, request_limit=1 << 24, max_manifest_size=1 << 23, max_page_size=1)
        await peer.hear(Hello)
        await peer.say(peer.connection.hello("liar"))
        peer.connection.set_geometry(CONTENT.geometry)
        await peer.say(BitfieldMessage(bytes(-(-CHUNKS // 8))))
        await peer.hear(GetMeta)
        block = CONTENT.block(0)
        await peer.say(Meta(0, len(block), 0, block))
        while True:
            ghosts = [b"\x12\x20" + sha256(f"{self.sent} {n}".encode()).digest() for n in range(MAX_PEERS)]
            await peer.say(Peers(tuple(KnownPeer(ghost, (WIRE,)) for ghost in ghosts)))
            self.sent += 1
            await trio.sleep(self.every_s)


@pytest.mark.parametrize("every_s", [5.0, 60.0])
async def test_who_tells_of_ghosts_costs_a_few_dials_and_no_more(autojump_clock, every_s):
    async with world() as here:
        Liar(here, every_s)
        task = await here.leech()
        dialled: list[str] = []
        connect = here.leecher.connect

        async def counting(target, hints=()):
            dialled.append(target)
            return await connect(target, hints)

        here.leecher.connect = counting
        here.finder.add_hint(LIAR, ())
        here.nursery.start_soon(task.run)
        await trio.sleep(1200)
        ghosts = [target for target in dialled if target != LIAR]
        print(f"{len(ghosts)} dials for twenty minutes of lies")
        assert TOLD_TRIES < len(ghosts) <= DEAD_FOR_NOTHING + 8
        assert not here.candidates.believes(LIAR)
        assert len(here.candidates) == 1
        await here.seed("late")
        await trio.sleep(30)
        assert here.storage.data == DATA, "who is there is still found"


async def test_a_flood_of_lies_is_not_even_looked_at(autojump_clock):
    async with world() as here:
        Liar(here, 0.2)
        task = await here.leech()
        here.leecher.connect = never(here.leecher.connect)
        here.finder.add_hint(LIAR, ())
        here.nursery.start_soon(task.run)
        await trio.sleep(14)
        assert len(here.candidates) == MAX_PEERS + 1
        await trio.sleep(100)
        assert len(here.candidates) <= MAX_TOLD_BY_ONE + 1


def never(connect):
    """Dials that find nobody but the liar, and take their time."""

    async def dial(target, hints=()):
        if target != LIAR:
            await trio.sleep(3600)
        return await connect(target, hints)

    return dial


async def test_addresses_of_this_machine_are_not_dialled_at_the_word_of_a_stranger(autojump_clock):
    async with world() as here:
        Liar(here, 60)
        task = await here.leech()
        open_stream = here.leecher.open_stream

        async def far_away(target, protocol_id):
            stream = await open_stream(target, protocol_id)
            stream.remote_address = "/ip4/1.1.1.1/tcp/4001"
            return stream

        here.leecher.open_stream = far_away
        here.finder.add_hint(LIAR, ())
        here.nursery.start_soon(task.run)
        await trio.sleep(10)
        assert len(here.candidates) == 1


class NoRecords:
    """A DHT in which nobody has provided anything."""

    async def find_providers(self, key, found, limit) -> None:
        await trio.lowlevel.checkpoint()


async def exchange_of(nursery: trio.Nursery, host: Host, content=None) -> Exchange:
    async def find(cid):
        await trio.lowlevel.checkpoint()
        return content

    exchange = Exchange(host, find, "shoal/test")
    await nursery.start(exchange.run)
    host.set_handler(PROTOCOL_ID, exchange.accept)
    nursery.start_soon(Introducing(exchange, Introductions(host), random.Random(1)).run)
    return exchange


async def test_over_real_connections_the_third_peer_finds_the_first_by_the_second():
    async with (
        open_host(settings()) as seeder,
        open_host(settings()) as hub,
        open_host(settings()) as newcomer,
        trio.open_nursery() as nursery,
    ):
        await exchange_of(nursery, seeder, complete_content(DATA))
        between = await exchange_of(nursery, hub, half_content())
        await between.open(seeder.peer_id, tuple(seeder.addresses()), CONTENT.cid)
        exchange = await exchange_of(nursery, newcomer)
        candidates, storage = Candidates(newcomer.peer_id), MemoryStorage()
        swarm = exchange.swarm(CONTENT.cid)
        finder = PeerFinder(exchange, NoRecords(), swarm, candidates)
        nursery.start_soon(finder.run)
        finder.add_hint(hub.peer_id, tuple(hub.addresses()))
        with trio.fail_after(60):
            await DownloadTask(swarm, candidates, storage, random.Random(1)).run()
        assert storage.data == DATA
        assert {connection.peer_id for connection in newcomer.connections()} == {hub.peer_id, seeder.peer_id}
        nursery.cancel_scope.cancel()
