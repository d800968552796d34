"""What one node shares is known to its neighbours and theirs within seconds, and forgotten as fast."""

from __future__ import annotations

import pytest
import trio

from node.errors import StorageError
from node.net.introductions import Whereabouts
from node.services.catalogues import LONGEST_PUBLISH_S, NEWS_S, RELAYS
from node.services.catalogues_own import LIFETIME_S, RENEW_S
from node.status import TransferState
from protocols.catalog import seal, unseal
from tests.services.catalogue_nodes import START, Node, running
from tests.services.fakes import FakeNetwork
from tests.store.catalogues import entry

SOMEWHERE = Whereabouts("/ip4/127.0.0.1/tcp/4001", ("/ip4/127.0.0.1/tcp/4001",))


@pytest.fixture
async def network(nursery):
    return FakeNetwork(nursery)


@pytest.fixture
def make(network, tmp_path):
    return lambda name, **options: Node(network, tmp_path, name, **options)


async def test_a_newcomer_knows_at_once_what_its_neighbour_shares_and_knows(make, autojump_clock):
    ann, bob, cid = make("ann"), make("bob"), make("cid")
    ann.share("red fish")
    bob.share("blue fish")
    async with running(ann, bob, cid):
        ann.meet(bob)
        await bob.until_found("red")
        bob.meet(cid)
        await cid.until_found("red", 2.0)
        assert cid.finds("fish") == {"red fish": (ann.peer_id,), "blue fish": (bob.peer_id,)}
        assert await cid.catalogues.counts() == (2, 2)
        assert cid.index.search(("red",), 1)[0].size == len("red fish")


async def test_shares_that_come_and_go_later_spread_down_the_line(make, autojump_clock):
    ann, bob, cid = make("ann"), make("bob"), make("cid")
    async with running(ann, bob, cid):
        ann.meet(bob)
        bob.meet(cid)
        await trio.sleep(60)
        share = ann.share("late fish")
        await cid.until_found("fish", 10.0)
        ann.catalogue.set_state(share, TransferState.COMPLETE)
        await cid.until_gone("fish", 20.0)
        assert bob.finds("fish") == {}


async def test_many_changes_are_few_heads(make, autojump_clock):
    ann, bob = make("ann"), make("bob")
    async with running(ann, bob):
        ann.meet(bob)
        await trio.sleep(10)
        ann.host.opened.clear()
        for number in range(120):
            ann.share(f"file {number}")
            await trio.sleep(1)
        await trio.sleep(LONGEST_PUBLISH_S)
        assert ann.own.head.count == 120
        assert bob.held.seq(ann.peer_id) == ann.own.head.seq
        assert len(ann.host.opened) <= 7  # after 1, 6, 16, 36, 76, 136 s
        ann.share("much later")
        await bob.until_found("later", LONGEST_PUBLISH_S + 5)
        await trio.sleep(3 * LONGEST_PUBLISH_S)
        ann.share("after a while of quiet")
        await bob.until_found("quiet", 5.0)


async def test_what_nobody_renews_is_forgotten_and_what_is_renewed_stays(make, monkeypatch, autojump_clock):
    monkeypatch.setattr("node.services.catalogues.CHECK_S", 600.0)  # a day has many seconds
    monkeypatch.setattr("node.services.catalogues.ASK_S", 1e6)
    ann, bob, cid = make("ann"), make("bob"), make("cid")
    ann.share("ann's fish")
    bob.share("bob's fish")
    async with running(bob, cid):
        async with trio.open_nursery() as nursery:
            await nursery.start(ann.catalogues.run)
            ann.meet(cid)
            bob.meet(cid)
            await cid.until_found("ann")
            await cid.until_found("bob")
            nursery.cancel_scope.cancel()
        await trio.sleep(LIFETIME_S - 60)
        assert len(cid.finds("fish")) == 2
        await trio.sleep(180)
        assert set(cid.finds("fish")) == {"bob's fish"}
        assert cid.held.seq(bob.peer_id) > START + RENEW_S


async def test_a_restart_signs_nothing_new_and_never_a_number_twice(make, autojump_clock):
    ann = make("ann")
    ann.share("fish")
    async with running(ann):
        first = ann.own.head
    again = make("ann")
    async with running(again):
        assert again.own.head == first
        assert list(again.own.pages) == list(first.pages)
    third = make("ann")
    third.share("chips")
    async with running(third):
        assert third.own.head.seq > first.seq
        assert third.own.head.expires >= first.expires


async def test_a_node_that_lost_its_disk_outruns_what_others_know_of_it(make, tmp_path, autojump_clock):
    ann, bob = make("ann"), make("bob")
    ann.own.outrun(START + 1000)  # its clock was wrong once
    ann.share("old fish")
    async with running(bob):
        async with running(ann):
            ann.meet(bob)
            await bob.until_found("old fish")
        (tmp_path / "ann.db").unlink()
        again = make("ann")
        again.share("new fish")
        async with running(again):
            bob.catalogues.lost(again.peer_id)
            again.meet(bob)
            await bob.until_found("new fish")
            assert set(bob.finds("fish")) == {"new fish"}


async def test_a_node_that_doesnt_publish_says_nothing_but_listens(make, autojump_clock):
    ann, bob = make("ann", is_public=False), make("bob")
    ann.share("secret fish")
    bob.share("open fish")
    async with running(ann, bob):
        ann.meet(bob)
        await ann.until_found("open")
        await trio.sleep(30)
        assert set(bob.finds("fish")) == {"open fish"}
        assert ann.own.sealed is None


async def test_a_node_that_stops_publishing_is_forgotten(make, autojump_clock):
    ann, bob = make("ann"), make("bob")
    ann.share("fish")
    async with running(bob):
        async with running(ann):
            ann.meet(bob)
            await bob.until_found("fish")
            bob.catalogues.lost(ann.peer_id)
        silent = make("ann", is_public=False)
        async with running(silent):
            silent.meet(bob)
            await bob.until_gone("fish")
            assert await bob.catalogues.counts() == (0, 0)


async def test_who_was_not_ready_is_asked_when_it_asks(make, network, autojump_clock):
    ann, bob = make("ann"), make("bob")
    ann.share("fish")
    handler = network.handlers.pop(ann.peer_id)
    async with running(bob):
        bob.catalogues.met(ann.peer_id)
        await trio.sleep(1)
        network.handlers[ann.peer_id] = handler
        async with running(ann):
            ann.catalogues.met(bob.peer_id)
            await bob.until_found("fish", 2.0)


async def test_news_are_passed_on_once_and_not_back(make, autojump_clock):
    nodes = [make(name) for name in "abcdef"]
    async with running(*nodes):
        for number, node in enumerate(nodes):
            for other in nodes[:number]:
                node.meet(other)
        await trio.sleep(30)
        for node in nodes:
            node.host.opened.clear()
        nodes[0].share("fish")
        for node in nodes[1:]:
            await node.until_found("fish")
        await trio.sleep(5 * NEWS_S)
        # Everybody tells everybody at most once, and each fetches one page once.
        assert sum(len(node.host.opened) for node in nodes) <= 6 * 5 + 5


async def test_a_dense_network_hears_of_everything_without_everybody_telling_everybody(make, autojump_clock):
    nodes = [make(f"node {number}") for number in range(16)]
    async with running(*nodes):
        for number, node in enumerate(nodes):
            for other in nodes[:number]:
                node.meet(other)
        await trio.sleep(60)
        for node in nodes:
            node.host.opened.clear()
        nodes[0].share("fish")
        for node in nodes[1:]:
            await node.until_found("fish")
        await trio.sleep(5 * NEWS_S)
        opened = sum(len(node.host.opened) for node in nodes)
        assert opened <= 15 + 15 * RELAYS + 15  # its own news, what is passed on, and the pages


async def test_what_is_known_is_not_verified_again(make, monkeypatch, autojump_clock):
    verified = []
    monkeypatch.setattr(
        "node.services.catalogues_hearing.unseal", lambda sealed: verified.append(sealed) or unseal(sealed)
    )
    ann, bob, cid = make("ann"), make("bob"), make("cid")
    ann.share("fish")
    async with running(ann, bob, cid):
        ann.meet(bob)
        await bob.until_found("fish")
        ann.meet(cid)
        await cid.until_found("fish")
        verified.clear()
        bob.meet(cid)  # each has ann's head, and tells the other of it
        await trio.sleep(30)
        assert verified == []


async def test_what_was_missed_is_asked_for_later(make, autojump_clock):
    ann, bob = make("ann"), make("bob")
    async with running(ann, bob):
        ann.meet(bob)
        await trio.sleep(10)
        ann.catalogues._speakers.clear()  # as if the news had been lost
        ann.share("fish")
        await trio.sleep(30)
        assert bob.finds("fish") == {}
        await bob.until_found("fish", 400.0)


async def test_a_newcomer_is_told_of_servers_and_tries_a_few(make, network, autojump_clock):
    ann, bob = make("ann"), make("bob")
    others = [make(f"other {number}") for number in range(12)]
    tried = []

    async def connect(target, hints=()):
        await trio.lowlevel.checkpoint()
        tried.append((target, tuple(hints)))
        return target

    bob.host.connect = connect
    async with running(ann, bob):
        for other in others:
            ann.surroundings.peers[other.peer_id] = SOMEWHERE
        ann.meet(bob)
        await trio.sleep(2)
        assert len({peer for peer, _ in tried}) == 5
        assert {peer for peer, _ in tried} <= {other.peer_id for other in others}
        assert tried[0][1] == ("/ip4/127.0.0.1/tcp/4001",)
        tried.clear()
        bob.surroundings.routing_table_size = 20
        bob.catalogues.lost(ann.peer_id)
        bob.catalogues.met(ann.peer_id)
        await trio.sleep(2)
        assert tried == []


async def test_a_full_disk_stops_nothing(make, monkeypatch, autojump_clock):
    ann, bob = make("ann"), make("bob")
    full = [True]

    def failing(method):
        def maybe(*arguments):
            if full[0]:
                raise StorageError("the disk is full")
            return method(*arguments)

        return maybe

    monkeypatch.setattr(ann.own, "update", failing(ann.own.update))
    monkeypatch.setattr(bob.held, "adopt", failing(bob.held.adopt))
    monkeypatch.setattr(bob.held, "expire", failing(bob.held.expire))
    async with running(ann, bob):
        ann.meet(bob)
        ann.share("fish")
        await trio.sleep(120)
        assert bob.finds("fish") == {}
        full[0] = False
        await bob.until_found("fish")


async def test_a_share_more_signs_one_head_and_keeps_the_other_pages(make, autojump_clock):
    ann = make("ann")
    with ann.database.write() as connection:
        for number in range(2000):
            one = entry(f"file {number}")
            connection.execute(
                "INSERT INTO items (cid, cid_text, name, state, added_at, size, file_count) "
                "VALUES (?, ?, ?, 'Complete', 0, 1, 1)",
                (one.cid.to_bytes(), str(one.cid), one.name),
            )
        connection.execute("UPDATE items SET state = 'Seeding'")
    assert ann.own.update()
    before = ann.own.pages
    assert ann.own.head.count == 2000
    assert unseal(ann.own.sealed) == ann.own.head
    assert not ann.own.update()
    ann.share("one more")
    assert ann.own.update()
    assert len(set(ann.own.pages) - set(before)) <= 2
    kept = [ann.own.pages[cid] is before[cid] for cid in set(before) & set(ann.own.pages)]
    assert all(kept)
    assert seal(ann.own.head, ann.key) == ann.own.sealed
    ann.database.close()
