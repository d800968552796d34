"""Peers that are slow on purpose, clocks that were wrong, and room that is made meanwhile."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from node.services.catalogues import PAGES_AT_ONCE, PAGES_PER_S
from node.services.catalogues_hearing import FETCH_S, FETCHES
from node.services.catalogues_streams import QUIET_S
from protocols.catalog import GetPage, NoPage, encode
from protocols.catalog.limits import MAX_PAGE_SIZE, MAX_PAGES
from protocols.catalog.pages import Entry
from protocols.cid import DAG_CBOR, Cid
from protocols.framing import encode_uvarint
from tests.services.catalogue_nodes import START, Node, running
from tests.services.fakes import FakeNetwork
from tests.services.test_catalogues_hostile import BadPeer
from tests.store.catalogues import Publisher


@pytest.fixture
async def network(nursery):
    return FakeNetwork(nursery)


@pytest.fixture
def make(network, tmp_path):
    return lambda name: Node(network, tmp_path, name)


class SlowPeer(BadPeer):
    """Sends a byte of a page now and then, for as long as anybody waits."""

    async def accept(self, stream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.receive_some()
            await stream.send_all(encode_uvarint(MAX_PAGE_SIZE) + b"\x04")
            while True:
                await trio.sleep(QUIET_S / 2)
                await stream.send_all(b"x")


async def test_one_slow_peer_does_not_keep_everybody_waiting(network, make, autojump_clock):
    victim, honest, bad = make("victim"), make("honest"), SlowPeer(network, "bad")
    honest.share("honest fish")
    async with running(victim, honest):
        for number in range(FETCHES):
            invented = Publisher(f"invented {number}")
            invented.publish(["fish"], issued=START, expires=START + 3600)
            await bad.tell(victim, invented.sealed)
        await trio.sleep(0.5)
        victim.meet(honest)
        await victim.until_found("fish", 3.0)


async def test_a_catalogue_that_one_peer_holds_up_keeps_no_others_waiting(network, make, autojump_clock):
    victim, popular, other = make("victim"), make("popular"), make("other")
    popular.share("popular fish")
    other.share("other fish")
    bad = SlowPeer(network, "bad")
    relays = [BadPeer(network, f"relay {number}") for number in range(FETCHES)]
    async with running(victim, popular, other):
        for teller in (bad, *relays):
            teller.pages = dict(popular.own.pages)
            await teller.tell(victim, popular.own.sealed)
            await trio.sleep(0.1)
        victim.meet(other)
        await victim.until_found("other", 3.0)
        await victim.until_found("popular", FETCH_S + 5)


async def test_a_peer_that_drips_is_given_up(network, make, autojump_clock):
    victim, bad = make("victim"), SlowPeer(network, "bad")
    bad.publish("fish")
    async with running(victim):
        await bad.tell(victim, *bad.heads)
        await trio.sleep(FETCH_S - 5)
        assert [stream.is_closed for stream in victim.host.opened] == [False, False]
        await trio.sleep(10)  # the one that ASKs keeps nobody from anything
        assert sorted(stream.is_closed for stream in victim.host.opened) == [False, True]


async def test_pages_are_served_at_a_pace(network, make, autojump_clock):
    victim, bad = make("victim"), BadPeer(network)
    wanted = encode(GetPage(Cid.of(DAG_CBOR, b"nothing")))
    async with running(victim):
        started, asked = trio.current_time(), int(PAGES_AT_ONCE + 10 * PAGES_PER_S)
        stream = await bad.host.open_stream(victim.peer_id, "")
        for _ in range(asked):
            await stream.send_all(wanted)
            assert await stream.receive_some() == encode(NoPage())
        assert 8 < trio.current_time() - started < 15


async def test_a_head_of_a_clock_that_was_ahead_is_replaced(make, autojump_clock):
    ann, bob = make("ann"), make("bob")
    ann.share("red fish")
    year = 365 * 86400
    ann.own._clock = lambda: START + year
    assert ann.own.update()
    ann.own._clock = lambda: START + trio.current_time()
    async with running(ann, bob):
        ann.meet(bob)
        await bob.until_found("red", 20.0)


async def test_made_up_cids_that_end_pages_do_not_end_the_catalogue(make, autojump_clock, monkeypatch):
    ann = make("ann")
    entries = [
        Entry(Cid(DAG_CBOR, number.to_bytes(31, "big") + b"\x00"), f"fish {number}", 1, 1)
        for number in range(1, MAX_PAGES + 50)
    ]
    monkeypatch.setattr(ann.own._record, "load", lambda limit: (7, entries))
    async with running(ann):
        await trio.sleep(10)
        assert ann.own.head is not None
        assert len(ann.own.head.pages) == ann.own.head.count == MAX_PAGES


async def test_a_catalogue_that_made_room_while_its_pages_came_is_fetched_whole(network, make, autojump_clock):
    victim, bad = make("victim"), BadPeer(network)
    publisher = Publisher("large")
    publisher.publish((f"fish {number}" for number in range(600)), issued=START, expires=START + 3600)
    first = publisher.sealed
    bad.pages = {cid: block for cid, (block, _) in publisher.pages.items()}
    async with running(victim):
        await bad.tell(victim, first)
        await victim.until_found("fish 599")
        publisher.publish((f"fish {number}" for number in range(601)), issued=START, expires=START + 3600)
        bad.pages = {cid: block for cid, (block, _) in publisher.pages.items()}
        usual = bad.answer

        def answer(request):
            if isinstance(request, GetPage):
                victim.held.forget(publisher.peer_id)
            return usual(request)

        bad.answer = answer
        await bad.tell(victim, publisher.sealed)
        await trio.sleep(5)
        bad.answer = usual
        await bad.tell(victim, publisher.sealed)
        await victim.until_found("fish 600")
        assert len(victim.held.pages_held(publisher.head)) == len(publisher.head.pages)
