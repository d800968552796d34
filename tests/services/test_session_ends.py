"""How sessions end: in time, whatever the peer does, and never without anybody knowing."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from node.services import exchange as service
from node.services import session
from node.services.exchange import PARTING_S, Exchange
from node.services.session import IDLE_TIMEOUT_S
from node.status import TransferState
from protocols.errors import RemoteProtocolError
from protocols.exchange import Bye, ByeReason, Cancel, Have, Reject, RejectReason, Request, encode
from tests.services import fakes
from tests.services.fakes import CHUNK, FakeNetwork
from tests.services.test_exchange import CONTENT, DATA, connect, seeder
from tests.services.test_library import node


async def test_a_peer_that_has_stopped_reading_holds_no_session_for_long(autojump_clock, monkeypatch):
    monkeypatch.setattr(fakes, "WINDOW", 1000)
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(*(Request(chunk, 0, CHUNK) for chunk in range(5)))
        await trio.sleep(1)
        exchange.close_swarm(CONTENT.cid, ByeReason.STOPPING, "no longer shared")
        with trio.fail_after(PARTING_S + 5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(chatter, peer)
                await exchange.close()
                nursery.cancel_scope.cancel()


async def chatter(peer) -> None:
    """Say something now and then, so that nobody takes the session for idle."""
    for chunk in range(10):
        await peer.say(Have(chunks=(chunk,)))
        await trio.sleep(10)


async def test_who_takes_what_is_sent_is_not_idle_however_slow(autojump_clock, monkeypatch):
    async with seeder() as (_, network):
        peer = await connect(network)
        await peer.greet()
        await peer.say(*(Request(chunk, 0, CHUNK) for chunk in range(4)))
        monkeypatch.setattr(session, "BURST_LEAST", CHUNK)
        monkeypatch.setattr(fakes, "BYTES_PER_S", CHUNK / (0.8 * IDLE_TIMEOUT_S))
        for chunk in range(4):
            assert await peer.rest_of(chunk) == DATA[chunk * CHUNK : (chunk + 1) * CHUNK]


@pytest.mark.parametrize("moment", range(12))
async def test_nobody_is_served_what_is_shared_no_more(autojump_clock, moment):
    """A share is stopped while a peer opens a session about it."""
    shared = [CONTENT]

    async def find(cid):
        content = shared[0] if shared else None
        await trio.lowlevel.checkpoint()
        return content

    async with seeder() as (exchange, network):
        exchange.find_content = find
        peer = await connect(network)
        await peer.say(peer.connection.hello("test"))
        for _ in range(moment):
            await trio.lowlevel.checkpoint()
        shared.clear()
        exchange.close_swarm(CONTENT.cid, ByeReason.STOPPING, "no longer shared")
        assert (await peer.hear(Bye)).reason in (ByeReason.NOT_FOUND, ByeReason.STOPPING)
        await peer.say(Bye(ByeReason.FINISHED))
        assert exchange.swarms == {}
        with trio.fail_after(5):
            await exchange.close()


async def test_a_bug_met_in_reading_holds_up_no_answer_of_the_next_sessions(autojump_clock, monkeypatch):
    def broken(index, offset, length):
        raise RuntimeError("a bug")

    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        with monkeypatch.context() as patch, suppress(trio.BrokenResourceError):
            patch.setattr(CONTENT.reader, "read", broken)
            await peer.fetch(0)
        exchange.limits.node.set(0, None)
        again = await connect(network, name="another")
        await again.greet()
        await again.say(Request(0, 0, CHUNK), Cancel(0, 0, CHUNK))
        with trio.fail_after(5):
            assert (await again.hear(Reject)).reason is RejectReason.CANCELLED


async def test_a_dial_that_is_given_up_leaves_no_stream_behind(autojump_clock, monkeypatch, nursery):
    async def refuse(stream):
        await stream.send_all(b"".join(encode(Bye(ByeReason.BUSY))))
        await trio.sleep_forever()

    async def knows_nothing(cid):
        await trio.lowlevel.checkpoint()

    network = FakeNetwork(nursery)
    network.handlers["other"] = refuse
    host = network.host("here")
    here = Exchange(host, knows_nothing, "here")
    monkeypatch.setattr(fakes, "BYTES_PER_S", 100.0)
    for moment in range(12):
        with trio.move_on_after(moment / 10), suppress(RemoteProtocolError):
            await here.open("other", (), CONTENT.cid)
    assert len(host.opened) > 5
    assert all(stream.is_closed for stream in host.opened)


async def test_a_swarm_that_a_download_is_about_to_join_is_not_forgotten(autojump_clock, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "IDLE_SWARMS", 0)
    async with node(tmp_path) as here:
        start = here.library._running.start

        def start_while_a_session_ends(item):
            start(item)
            here.library.exchange._forget_idle()

        monkeypatch.setattr(here.library._running, "start", start_while_a_session_ends)
        await here.get()
        await here.until(TransferState.SEEDING)


async def test_a_bug_met_when_one_peer_leaves_costs_nobody_else_anything(autojump_clock, caplog):
    class Confused:
        def session_opened(self, session) -> None:
            pass

        def session_closed(self, session, error) -> None:
            raise ZeroDivisionError

        async def heard(self, session, message) -> None:
            await trio.lowlevel.checkpoint()

    async with seeder() as (exchange, network):
        leaving, staying = await connect(network), await connect(network, name="other")
        for peer in (leaving, staying):
            await peer.greet()
        exchange.swarms[CONTENT.cid].listener = Confused()
        leaving.stream.reset()
        await trio.sleep(1)
        assert list(exchange.swarms[CONTENT.cid].sessions) == ["other"]
        await staying.say(Request(0, 0, CHUNK))
        assert await staying.rest_of(0) == DATA[:CHUNK]
        assert "failed" in caplog.text
        exchange.swarms[CONTENT.cid].listener = None
