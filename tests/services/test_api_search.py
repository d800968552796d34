"""What a number means: a hit of the latest search for a while, a row of the list otherwise."""

from __future__ import annotations

import pytest
import trio

from node.api.search import HITS_MEANT_S, SearchApi
from node.errors import NotFoundError, UsageError
from node.store.catalogue import Catalogue
from node.store.database import Database
from protocols.link import Link
from tests.services.search_world import World


class Call:
    """A call of the control socket, as a handler sees it."""

    def __init__(self, **params) -> None:
        self.params = params
        self.told = []

    def param(self, name, kind, default=None):
        value = self.params.get(name, default)
        assert isinstance(value, kind)
        return value

    async def progress(self, value) -> None:
        self.told.append(value)
        await trio.lowlevel.checkpoint()


@pytest.fixture
async def node(nursery, tmp_path):
    """A node that has searched for `linux` and knows two hits, and what its `get` was called with."""
    world = World(nursery)
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    for number in range(2):
        anna.share(f"linux {number}.iso", bytes(100 + number))
    database = Database(tmp_path / "state.db")

    async def get(call):
        await trio.lowlevel.checkpoint()
        return call.params["target"]

    cara.api = SearchApi(cara.searching, Catalogue(database), cara, get)
    yield cara
    database.close()


async def search(node, text="linux", **params):
    call = Call(text=text, **params)
    return await node.api.search(call), call.told


async def test_a_search_reports_and_then_tells_all(node, autojump_clock):
    result, told = await search(node)
    assert [hit["state"] for hit in result["hits"]] == ["Available", "Available"]
    assert result["is_checked"]
    assert told[0]["is_over"] is False
    assert await node.api.search_latest(Call()) == result


async def test_without_waiting_the_answer_comes_at_once(node, autojump_clock):
    assert await node.api.search_latest(Call()) is None
    result, told = await search(node, wait=False)
    assert (result["hits"], result["is_over"], told) == ((), False, [])
    await trio.sleep(5)
    assert len((await node.api.search_latest(Call()))["hits"]) == 2


@pytest.mark.parametrize("target", ["2", "#2", "s2", "S2"])
async def test_a_number_is_a_hit_with_those_who_have_it(node, autojump_clock, target):
    result, _ = await search(node)
    link = Link.parse(await node.api.get(Call(target=target)))
    assert (str(link.cid), link.name, link.size) == (result["hits"][1]["cid"], "linux 1.iso", 101)
    assert link.peers == ("/ip4/127.0.0.1/tcp/4001/p2p/Anna",)


async def test_so_is_the_cid_of_a_hit(node, autojump_clock):
    result, _ = await search(node)
    assert Link.parse(await node.api.get(Call(target=result["hits"][0]["cid"]))).peers


async def test_other_words_and_numbers_mean_what_they_always_did(node, autojump_clock):
    assert await node.api.get(Call(target="1")) == "1"
    await search(node)
    for target in ("9", "linux 0.iso", "bafyreix", "x1"):
        assert await node.api.get(Call(target=target)) == target
    await trio.sleep(HITS_MEANT_S + 1)
    assert await node.api.get(Call(target="1")) == "1"
    assert (await node.api.get(Call(target="s1"))).startswith("shoal:")


async def test_mistakes_are_said(node, autojump_clock):
    with pytest.raises(NotFoundError):
        await node.api.get(Call(target="s1"))
    await search(node)
    with pytest.raises(NotFoundError):
        await node.api.get(Call(target="s9"))
    for params in ({"scope": "galaxy"}, {"patience_s": -1.0}, {"text": "?"}):
        with pytest.raises(UsageError):
            await search(node, **{"text": "linux", **params})
