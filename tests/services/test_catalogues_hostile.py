"""What bad peers say about catalogues costs nobody but them."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest
import trio

from node.services.catalogues import CALLS_AT_ONCE, FORGIVE_S, MAX_STREAMS_PER_PEER
from node.services.catalogues_streams import QUIET_S
from node.store.entries import MAX_TOLD, HeldCatalogues, Limits
from protocols import dag_cbor
from protocols.catalog import Ask, Asking, GetPage, NoPage, Page, Tell, decode, encode
from protocols.catalog.limits import MAX_REQUEST
from protocols.cid import DAG_CBOR, Cid
from protocols.framing import FrameDecoder, encode_uvarint
from tests.services.catalogue_nodes import START, Node, running
from tests.services.fakes import FakeNetwork
from tests.store.catalogues import Publisher


@pytest.fixture
async def network(nursery):
    return FakeNetwork(nursery)


@pytest.fixture
def victim(network, tmp_path):
    return Node(network, tmp_path, "victim")


@pytest.fixture
def honest(network, tmp_path):
    node = Node(network, tmp_path, "honest")
    node.share("honest fish")
    return node


class BadPeer:
    """Answers as a test wants it to: a map from request to the bytes of an answer."""

    def __init__(self, network: FakeNetwork, name: str = "bad") -> None:
        self.publisher = Publisher(name)
        self.peer_id = self.publisher.peer_id
        self.heads: list[bytes] = []
        self.pages: dict[Cid, bytes] = {}
        self.asked: list = []
        self.host = network.host(self.peer_id)
        network.handlers[self.peer_id] = self.accept

    def publish(self, *names: str, **changes) -> None:
        self.publisher.publish(names, **{"issued": START, "expires": START + 3600, **changes})
        self.heads = [self.publisher.sealed]
        self.pages = {cid: block for cid, (block, _) in self.publisher.pages.items()}

    async def accept(self, stream) -> None:
        frames = FrameDecoder(MAX_REQUEST)
        with suppress(trio.BrokenResourceError):
            while data := await stream.receive_some():
                for payload in frames.feed(data):
                    request = decode(bytes(payload))
                    self.asked.append(request)
                    if not isinstance(request, Tell):
                        await stream.send_all(self.answer(request))

    def answer(self, request) -> bytes:
        if isinstance(request, Ask):
            return encode(Tell(tuple(self.heads)))
        page = self.pages.get(request.cid)
        return encode(Page(page) if page else NoPage())

    def meet(self, node: Node) -> None:
        node.catalogues.met(self.peer_id)

    async def tell(self, node: Node, *heads: bytes) -> None:
        stream = await self.host.open_stream(node.peer_id, "")
        await stream.send_all(Asking().send(Tell(heads)))
        await stream.aclose()


@pytest.fixture
def bad(network):
    return BadPeer(network)


async def assert_only_the_bad_one_loses(victim: Node, honest: Node, bad: BadPeer, caplog) -> None:
    """The bad peer isn't heard any more, and an honest one is as if nothing had been."""
    async with running(victim, honest):
        with caplog.at_level(logging.WARNING):
            bad.meet(victim)
            await trio.sleep(60)
        assert "broke the catalogue protocol" in caplog.text
        assert victim.finds("fish") == {}
        asked = len(bad.asked)
        victim.meet(honest)
        assert set(await victim.until_found("fish")) == {"honest fish"}
        bad.meet(victim)
        stream = await bad.host.open_stream(victim.peer_id, "")
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()
        await trio.sleep(60)
        assert len(bad.asked) == asked
        bad.__dict__.pop("answer", None)
        bad.publish("reformed fish")
        victim.catalogues.lost(bad.peer_id)
        await trio.sleep(FORGIVE_S)
        bad.meet(victim)
        await victim.until_found("reformed")


def forged(bad: BadPeer) -> None:
    bad.publish("bad fish")
    bad.heads = [bad.heads[0][:-1] + bytes((bad.heads[0][-1] ^ 1,))]


def someone_elses_page(bad: BadPeer) -> None:
    bad.publish("bad fish")
    bad.pages = dict.fromkeys(bad.pages, b"something else")


def more_entries_than_said(bad: BadPeer) -> None:
    bad.publish("bad fish", "worse fish", count=1)


def fewer_entries_than_said(bad: BadPeer) -> None:
    bad.publish("bad fish", count=2)


def a_page_with_bad_names(bad: BadPeer) -> None:
    block = dag_cbor.encode({"entries": [[Cid.of(DAG_CBOR, b""), "../../fish", 1, 1]]})
    cid = Cid.of(DAG_CBOR, block)
    bad.publish("x", pages=(cid,))
    bad.pages = {cid: block}


def an_oversize_page(bad: BadPeer) -> None:
    bad.publish("bad fish")
    usual = bad.answer
    bad.answer = lambda request: usual(request) if isinstance(request, Ask) else encode_uvarint(1 << 20) + b"\x04"


def a_page_for_an_answer_to_ask(bad: BadPeer) -> None:
    bad.answer = lambda request: encode(Page(b"bad fish"))


@pytest.mark.parametrize(
    "lie",
    [
        forged,
        someone_elses_page,
        more_entries_than_said,
        fewer_entries_than_said,
        a_page_with_bad_names,
        an_oversize_page,
        a_page_for_an_answer_to_ask,
    ],
)
async def test_a_broken_rule(victim, honest, bad, caplog, lie, autojump_clock):
    lie(bad)
    await assert_only_the_bad_one_loses(victim, honest, bad, caplog)


async def test_a_head_that_came_late_is_no_fault_and_no_news(victim, bad, caplog, autojump_clock):
    bad.publish("bad fish", issued=START - 7200, expires=START - 3600)
    old = bad.heads
    bad.publish("bad fish", issued=START + 7200, expires=START + 9000)
    bad.heads += old
    async with running(victim):
        bad.meet(victim)
        await trio.sleep(60)
        assert victim.finds("fish") == {}
        assert caplog.text == ""
        assert not any(isinstance(request, GetPage) for request in bad.asked)


async def test_an_old_head_replayed_changes_nothing(victim, honest, bad, autojump_clock):
    async with running(victim, honest):
        victim.meet(honest)
        await victim.until_found("honest fish")
        replayed, pages = honest.own.sealed, honest.own.pages
        honest.share("new fish")
        honest.catalogue.remove(next(item.cid for item in honest.catalogue.items() if item.name == "honest fish"))
        await victim.until_found("new fish", 20.0)
        assert set(victim.finds("fish")) == {"new fish"}
        bad.heads, bad.pages = [replayed], dict(pages)
        bad.meet(victim)
        await bad.tell(victim, replayed)
        await trio.sleep(30)
        assert set(victim.finds("fish")) == {"new fish"}


async def test_pages_that_are_gone_are_no_fault(victim, bad, caplog, autojump_clock):
    bad.publish(*(f"fish {number}" for number in range(1000)))
    gone = bad.pages.pop(next(iter(bad.pages)))
    async with running(victim):
        bad.meet(victim)
        await trio.sleep(30)
        assert victim.finds("fish") == {}
        assert caplog.text == ""
        bad.pages[Cid.of(DAG_CBOR, gone)] = gone
        await bad.tell(victim, *bad.heads)
        assert len(await victim.until_found("fish")) == 100


async def test_silence_costs_a_stream_and_its_time(victim, honest, bad, autojump_clock):
    bad.answer = lambda request: b""
    async with running(victim, honest):
        bad.meet(victim)
        victim.meet(honest)
        assert await victim.until_found("fish", 2.0)
        await trio.sleep(QUIET_S + 1)
        assert all(stream.is_closed for stream in victim.host.opened)


async def test_another_peer_is_asked_when_one_hangs(victim, honest, network, autojump_clock):
    bad = BadPeer(network)
    usual = bad.answer
    bad.answer = lambda request: usual(request) if isinstance(request, Ask) else b""
    async with running(victim, honest):
        bad.heads = [honest.own.sealed]
        bad.meet(victim)
        await trio.sleep(1)
        victim.meet(honest)
        await victim.until_found("fish", QUIET_S + 5)


async def test_ten_thousand_false_entries_of_one_publisher_are_bounded(victim, honest, bad, autojump_clock):
    bad.publish(*(f"fish {number}" for number in range(10_000)))
    async with running(victim, honest):
        bad.meet(victim)
        await victim.until_found("fish", 30.0)
        victim.meet(honest)
        await victim.until_found("honest", 5.0)
        assert "honest fish" in [hit.name for hit in victim.index.search(("fish",), 3)]
        bad.publish("only fish")
        await bad.tell(victim, *bad.heads)
        await trio.sleep(30)
        assert set(victim.finds("fish")) == {"only fish", "honest fish"}


async def test_invented_publishers_take_no_more_than_their_share(victim, honest, bad, autojump_clock):
    invented = [Publisher(f"invented {number}") for number in range(MAX_TOLD + 20)]
    for number, publisher in enumerate(invented):
        publisher.publish([f"fish {number}"], issued=START, expires=START + 3600)
        bad.pages.update({cid: block for cid, (block, _) in publisher.pages.items()})
    async with running(victim, honest):
        for start in range(0, len(invented), 40):
            await bad.tell(victim, *(publisher.sealed for publisher in invented[start : start + 40]))
        await trio.sleep(60)
        assert await victim.catalogues.counts() == (MAX_TOLD, MAX_TOLD)
        victim.meet(honest)
        await victim.until_found("honest")


async def test_a_full_node_still_hears_its_neighbour(victim, honest, bad, autojump_clock):
    limits = Limits(publishers=3, entries=100, told=3, entries_told=50)
    victim.held = HeldCatalogues(victim.database, limits)
    victim.catalogues._hearing._held = victim.held
    invented = [Publisher(f"invented {number}") for number in range(3)]
    for publisher in invented:
        publisher.publish(["fish"], issued=START, expires=START + 3600)
        bad.pages.update({cid: block for cid, (block, _) in publisher.pages.items()})
    async with running(victim, honest):
        await bad.tell(victim, *(publisher.sealed for publisher in invented))
        await trio.sleep(10)
        victim.meet(honest)
        await victim.until_found("honest")
        assert await victim.catalogues.counts() == (3, 3)


async def test_who_asks_too_often_waits(victim, bad, autojump_clock):
    async with running(victim):
        started = trio.current_time()
        for _ in range(int(CALLS_AT_ONCE) + 20):
            stream = await bad.host.open_stream(victim.peer_id, "")
            await stream.send_all(encode(Ask(1, 1)))
            assert await stream.receive_some()
            await stream.aclose()
        assert trio.current_time() - started > 15


async def test_streams_of_one_peer_are_few(victim, bad, autojump_clock):
    async with running(victim):
        held = [await bad.host.open_stream(victim.peer_id, "") for _ in range(MAX_STREAMS_PER_PEER)]
        await trio.sleep(0.1)
        one_more = await bad.host.open_stream(victim.peer_id, "")
        with pytest.raises(trio.BrokenResourceError):
            await one_more.receive_some()
        for stream in held:
            await stream.aclose()
        await trio.sleep(0.1)
        stream = await bad.host.open_stream(victim.peer_id, "")
        await stream.send_all(encode(Ask(1, 1)))
        assert await stream.receive_some()


async def test_a_bug_in_one_conversation_costs_that_conversation(victim, honest, bad, caplog, autojump_clock):
    bad.publish("bad fish")
    usual = victim.held.pages_held

    def broken(head):
        if head.publisher == bad.peer_id:
            raise ZeroDivisionError("a bug")
        return usual(head)

    victim.held.pages_held = broken
    async with running(victim, honest):
        bad.meet(victim)
        await trio.sleep(5)
        victim.meet(honest)
        await victim.until_found("honest")
    assert "a bug" in caplog.text
