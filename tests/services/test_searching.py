"""Searching among nodes in memory: who is asked, what is found and how, what is verified, and when it ends."""

from __future__ import annotations

import pytest
import trio

from node.errors import UsageError
from node.net.provider_store import Provider
from node.services.searching import KEYWORDS_TRIED, PEERS_ASKED, PROVIDERS_PER_NETWORK
from node.services.searching_asking import Reply
from node.services.searching_results import Standing
from node.services.searching_state import Scope
from node.services.searching_status import search_status
from node.status import HitState, TransferState
from node.store.search_index import IndexHit
from protocols.exchange import PROTOCOL_ID as EXCHANGE
from protocols.framing import encode_frame
from protocols.search import PROTOCOL_ID as SEARCH
from protocols.search import Hit, Outcome, answer
from protocols.search.tokens import keyword_key
from tests.services.search_world import Connected, World
from tests.turns import counted_turns

CHUNKS = bytes(range(256)) * 1024  # four chunks


@pytest.fixture
async def world(nursery):
    return World(nursery)


async def done(search):
    with trio.fail_after(60):
        await search.checked.wait()
    return {hit.name: hit for hit in search_status(search, {}).hits}


async def test_a_name_is_found_through_the_dht_and_proved(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cid = anna.share("Linux Tutorial.pdf", CHUNKS)
    hits = await done(cara.searching.begin("tutorial linux"))
    hit = hits["Linux Tutorial.pdf"]
    assert (hit.cid, hit.state, hit.claimed, hit.verified, hit.found) == (cid, HitState.AVAILABLE, 1, 1, ("DHT",))
    assert cara.lookups == [keyword_key("tutorial")]  # the rarest, or else the longest, is enough


async def test_every_way_of_finding_is_told_and_hits_are_merged_by_content(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna)
    for node in (anna, bert):
        node.share("linux.iso", CHUNKS)
    cara.share("my linux notes.txt", b"notes")
    cara.index.rows.append(IndexHit(anna.share("linux.pdf"), "linux.pdf", 10, 1, False, ("Anna",)))
    search = cara.searching.begin("linux")
    hits = await done(search)
    assert hits["linux.iso"].found == ("peers", "DHT")
    assert (hits["linux.iso"].claimed, hits["linux.iso"].verified) == (2, 2)
    assert hits["my linux notes.txt"].found == ("here",)
    assert hits["linux.pdf"].found == ("catalogue", "peers")
    assert [asked.found for asked in search.asked.values()] == ["peers", "DHT"]


async def test_the_same_bytes_under_another_name_are_told(world, autojump_clock):
    """Both are there, as each is a share of its own, but nobody fetches the second one for want of knowing."""
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    anna.share("linux.iso", CHUNKS)
    bert.share("my linux.iso", CHUNKS)
    bert.share("linux notes", CHUNKS[:-1])
    hits = await done(cara.searching.begin("linux", Scope.PEERS))
    first, second = sorted((hits["linux.iso"], hits["my linux.iso"]), key=lambda hit: hit.number)
    assert (first.same_as, second.same_as) == (None, first.number)
    assert hits["linux notes"].same_as is None


async def test_local_asks_nobody_and_peers_not_the_dht(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna)
    for node in (anna, bert):
        node.share(f"linux of {node.peer_id}", node.peer_id.encode())
    assert await done(cara.searching.begin("linux", Scope.LOCAL)) == {}
    assert not cara.searching.latest[-1].asked
    assert set(await done(cara.searching.begin("linux", Scope.PEERS))) == {"linux of Anna"}
    assert not cara.lookups


async def test_the_next_word_is_looked_up_when_nobody_has_the_first(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    anna.share("short extraordinarily", provide=False)
    world.providers[keyword_key("short")] = ["Anna"]
    assert set(await done(cara.searching.begin("extraordinarily short"))) == {"short extraordinarily"}
    assert len(cara.lookups) == 2
    await done(cara.searching.begin("nobody has ever shared these words"))
    assert len(cara.lookups) == 2 + KEYWORDS_TRIED


async def test_a_crowd_in_one_network_keeps_nobody_from_being_asked(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    anna.share("linux.iso")

    async def find_providers(key, found, limit):
        await trio.lowlevel.checkpoint()
        for number in range(min(50, limit)):
            found(Provider(f"Crowd{number}", (f"/ip4/8.8.8.{number}/tcp/4001/p2p/Crowd{number}",)))
        found(Provider("Anna", ("/ip4/9.9.9.9/tcp/4001/p2p/Anna",)))

    cara.find_providers = find_providers
    search = cara.searching.begin("linux")
    assert set(await done(search)) == {"linux.iso"}
    assert len(search.asked) == PROVIDERS_PER_NETWORK + 1


async def test_a_search_without_an_answer_ends_in_three_seconds_and_says_whom_it_asked(world, autojump_clock):
    cara = await world.node("Cara")
    world.silent = {f"Silent{number}" for number in range(40)}
    cara.peers = [Connected(name) for name in sorted(world.silent)]
    world.lookup_s = 20.0
    start = trio.current_time()
    search = cara.searching.begin("obscure")
    await done(search)
    assert trio.current_time() - start < 3
    status = search_status(search, {})
    assert len(status.asked) == PEERS_ASKED
    assert status.connected == 40
    assert {asked.reply for asked in status.asked} == {Reply.SILENT}
    assert status.keywords == ("obscure",)


async def test_with_something_found_the_slow_get_a_little_longer(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    anna.share("linux.iso")
    cara.peers.append(Connected("Silent"))
    world.silent = {"Silent"}
    start = trio.current_time()
    search = cara.searching.begin("linux")
    await trio.sleep(1)
    assert search_status(search, {}).hits[0].number == 1  # shown while others are still awaited
    await done(search)
    assert 4.9 < trio.current_time() - start < 5.5


async def test_who_asks_with_patience_waits(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    anna.share("linux.iso")
    world.lookup_s = 8.0
    assert set(await done(cara.searching.begin("linux", patience_s=20.0))) == {"linux.iso"}


async def test_peers_that_do_not_search_or_are_gone_are_told_apart(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    del anna.handlers[SEARCH]
    cara.peers.append(Connected("Gone"))
    search = cara.searching.begin("linux")
    await done(search)
    assert {asked.peer: asked.answer.reply for asked in search.asked.values()} == {
        "Anna": Reply.UNABLE,
        "Gone": Reply.UNREACHABLE,
    }


async def test_an_answer_that_breaks_the_protocol_counts_for_nothing(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    hit = Hit(_any_cid(anna), "linux.iso", 1, 1, True)

    async def lie(stream):
        for frame in [*answer([hit], Outcome.COMPLETE)][:-1]:
            await stream.send_all(frame)
        await stream.send_all(encode_frame(b"nonsense"))

    anna.handlers[SEARCH] = lie
    search = cara.searching.begin("linux")
    assert await done(search) == {}
    assert search.asked["Anna"].answer.reply is Reply.BROKEN


def _any_cid(node):
    node.share("anything")
    return next(iter(node.contents))


async def test_a_claim_without_the_content_stays_unverified(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    cid = anna.share("linux.iso", CHUNKS)
    bert.index.rows.append(IndexHit(cid, "linux.iso", len(CHUNKS), 1, True, ()))
    bert.index.rows.append(IndexHit(str(_any_cid(await world.node("Dora"))), "linux.pdf", 5, 1, True, ()))
    hits = await done(cara.searching.begin("linux"))
    assert (hits["linux.iso"].claimed, hits["linux.iso"].verified) == (2, 1)
    assert hits["linux.iso"].state is HitState.AVAILABLE
    assert hits["linux.pdf"].state is HitState.UNVERIFIED
    assert hits["linux.iso"].number < hits["linux.pdf"].number or not hits["linux.pdf"].verified


async def test_content_under_a_false_name_is_marked_false(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    cid = anna.share("something else.exe", CHUNKS)
    anna.index.rows[:] = [IndexHit(cid, "linux.iso", len(CHUNKS), 1, True, ())]
    hits = await done(cara.searching.begin("linux"))
    assert hits["linux.iso"].state is HitState.FALSE


async def test_wrong_bytes_refute_a_claim(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    cid = anna.share("linux.iso", CHUNKS)
    next(iter(anna.contents.values())).reader.data = bytes(len(CHUNKS))
    search = cara.searching.begin("linux")
    hits = await done(search)
    assert hits["linux.iso"].state is HitState.UNVERIFIED
    assert search.results.rows[cid].claimants == {"Anna": Standing.REFUTED}


async def test_a_peer_that_a_download_is_asking_gets_no_second_session(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    for node in (anna, bert):
        node.share("linux.iso", CHUNKS)
        del node.handlers[EXCHANGE]
    cara.searching.checking.heard_from = lambda cid, peer: {"Anna": (65_536, None), "Bert": (0, None)}[peer]
    hits = await done(cara.searching.begin("linux"))
    assert (hits["linux.iso"].claimed, hits["linux.iso"].verified) == (2, 1)  # who has sent something has proved it


async def test_an_empty_file_is_had_by_who_has_its_manifest(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    anna.share("empty linux", b"")
    assert (await done(cara.searching.begin("linux")))["empty linux"].state is HitState.AVAILABLE


async def test_what_is_here_is_told_by_its_state(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    cids = [anna.share(f"linux {number}", bytes([number])) for number in range(2)]
    search = cara.searching.begin("linux")
    await done(search)
    here = {cids[0]: TransferState.SEEDING, cids[1]: TransferState.STALLED}
    states = {hit.cid: hit.state for hit in search_status(search, here).hits}
    assert states == {cids[0]: HitState.HAVE, cids[1]: HitState.AVAILABLE}


async def test_a_text_that_nothing_can_match_is_refused(world, autojump_clock):
    cara = await world.node("Cara")
    refused = {
        "": "'': it has no word in it",
        "!?": "'!\\?': it has no word in it",
        "x" * 300: "x…': it has more than 256 bytes",
        " ".join(f"w{number}" for number in range(33)): "more than 32 words",
        "\ud800": "Unicode",
    }
    for text, why in refused.items():
        with pytest.raises(UsageError, match=why):
            cara.searching.begin(text)


async def test_hundreds_of_hits_that_many_publish_let_others_have_their_turn(world, autojump_clock):
    cara = await world.node("Cara")
    publishers = tuple(f"publisher {number}" for number in range(50))
    cid = str(cara.share("linux 0.pdf", b"x"))
    cara.index.rows = [IndexHit(cid, f"linux {number}.pdf", 1, 1, False, publishers) for number in range(300)]
    async with counted_turns() as turns:
        await cara.searching.begin("linux", Scope.LOCAL).over.wait()
    assert turns.count >= 300
