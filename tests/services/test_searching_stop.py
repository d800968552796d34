"""A search that is told to stop asks nobody any more, keeps what it has found, and leaves every other one alone."""

from __future__ import annotations

import pytest
import trio

from node.errors import NotFoundError
from node.services.searching_asking import Reply
from node.services.searching_status import search_status
from node.status import HitState
from protocols.exchange import PROTOCOL_ID as EXCHANGE
from tests.services.search_world import Connected, World
from tests.services.test_api_search import Call, with_api

CHUNKS = bytes(range(256)) * 1024  # four chunks


@pytest.fixture
async def cara(nursery, tmp_path):
    """A node that is connected to one that shares `linux.iso`, and to one that never answers."""
    world = World(nursery)
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    anna.share("linux.iso", CHUNKS)
    cara.peers.append(Connected("Silent"))
    world.silent = {"Silent"}
    with with_api(cara, tmp_path):
        yield cara


async def test_nobody_is_asked_any_more_and_the_hits_stay(cara, autojump_clock):
    search = cara.searching.begin("linux", patience_s=600.0)
    await trio.sleep(1)
    cara.world.silent = set()  # who would answer from now on
    search.stop()
    with trio.fail_after(1):
        await search.checked.wait()
    status = search_status(search, {})
    assert (status.is_stopped, status.is_over, status.is_checked) == (True, True, True)
    assert [(hit.number, hit.name, hit.state) for hit in status.hits] == [(1, "linux.iso", HitState.AVAILABLE)]
    assert status.seconds == pytest.approx(1, abs=0.1)
    assert {asked.peer_id: asked.reply for asked in status.asked} == {"Anna": Reply.ANSWERED, "Silent": Reply.LEFT}
    asked = dict(search.asked)
    await trio.sleep(100)
    assert search.asked == asked
    assert search_status(search, {}) == status


async def test_so_does_the_checking_of_claims(cara, autojump_clock):
    cara.peers = cara.peers[:1]

    async def says_nothing(stream):
        await trio.sleep(60)

    cara.world.nodes["Anna"].handlers[EXCHANGE] = says_nothing
    search = cara.searching.begin("linux")
    await search.over.wait()
    await trio.sleep(0.5)
    assert not search.checked.is_set()
    search.stop()
    with trio.fail_after(1):
        await search.checked.wait()
    assert [hit.state for hit in search_status(search, {}).hits] == [HitState.UNVERIFIED]


async def test_what_has_ended_was_not_stopped(cara, autojump_clock):
    search = cara.searching.begin("linux")
    await search.checked.wait()
    search.stop()
    assert not search_status(search, {}).is_stopped


async def test_a_search_is_stopped_by_its_number_and_another_goes_on(cara, autojump_clock):
    mine = await cara.api.search(Call(text="linux", wait=False, patience_s=600.0))
    await trio.sleep(0.5)
    theirs = await cara.api.search(Call(text="linux", wait=False, patience_s=3.0))
    assert (mine["number"], theirs["number"]) == (1, 2)
    await trio.sleep(1)
    stopped = await cara.api.search_stop(Call(number=1))
    assert (stopped["number"], stopped["is_stopped"], len(stopped["hits"])) == (1, True, 1)
    latest = await cara.api.search_latest(Call())
    assert (latest["is_stopped"], latest["is_over"]) == (False, False)
    await trio.sleep(5)
    latest = await cara.api.search_latest(Call())
    assert (latest["is_stopped"], latest["is_checked"], latest["seconds"]) == (False, True, pytest.approx(3, abs=0.1))
    assert (await cara.api.search_stop(Call(number=2)))["is_stopped"] is False


async def test_without_a_number_the_newest_that_goes_on_is_meant(cara, autojump_clock):
    for text in ("linux", "other", "third"):
        await cara.api.search(Call(text=text, wait=False, patience_s=600.0))
    await cara.api.search_stop(Call(number=3))
    assert (await cara.api.search_stop(Call()))["text"] == "other"
    assert (await cara.api.search_stop(Call()))["text"] == "linux"
    for params in ({}, {"number": 4}):
        with pytest.raises(NotFoundError):
            await cara.api.search_stop(Call(**params))


async def test_who_hangs_up_stops_the_search_it_waits_for_and_no_other(cara, autojump_clock):
    await cara.api.search(Call(text="linux", wait=False, patience_s=600.0))
    with trio.move_on_after(1):
        await cara.api.search(Call(text="linux", patience_s=600.0))
    await trio.sleep(0.1)
    assert [search.is_stopped for search in cara.searching.latest] == [False, True]
