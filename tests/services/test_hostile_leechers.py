"""Leechers that misbehave towards a seeder: they lose their session, and an honest one beside them loses nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from node.services.exchange import GOODBYE_S
from node.services.session import HELLO_TIMEOUT_S
from protocols.bitfield import Bitfield
from protocols.exchange import (
    MAX_HAVE,
    MAX_META_REQUESTS,
    MAX_REQUESTS,
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    GetMeta,
    Have,
    Hello,
    Meta,
    Reject,
    RejectReason,
    Request,
    decode,
    encode,
)
from protocols.exchange.limits import MAX_PAYLOAD
from protocols.framing import FrameDecoder
from tests.services.fakes import CHUNK
from tests.services.test_exchange import CONTENT, DATA, HandHeldPeer, connect, seeder

CHUNKS = CONTENT.geometry.chunk_count
NOTHING = BitfieldMessage(bytes(-(-CHUNKS // 8)))
HELLO = Hello(1, CONTENT.cid, 16 << 20)


def frames(*messages) -> bytes:
    return b"".join(bytes(part) for message in messages for part in encode(message))


FLOODS = {
    "requests": [Request(0, at, 1) for at in range(MAX_REQUESTS + 1)],
    "the same request": [Request(0, 0, CHUNK)] * 2,
    "requests beyond the limit": [Request(index, 0, CHUNK) for index in range(10)] * 26,
    "questions": [GetMeta(0, 0)] * (MAX_META_REQUESTS + 1) * 100,
    "cancels": [Cancel(0, 0, 1)],
    "the same have": [Have((0,)), Have((0,))],
    "haves beyond the end": [Have(tuple(range(MAX_HAVE)))],
    "two bitfields": [NOTHING],
    "data that nobody asked for": [Data(0, 0, bytes(CHUNK))],
    "a manifest that nobody asked for": [Meta(0, 5, 0, b"block")],
    "a refusal of nothing": [Reject(0, 0, 1, RejectReason.BUSY)],
    "a request beyond the chunk": [Request(0, CHUNK - 1, 2)],
    "a request beyond the file": [Request(CHUNKS, 0, 1)],
    "a request of a huge number": [Request(2**62, 2**62, 2**62)],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_flood_costs_its_sender_the_session_and_nobody_else_anything(autojump_clock, flood):
    async with seeder() as (exchange, network):
        good = await connect(network, name="good")
        await good.greet()
        bad = await connect(network, name="bad")
        await bad.greet()
        before = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour, bad, frames(*flood))
            assert await good.fetch(0) == DATA[:CHUNK]
            assert trio.current_time() - before < 1, "who asks fairly is served meanwhile"
            if flood == FLOODS["questions"]:
                nursery.cancel_scope.cancel()  # each is answered, as fast as answers are read: no breach
                return
            bye = await goodbye(bad)
            nursery.cancel_scope.cancel()
        assert bye.reason is ByeReason.PROTOCOL_ERROR
        assert bye.text, "it is told why"
        await trio.sleep(10)
        assert set(exchange.swarms[CONTENT.cid].sessions) == {"good"}
        assert await good.fetch(1) == DATA[CHUNK : 2 * CHUNK]


async def pour(peer: HandHeldPeer, data: bytes) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await peer.stream.send_all(data)


async def goodbye(peer: HandHeldPeer) -> Bye:
    """The seeder's last word, whatever comes before it."""
    decoder = FrameDecoder(MAX_PAYLOAD)
    while data := await peer.stream.receive_some():
        for payload in decoder.feed(data):
            if isinstance(message := decode(payload), Bye):
                return message
    raise EOFError


@pytest.mark.parametrize("bits", [b"\xff\xff", b"\x00", bytes(3)], ids=["spare bits", "too short", "too long"])
async def test_a_bitfield_that_is_none_costs_the_session(autojump_clock, bits):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.stream.send_all(frames(HELLO, BitfieldMessage(bits)))
        with pytest.raises(trio.BrokenResourceError):
            await goodbye(peer)
        await trio.sleep(2 * GOODBYE_S)
        assert not exchange.swarms[CONTENT.cid].sessions


TALK = (HELLO, GetMeta(0, 0), NOTHING, Request(0, 0, CHUNK), Request(1, 0, CHUNK), Cancel(1, 0, CHUNK), Have((0,)))


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "FIN"])
@pytest.mark.parametrize("count", range(len(TALK) + 1))
async def test_whoever_leaves_between_two_messages_leaves_nothing_behind(autojump_clock, count, is_reset):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        if count:
            await peer.stream.send_all(frames(*TALK[:count]))
        await trio.sleep(0.01)
        if is_reset:
            peer.stream.reset()
        else:
            await peer.stream.aclose()
        await trio.sleep(HELLO_TIMEOUT_S + 1)
        assert exchange._count == 0
        assert all(not swarm.sessions for swarm in exchange.swarms.values())
        other = await connect(network, name="other")
        await other.greet()
        assert await other.fetch(0) == DATA[:CHUNK]


async def test_a_hello_that_comes_a_byte_a_second_is_not_waited_for(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        started = trio.current_time()
        with suppress(trio.BrokenResourceError):
            for byte in frames(HELLO):
                await peer.stream.send_all(bytes((byte,)))
                await trio.sleep(1)
        assert trio.current_time() - started <= HELLO_TIMEOUT_S + 2 < len(frames(HELLO))
        assert exchange._count == 0


async def test_a_request_that_comes_a_byte_a_second_is_answered_and_others_served_meanwhile(autojump_clock):
    async with seeder() as (_, network):
        slow = await connect(network, name="slow")
        await slow.greet()
        good = await connect(network, name="good")
        await good.greet()
        for index, byte in enumerate(frames(Request(0, 0, CHUNK))):
            await slow.stream.send_all(bytes((byte,)))
            await trio.sleep(1)
            chunk = index % 10
            assert await good.fetch(chunk) == DATA[chunk * CHUNK : (chunk + 1) * CHUNK]
        for part in slow.connection.send(Request(0, 0, CHUNK)):
            assert part, "the test's own side learns of what it has sent by hand"
        assert bytes((await slow.hear(Data)).data) == DATA[:CHUNK]


async def test_haves_of_every_chunk_in_small_change_cost_no_answer(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        for chunk in range(CHUNKS):
            await peer.say(Have((chunk,)))
        await trio.sleep(1)
        session = exchange.swarms[CONTENT.cid].sessions["leecher"]
        assert session.remote_have == Bitfield.full(CHUNKS)
