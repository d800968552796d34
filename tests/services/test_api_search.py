"""What a number means: a hit of the latest search for a while, a row of the list otherwise."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import trio

from node.api.search import HITS_MEANT_S, SearchApi
from node.errors import NotFoundError, UsageError
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.search_index import IndexHit
from protocols.cid import Cid
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


@contextmanager
def with_api(node, folder):
    """Give a node its control methods; those of the list answer with what they were called with."""
    database = Database(folder / "state.db")

    async def listed(call):
        await trio.lowlevel.checkpoint()
        return call.params.get("target")

    node.catalogue = Catalogue(database)
    node.api = SearchApi(node.searching, node.catalogue, node, listed, listed)
    try:
        yield
    finally:
        database.close()


@pytest.fixture
async def node(nursery, tmp_path):
    """A node that has searched for `linux` and knows two hits, and what its `get` was called with."""
    world = World(nursery)
    cara, anna = await world.node("Cara"), await world.node("Anna")
    cara.knows(anna)
    for number in range(2):
        anna.share(f"linux {number}.iso", bytes(100 + number))
    with with_api(cara, tmp_path):
        yield cara


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


async def test_the_peers_of_a_hit_are_those_who_are_said_to_have_it(node, autojump_clock):
    cid = str(next(iter(node.world.nodes["Anna"].contents)))
    node.index.rows.append(IndexHit(cid, "linux 0.iso", 100, 1, False, ("Absent",)))
    result, _ = await search(node)
    number = next(hit["number"] for hit in result["hits"] if hit["cid"] == cid)
    for target in (f"s{number}", cid):
        rows = await node.api.peers(Call(target=target))
        assert [(row["number"], row["peer_id"], row["address"]) for row in rows] == [
            (1, "Absent", "198.51.100.7"),
            (2, "Anna", "127.0.0.1"),
        ]
        assert [(row["chunks"], row["chunks_have"]) for row in rows] == [(0, 0), (1, 1)]  # only said, and proved
    await search(node, "other")
    assert len(await node.api.peers(Call(target=cid))) == 2  # as long as its search is remembered


async def test_the_peers_of_other_things_are_those_of_the_list(node, autojump_clock):
    await search(node)
    for target in (None, "1", "s9", "linux 0.iso"):
        assert await node.api.peers(Call(target=target)) == target
    result, _ = await search(node)
    cid = result["hits"][0]["cid"]
    node.catalogue.add_download(Cid.parse(cid), "/into", 1.0)
    assert await node.api.peers(Call(target="s1")) == await node.api.peers(Call(target=cid)) == cid


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
