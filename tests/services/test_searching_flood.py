"""One node floods the network with false entries: the true hits stay on the first screen, the others unverified."""

from __future__ import annotations

import hashlib

import trio

from node.services.searching_status import search_status
from node.status import HitState
from node.store.database import Database
from node.store.entries import HeldCatalogues
from node.store.search_index import IndexHit, SearchIndex
from protocols.catalog import Entry
from protocols.cid import DAG_CBOR, Cid
from protocols.search.tokens import keyword_key
from tests.services.search_world import World
from tests.store.catalogues import Publisher

FLOOD = 10_000
FIRST_SCREEN = 18
"""Rows on a terminal of 24 lines."""


def false_name(number: int) -> str:
    return f"linux mint edition {number:05}.iso"


def false_cid(number: int) -> Cid:
    return Cid(DAG_CBOR, hashlib.sha256(b"%d" % number).digest())


async def test_a_flood_of_false_entries(tmp_path, nursery, autojump_clock):
    """By a catalogue that the searcher holds, by another one's answer, and under the word in the DHT."""
    world = World(nursery)
    cara, honest = await world.node("Cara"), [await world.node(name) for name in ("Anna", "Bert", "Dora")]
    flooder = await world.node("F1ooder")
    true_names = [f"linux mint {number}.iso" for number in range(6)]
    for node in honest:
        for name in true_names:
            node.share(name, name.encode())
    flooder.index.rows = [IndexHit(str(false_cid(n)), false_name(n), 700, 1, True, ()) for n in range(FLOOD)]
    world.providers[keyword_key("linux")].insert(0, flooder.peer_id)
    cara.knows(flooder, honest[0])

    database = Database(tmp_path / "state.db")
    publisher = Publisher("flooder")
    publisher.publish(entries=[Entry(false_cid(n), false_name(n), 700, 1) for n in range(FLOOD)])
    publisher.store(HeldCatalogues(database))
    cara.searching._index = SearchIndex(database)

    search = cara.searching.begin("linux mint")
    with trio.fail_after(60):
        await search.checked.wait()
    hits = search_status(search, {}).hits
    database.close()

    assert {hit.name for hit in hits[:FIRST_SCREEN]} >= set(true_names)
    assert [hit.number for hit in hits] == list(range(1, len(hits) + 1))
    assert len(hits) > FIRST_SCREEN  # the false ones are there, below
    for hit in hits:
        is_true = hit.name in true_names
        assert hit.state is (HitState.AVAILABLE if is_true else HitState.UNVERIFIED), hit
        assert hit.claimed == (3 if is_true else hit.claimed)
