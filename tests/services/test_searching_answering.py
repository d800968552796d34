"""Answering searches: own shares and heard ones, and what a peer that asks too much gets."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from node.services.searching_answering import BURST, PEERS_REMEMBERED, QUERY_TIMEOUT_S
from node.services.searching_asking import Reply, ask
from node.store.search_index import IndexHit
from protocols.cid import DAG_CBOR, Cid
from protocols.framing import encode_frame
from protocols.search import MAX_HITS, MAX_PUBLISHERS, PROTOCOL_ID, Query
from tests.services.search_world import World

PEERS = tuple(f"Peer{number}" for number in range(1, 10))


@pytest.fixture
async def world(nursery):
    return World(nursery)


def row(number: int, name: str = "linux.iso", *, is_own: bool = True, publishers=()) -> IndexHit:
    return IndexHit(str(Cid.of(DAG_CBOR, b"%d" % number)), name, number, 1, is_own, publishers)


async def asked(world, asker, query: Query):
    return await ask(asker, "Anna", (), query, trio.current_time() + 60)


async def test_own_and_heard_of_are_told_apart(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    anna.index.rows += [row(1), row(2, is_own=False, publishers=PEERS), row(3, is_own=False), row(4, "windows")]
    answer = await asked(world, cara, Query("linux"))
    assert answer.reply is Reply.ANSWERED
    assert not answer.has_more
    own, heard = answer.hits  # what nobody has now is not told, nor what doesn't match
    assert (own.size, own.is_own, own.publishers) == (1, True, ())
    assert (heard.size, heard.is_own, heard.publishers) == (2, False, PEERS[:MAX_PUBLISHERS])


async def test_an_answer_has_so_many_hits_and_says_that_there_are_more(world, autojump_clock):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    anna.index.rows += [row(number) for number in range(MAX_HITS + 1)] + [row(0)]
    answer = await asked(world, cara, Query("linux"))
    assert (len(answer.hits), answer.has_more) == (MAX_HITS, True)
    answer = await asked(world, cara, Query("linux", 3))
    assert (len(answer.hits), answer.has_more) == (3, True)


async def test_who_asks_too_often_is_told_to_wait_and_nobody_else(world, autojump_clock):
    cara, dora, anna = [await world.node(name) for name in ("Cara", "Dora", "Anna")]
    anna.index.rows.append(row(1))
    replies = [(await asked(world, cara, Query("linux"))).reply for _ in range(int(BURST) + 5)]
    assert replies[: int(BURST)] == [Reply.ANSWERED] * int(BURST)
    assert replies[-1] is Reply.BUSY
    assert (await asked(world, dora, Query("linux"))).reply is Reply.ANSWERED
    await trio.sleep(1)
    assert (await asked(world, cara, Query("linux"))).reply is Reply.ANSWERED


async def test_one_query_at_a_time_of_one_peer(world, autojump_clock, monkeypatch):
    cara, _ = await world.node("Cara"), await world.node("Anna")

    async def slowly(work, *arguments, limiter=None):
        await trio.sleep(1)
        return work(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", slowly)
    replies = []

    async def ask_once():
        replies.append((await asked(world, cara, Query("linux"))).reply)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask_once)
    assert sorted(replies) == [Reply.ANSWERED, Reply.BUSY, Reply.BUSY]


async def test_what_is_remembered_of_askers_is_bounded(world, autojump_clock):
    anna = await world.node("Anna")
    for number in range(PEERS_REMEMBERED + 20):
        anna.answers._may_ask(f"peer{number}")
    assert len(anna.answers._buckets) == PEERS_REMEMBERED


@pytest.mark.parametrize("said", [b"", encode_frame(b"nonsense"), b"\x80"])
async def test_nonsense_and_silence_end_the_stream(world, autojump_clock, said):
    cara, anna = await world.node("Cara"), await world.node("Anna")
    stream = await cara.open_stream(anna.peer_id, PROTOCOL_ID)
    await stream.send_all(said)
    with trio.fail_after(QUERY_TIMEOUT_S + 1):
        with suppress(trio.BrokenResourceError):
            assert await stream.receive_some() == b""
