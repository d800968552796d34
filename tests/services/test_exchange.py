"""The seeding side of the exchange protocol, driven by a hand-held peer over streams in memory."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager

import pytest
import trio

from node.services.content import Content
from node.services.exchange import GOODBYE_S, MAX_SESSIONS_PER_PEER, Exchange
from node.services.session import HELLO_TIMEOUT_S, IDLE_TIMEOUT_S
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    MAX_REQUESTS,
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Connection,
    Data,
    GetMeta,
    Hello,
    MessageType,
    Meta,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
)
from protocols.geometry import Geometry
from tests.services.fakes import CHUNK, FakeNetwork, complete_content, stream_pair

DATA = random.Random(7).randbytes(10 * CHUNK + 123)
CONTENT = complete_content(DATA)
LIMIT = 16 << 20


class HandHeldPeer:
    """A leecher made of a Connection and a stream, which says only what the test tells it to say."""

    def __init__(self, stream, cid: Cid) -> None:
        self.stream = stream
        self.connection = Connection(cid, request_limit=LIMIT, max_manifest_size=1 << 23, max_page_size=1 << 19)
        self.heard: list = []

    async def say(self, *messages) -> None:
        for message in messages:
            for part in self.connection.send(message):
                await self.stream.send_all(part)

    async def hear(self, kind):
        """The next message of a kind; what comes before it stays in `heard`."""
        while True:
            for index, message in enumerate(self.heard):
                if isinstance(message, kind):
                    return self.heard.pop(index)
            data = await self.stream.receive_some()
            if not data:
                self.connection.receive_eof()
                raise EOFError
            self.heard += self.connection.receive_data(data)

    async def greet(self, geometry: Geometry = CONTENT.geometry) -> None:
        """HELLO both ways, the manifest, and both bitfields."""
        await self.say(self.connection.hello("test"))
        await self.hear(Hello)
        self.connection.set_geometry(geometry)
        await self.say(BitfieldMessage(bytes(-(-geometry.chunk_count // 8))))
        await self.hear(BitfieldMessage)

    async def fetch(self, chunk: int, content: Content = CONTENT) -> bytes:
        await self.say(Request(chunk, 0, content.geometry.chunk_length(chunk)))
        return await self.rest_of(chunk, content)

    async def rest_of(self, chunk: int, content: Content = CONTENT) -> bytes:
        """The data of a chunk that was asked for as a whole; that of others is left out."""
        parts = b""
        while len(parts) < content.geometry.chunk_length(chunk):
            data = await self.hear(Data)
            parts += bytes(data.data) if data.chunk == chunk else b""
        return parts


@asynccontextmanager
async def seeder(content=CONTENT):
    async def find(cid: Cid):
        await trio.lowlevel.checkpoint()
        return content if cid == content.cid else None

    async with trio.open_nursery() as nursery:
        network = FakeNetwork(nursery)
        exchange = Exchange(network.host("seeder"), find, "shoal/test")
        await nursery.start(exchange.run)
        network.handlers["seeder"] = exchange.accept
        yield exchange, network
        nursery.cancel_scope.cancel()


async def connect(network: FakeNetwork, cid: Cid = CONTENT.cid, name: str = "leecher") -> HandHeldPeer:
    stream = await network.host(name).open_stream("seeder", "/shoal/exchange/1.0.0")
    return HandHeldPeer(stream, cid)


async def test_the_manifest_comes_as_the_bytes_its_cid_names(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.say(peer.connection.hello("test"))
        await peer.hear(Hello)
        await peer.say(GetMeta(0, 0))
        answer = await peer.hear(Meta)
        assert CONTENT.cid.names(bytes(answer.data))


@pytest.mark.parametrize("asked", [GetMeta(1, 0), GetMeta(2**62, 0), GetMeta(0, 1 << 20), GetMeta(0, 2**62)])
async def test_a_part_that_does_not_exist_is_rejected_and_no_error(autojump_clock, asked):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(asked)
        assert await peer.hear(RejectMeta) == RejectMeta(asked.part, RejectReason.UNAVAILABLE)
        assert await peer.fetch(0) == DATA[:CHUNK]


async def test_every_chunk_comes_as_it_is(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        chunks = [await peer.fetch(index) for index in range(CONTENT.geometry.chunk_count)]
        assert b"".join(chunks) == DATA


async def test_many_requests_at_once_are_all_answered(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        requests = [Request(n % 10, (n // 10) * 64, 64) for n in range(MAX_REQUESTS)]
        await peer.say(*requests)
        for request in requests:
            data = await peer.hear(Data)
            start = data.chunk * CHUNK + data.offset
            assert bytes(data.data) == DATA[start : start + 64], request


async def test_an_unknown_cid_is_refused_in_words(autojump_clock):
    async with seeder() as (exchange, network):
        other = Cid.of(DAG_CBOR, b"something else")
        peer = await connect(network, other)
        await peer.say(peer.connection.hello("test"))
        await peer.hear(Hello)
        assert (await peer.hear(Bye)).reason is ByeReason.NOT_FOUND
        assert not peer.stream.incoming.is_broken, "a reset would overtake the BYE and take it away"
        assert other not in exchange.swarms, "a stranger's question must not be remembered"


async def test_a_chunk_that_cannot_be_read_is_rejected_and_the_rest_still_served(autojump_clock):
    content = complete_content(DATA)
    content.reader.broken.add(3)
    async with seeder(content) as (_, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(Request(3, 0, CHUNK))
        assert (await peer.hear(Reject)).reason is RejectReason.UNAVAILABLE
        assert await peer.fetch(4) == DATA[4 * CHUNK : 5 * CHUNK]


async def test_a_cancelled_request_ends_early_and_the_next_is_served(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(*(Request(index, 0, CHUNK) for index in range(10)), Cancel(9, 0, CHUNK))
        ended = set()
        while len(ended) < 10:
            message = await peer.hear((Data, Reject))
            ended.add(message.chunk)
        assert await peer.fetch(10) == DATA[10 * CHUNK :]


async def test_a_silent_peer_loses_its_stream(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        started = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await peer.hear(Hello)
        assert trio.current_time() - started == pytest.approx(HELLO_TIMEOUT_S)


async def test_a_session_in_which_nothing_is_said_ends_with_a_bye(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        assert (await peer.hear(Bye)).reason is ByeReason.TIMEOUT
        assert trio.current_time() >= IDLE_TIMEOUT_S
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await peer.hear(Hello)
        await trio.sleep(2 * GOODBYE_S)
        assert not exchange.swarms[CONTENT.cid].sessions


@pytest.mark.parametrize("garbage", [b"\x00", b"\xff\xff\xff\xff\xff", b"\x03\x42\x00\x00", bytes(70_000)])
async def test_garbage_costs_a_peer_its_session_and_nobody_else_anything(garbage, autojump_clock):
    async with seeder() as (_, network):
        good = await connect(network, name="good")
        await good.greet()
        bad = await connect(network, name="bad")
        await bad.greet()
        await bad.stream.send_all(garbage)
        bye = await bad.hear(Bye)
        assert bye.reason is ByeReason.PROTOCOL_ERROR
        assert bye.text, "the peer is told what was wrong"
        assert await good.fetch(0) == DATA[:CHUNK]


async def test_a_request_out_of_range_costs_the_session(autojump_clock):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        peer.connection._geometry = None  # a peer that doesn't care about its own rules
        frame = b"".join(bytes(part) for part in _unchecked(Request(CONTENT.geometry.chunk_count, 0, 1)))
        await peer.stream.send_all(frame)
        assert (await peer.hear(Bye)).reason is ByeReason.PROTOCOL_ERROR


def _unchecked(message):
    from protocols.exchange import encode

    return encode(message)


async def test_a_peer_that_vanishes_leaves_nothing_behind(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(Request(0, 0, CHUNK))
        peer.stream.reset()
        await trio.testing.wait_all_tasks_blocked()
        assert not exchange.swarms[CONTENT.cid].sessions


async def test_a_peer_that_stops_reading_holds_only_a_bounded_amount(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(*(Request(n % 10, 0, CHUNK) for n in range(10)))
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked(0.01)
        (session,) = exchange.swarms[CONTENT.cid].sessions.values()
        assert session.bulk_bytes <= 2 << 20
        other = await connect(network, name="other")
        await other.greet()
        assert await other.fetch(0) == DATA[:CHUNK]


async def test_of_two_sessions_with_one_peer_the_newer_inbound_one_stays(autojump_clock):
    async with seeder() as (exchange, network):
        first = await connect(network)
        await first.greet()
        second = await connect(network)
        await second.greet()
        assert (await first.hear(Bye)).reason is ByeReason.DUPLICATE
        assert await second.fetch(0) == DATA[:CHUNK]
        assert len(exchange.swarms[CONTENT.cid].sessions) == 1


async def test_of_two_sessions_that_one_peer_begins_at_once_one_stays_and_the_other_hears_why(autojump_clock):
    async with seeder() as (exchange, network):
        first, second = await connect(network), await connect(network)
        for peer in (first, second):  # HELLOs cross: neither session is known when the other one is admitted
            await peer.say(peer.connection.hello("test"))
        assert (await first.hear(Bye)).reason is ByeReason.DUPLICATE
        await second.hear(Hello)
        assert list(exchange.swarms[CONTENT.cid].sessions.values()) != []
        assert len(exchange.swarms[CONTENT.cid].sessions) == 1
        await first.stream.aclose()
        await trio.sleep(10)
        assert len(exchange.swarms[CONTENT.cid].sessions) == 1, "the one that left was not the one that stays"


async def test_what_is_no_longer_shared_says_goodbye_and_is_not_found_again(autojump_clock):
    shared = {CONTENT.cid: CONTENT}

    async def find(cid):
        await trio.lowlevel.checkpoint()
        return shared.get(cid)

    async with trio.open_nursery() as nursery:
        network = FakeNetwork(nursery)
        exchange = Exchange(network.host("seeder"), find, "shoal/test")
        await nursery.start(exchange.run)
        network.handlers["seeder"] = exchange.accept
        peer = await connect(network)
        await peer.greet()
        shared.clear()
        exchange.close_swarm(CONTENT.cid, ByeReason.STOPPING, "no longer shared")
        assert (await peer.hear(Bye)).reason is ByeReason.STOPPING
        again = await connect(network)
        await again.say(again.connection.hello("test"))
        assert (await again.hear(Bye)).reason is ByeReason.NOT_FOUND
        nursery.cancel_scope.cancel()


async def test_an_end_without_bye_is_a_broken_protocol_not_an_end(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        await peer.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(2 * GOODBYE_S)
        assert not exchange.swarms[CONTENT.cid].sessions


def test_a_pair_of_fake_streams_joins_the_right_ends():
    ours, theirs = stream_pair("a", "b")
    assert (ours.peer_id, theirs.peer_id) == ("b", "a")


async def test_one_peer_cannot_hold_all_sessions(autojump_clock):
    contents = [complete_content(bytes([n])) for n in range(MAX_SESSIONS_PER_PEER + 1)]
    shared = {content.cid: content for content in contents}

    async def find(cid: Cid):
        await trio.lowlevel.checkpoint()
        return shared.get(cid)

    async with trio.open_nursery() as nursery:
        network = FakeNetwork(nursery)
        exchange = Exchange(network.host("seeder"), find, "shoal/test")
        await nursery.start(exchange.run)
        network.handlers["seeder"] = exchange.accept
        *first, last = [await connect(network, content.cid, "greedy") for content in contents]
        for peer in first:
            await peer.say(peer.connection.hello("test"))
            await peer.hear(Hello)
        await last.say(last.connection.hello("test"))
        assert (await last.hear(Bye)).reason is ByeReason.BUSY
        other = await connect(network, contents[-1].cid, "modest")
        await other.say(other.connection.hello("test"))
        await other.hear(Hello)
        assert other.connection.is_open
        nursery.cancel_scope.cancel()


async def test_who_answers_a_hello_wrongly_is_told_why(autojump_clock):
    async with seeder() as (exchange, network):
        answers = []

        async def liar(stream) -> None:
            await stream.receive_some()
            await stream.send_all(b"\x02\xff\x00\x01")
            answers.append(stream)

        network.handlers["liar"] = liar
        with pytest.raises(RemoteProtocolError):
            await exchange.open("liar", (), CONTENT.cid)
        said = b""
        while data := await answers[0].receive_some():
            said += data
        assert said[1:2] == bytes([MessageType.BYE])
