"""How many copies of a hit are known, how old the newest word of it is, and what is said where nobody has all of it."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from node.services.searching import Searching
from node.services.searching_copies import Copies
from node.services.searching_results import Description, Results, Source, Standing
from node.services.searching_status import search_status
from node.status import HitState
from node.store.search_index import IndexHit
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from tests.services.search_world import World

CHUNKS = bytes(range(256)) * 1024  # four chunks
NOW = 1_780_000_000.0


def having(length: int, chunks) -> Bitfield:
    have = Bitfield(length)
    for chunk in chunks:
        have.set(chunk)
    return have


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.sets(st.integers(0, n - 1))))))
def test_copies_are_the_fewest_of_any_chunk_and_the_part_that_has_more(peers):
    length, haves = peers
    copies = Copies()
    for have in haves:
        copies.add(having(length, have))
    counts = [sum(chunk in have for have in haves) for chunk in range(length)]
    fewest = min(counts)
    assert copies.known == pytest.approx(fewest + sum(count > fewest for count in counts) / length)


def test_who_has_a_share_without_chunks_is_a_copy():
    copies = Copies()
    copies.add(Bitfield(0))
    assert copies.known == 1.0


def test_only_what_is_proved_counts_and_each_peer_once():
    results = Results()
    for peer in ("whole", "part", "boaster"):
        results.add("cid", Description("linux.iso", 4, 1), Source(peer), "peers", (peer,))
    row = results.rows["cid"]
    results.checked("cid", "boaster", Standing.CLAIMED, None, have=Bitfield.full(4))
    assert row.copies is None
    results.checked("cid", "part", Standing.VERIFIED, None, have=having(4, (0, 1, 2)))
    assert row.copies == 0.75
    for _ in range(2):
        results.checked("cid", "whole", Standing.VERIFIED, None, have=Bitfield.full(4))
    assert row.copies == 1.75
    assert row.proved == {"part": 3, "whole": 4}
    results.settle()
    assert (row.copies, row.counted) == (1.75, None)


# --- among nodes ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def world(nursery):
    return World(nursery)


async def searched(node, text="linux"):
    node.searching = Searching(node, node, node.index, "test", clock=lambda: NOW + trio.current_time() - node.began)
    await node.world.nursery.start(node.searching.run)
    node.began = trio.current_time()
    search = node.searching.begin(text)
    with trio.fail_after(60):
        await search.checked.wait()
    return {hit.name: hit for hit in search_status(search, {}).hits}


def keeps_only(node, cid: str, *chunks: int) -> None:
    """A sharer that lost the other chunks, and hasn't noticed."""
    content = node.contents[Cid.parse(cid)]
    content.have = having(content.have.length, chunks)


async def test_two_who_lack_different_chunks_are_not_one_copy_until_they_are(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    for node in (anna, bert):
        cid = node.share("linux.iso", CHUNKS)
    keeps_only(anna, cid, 0, 1)
    keeps_only(bert, cid, 1, 2)
    hit = (await searched(cara))["linux.iso"]
    assert (hit.copies, hit.state, hit.verified) == (0.75, HitState.INCOMPLETE, 2)
    keeps_only(bert, cid, 1, 2, 3)
    hit = (await searched(cara))["linux.iso"]
    assert (hit.copies, hit.state) == (1.25, HitState.AVAILABLE)


async def test_every_proved_seeder_is_a_copy_and_a_claim_is_none(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    for node in (anna, bert):
        cid = node.share("linux.iso", CHUNKS)
    bert.contents.clear()
    absent = str(next(iter(anna.contents)))
    anna.index.rows.append(IndexHit(absent, "linux of others", 9, 1, False, ("Nobody",)))
    hits = await searched(cara)
    assert hits["linux.iso"].cid == cid
    assert (hits["linux.iso"].copies, hits["linux.iso"].claimed, hits["linux.iso"].verified) == (1.0, 3, 1)


async def test_what_nobody_has_proved_has_no_number(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    anna.share("linux.iso", CHUNKS)
    anna.contents.clear()
    hit = (await searched(cara))["linux.iso"]
    assert (hit.copies, hit.state) == (None, HitState.UNVERIFIED)


async def test_what_a_download_hears_counts_without_a_probe(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna, bert)
    for node in (anna, bert):
        node.share("linux.iso", CHUNKS)
    search = cara.searching
    search.checking.heard_from = lambda cid, peer: (9, having(16, range(8))) if peer == "Anna" else None
    begun = search.begin("linux")
    await begun.checked.wait()
    assert search_status(begun, {}).hits[0].copies == 1.5


async def test_an_open_session_tells_what_the_peer_has(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    for node in (cara, anna):
        cid = Cid.parse(node.share("linux.iso", CHUNKS))
    assert cara.exchange.heard_from(cid, "Anna") is None
    cara.exchange.swarm(cid).set_content(cara.contents[cid])
    await cara.exchange.open("Anna", (), cid)
    await trio.sleep(1)
    assert cara.exchange.heard_from(cid, "Anna") == (0, Bitfield.full(4))
    assert cara.exchange.heard_from(cid, "Bert") is None


async def test_an_empty_share_that_was_proved_is_a_copy(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    anna.share("empty linux", b"")
    hit = (await searched(cara))["empty linux"]
    assert (hit.copies, hit.state) == (1.0, HitState.AVAILABLE)


# --- how old the word is --------------------------------------------------------------------------------------------


async def test_a_peers_own_word_is_new_and_hearsay_has_no_age(world, autojump_clock):
    cara, anna, bert = [await world.node(name) for name in ("Cara", "Anna", "Bert")]
    cara.knows(anna)
    anna.share("linux.iso", CHUNKS)
    anna.contents.clear()
    cid = bert.share("linux of others", b"x", provide=False)
    bert.contents.clear()
    anna.index.rows.append(IndexHit(cid, "linux of others", 1, 1, False, ("Bert",)))
    hits = await searched(cara)
    assert NOW <= hits["linux.iso"].seen_at < NOW + 1
    assert hits["linux of others"].seen_at is None


@pytest.mark.parametrize(("issued", "seen"), [(NOW - 3600, NOW - 3600), (NOW + 60, NOW), (None, None)])
async def test_a_catalogues_word_is_as_old_as_its_signature_and_never_of_the_future(
    world, autojump_clock, issued, seen
):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cid = anna.share("linux.iso", CHUNKS, provide=False)
    cara.index.rows.append(IndexHit(cid, "linux.iso", len(CHUNKS), 1, False, ("Absent",), issued))
    assert (await searched(cara))["linux.iso"].seen_at == seen


async def test_a_proof_is_the_newest_word(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cid = anna.share("linux.iso", CHUNKS, provide=False)
    cara.index.rows.append(IndexHit(cid, "linux.iso", len(CHUNKS), 1, False, ("Anna",), NOW - 3600))
    assert (await searched(cara))["linux.iso"].seen_at >= NOW
