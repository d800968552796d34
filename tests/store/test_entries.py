"""Catalogues of others: found while they hold, gone when they don't, and bounded whoever tells of them."""

from __future__ import annotations

import pytest

from node.store.database import Database
from node.store.entries import HeldCatalogues, Limits
from node.store.entries_own import OwnEntries
from node.store.search_index import SearchIndex
from protocols.catalog import unseal
from protocols.search.tokens import tokens_of_query
from tests.store.catalogues import NOW, Publisher, entry
from tests.store.shares import share_file

SMALL = Limits(publishers=4, entries=40, told=2, entries_told=20)


@pytest.fixture
def index(database: Database) -> SearchIndex:
    return SearchIndex(database)


@pytest.fixture
def held(database: Database) -> HeldCatalogues:
    return HeldCatalogues(database)


def found(index: SearchIndex, query: str) -> dict[str, tuple[str, ...]]:
    return {hit.name: hit.publishers for hit in index.search(tokens_of_query(query), 1000)}


def test_entries_are_found_with_who_offers_them(index, held):
    ann, bob = Publisher("ann"), Publisher("bob")
    ann.publish(["red fish", "blue fish"])
    bob.publish(["red fish", "chips"])
    for publisher in (ann, bob):
        publisher.store(held)
    assert found(index, "fish") == {"red fish": (ann.peer_id, bob.peer_id), "blue fish": (ann.peer_id,)}
    assert held.counts() == (2, 4)
    assert held.seq(ann.peer_id) == 1
    assert {unseal(head) for head in held.heads(NOW, 10)} == {ann.head, bob.head}
    assert held.heads(NOW, 1, first=ann.peer_id) == [ann.sealed]
    assert held.heads(NOW, 1, first=bob.peer_id) == [bob.sealed]
    (page,) = ann.pages
    assert held.page(page) == ann.pages[page][0]


def test_an_entry_is_as_old_as_the_newest_head_that_has_it(index, held):
    ann, bob = Publisher("ann"), Publisher("bob")
    ann.publish(["red fish", "blue fish"], issued=NOW - 600)
    bob.publish(["red fish"], issued=NOW - 60)
    for publisher in (ann, bob):
        publisher.store(held)

    def issued() -> dict[str, float | None]:
        return {hit.name: hit.issued_at for hit in index.search(tokens_of_query("fish"), 10)}

    assert issued() == {"red fish": NOW - 60, "blue fish": NOW - 600}
    ann.publish(["red fish", "blue fish"], issued=NOW)
    ann.store(held)
    assert issued() == {"red fish": NOW, "blue fish": NOW}


def test_a_newer_head_replaces_what_there_was(index, held):
    ann, bob = Publisher("ann"), Publisher("bob")
    for publisher in (ann, bob):
        publisher.publish([f"file {number}" for number in range(1000)])
        publisher.store(held)
    old_pages = set(ann.pages)
    ann.publish([f"file {number}" for number in range(1, 1000)] + ["novelty"])
    assert 0 < len(set(ann.pages) - old_pages) <= 4  # few pages travel
    ann.store(held)
    assert found(index, "file 0") == {"file 0": (bob.peer_id,)}
    assert found(index, "novelty") == {"novelty": (ann.peer_id,)}
    assert len(found(index, "file")) == 1000
    assert held.counts() == (2, 2000)
    assert all(held.page(page) is None for page in old_pages - set(ann.pages) - set(bob.pages))


def test_an_empty_head_leaves_nothing_but_its_number(index, held):
    ann = Publisher("ann")
    ann.publish(["fish"])
    ann.store(held)
    ann.publish([])
    ann.store(held)
    assert found(index, "fish") == {}
    assert held.counts() == (0, 0)
    assert held.seq(ann.peer_id) == 2
    assert held.heads(NOW, 10) == [ann.sealed]  # others are to hear of it


def test_what_is_over_is_gone(database, index, held):
    ann, bob = Publisher("ann"), Publisher("bob")
    ann.publish(["fish"])
    bob.publish(["fish"], expires=NOW + 7200)
    ann.store(held)
    bob.store(held)
    assert held.expire(NOW + 3599) == 0
    assert held.expire(NOW + 3600) == 1
    assert found(index, "fish") == {"fish": (bob.peer_id,)}
    assert held.expire(NOW + 7200) == 1
    assert held.counts() == (0, 0)
    with database.read() as connection:
        for table in ("publishers", "pages", "offers", "claims"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_own_shares_come_first_and_stay_when_others_go(catalogue, index, held):
    ann = Publisher("ann")
    share = share_file(b"content", "fish 0")
    mine = entry("fish 0")
    theirs = [entry(f"fish {number}") for number in range(1, 50)]
    ann.publish(entries=[*theirs, type(mine)(share.cid, "fish 0", 7, 1)])
    ann.store(held)
    assert not any(hit.is_own for hit in index.search(("fish",), 100))
    catalogue.add_share(share.cid, share.manifest, share.blocks, "/here", (), 1.0)
    first = index.search(("fish",), 1)[0]
    assert (first.name, first.is_own, first.publishers) == ("fish 0", True, (ann.peer_id,))
    assert index.search(("fish",), 100, own_only=True) == [first]
    held.forget(ann.peer_id)
    assert [(hit.is_own, hit.publishers) for hit in index.search(("fish",), 100)] == [(True, ())]
    ann.store(held)
    catalogue.remove(share.cid)
    assert [hit.publishers for hit in index.search(("fish",), 1)] == [(ann.peer_id,)]
    assert index.search(("fish",), 100, own_only=True) == []


def test_a_flood_of_one_publisher_takes_no_more_of_the_first_hits_than_others(index, held):
    liar = Publisher("liar")
    liar.publish(f"ubuntu {number}" for number in range(10_000))
    liar.store(held)
    honest = [Publisher(f"honest {number}") for number in range(5)]
    for number, publisher in enumerate(honest):
        publisher.publish([f"ubuntu mirror {number}", f"ubuntu notes {number}"])
        publisher.store(held)
    first = index.search(("ubuntu",), 20)
    true = [hit for hit in first if hit.publishers != (liar.peer_id,)]
    assert len(true) == 10
    assert {hit.publishers[0] for hit in first[:6]} == {publisher.peer_id for publisher in (*honest, liar)}


def test_publishers_disagree_about_a_name(index, held):
    ann, bob = Publisher("ann"), Publisher("bob")
    ann.publish(["fish"])
    bob.publish(entries=[type(entry("x"))(entry("fish").cid, "fish fish", 1, 1)])
    ann.store(held)
    bob.store(held)
    assert found(index, "fish") == {"fish": (ann.peer_id,), "fish fish": (bob.peer_id,)}


def test_one_peer_tells_of_so_many_and_no_more(database):
    held = HeldCatalogues(database, SMALL)
    for number in range(3):
        other = Publisher(f"other {number}")
        other.publish(["a file"])
        assert held.make_room(other.head, "teller") is (number < 2)
        if number < 2:
            other.store(held, "teller")
    large = Publisher("large")
    large.publish(f"file {number}" for number in range(21))
    assert not held.make_room(large.head, "another teller")
    assert held.make_room(large.head, large.peer_id)


def test_a_full_store_takes_a_neighbours_own_catalogue_and_no_others(database, index):
    held = HeldCatalogues(database, SMALL)
    for number in range(4):
        other = Publisher(f"other {number}")
        other.publish([f"file {number}"], expires=NOW + 1000 + number)
        other.store(held, f"teller {number}")
    late = Publisher("late")
    late.publish(["late"])
    assert not held.make_room(late.head, "teller 9")
    assert held.make_room(late.head, late.peer_id)
    late.store(held)
    assert held.counts() == (4, 4)
    assert found(index, "file 0") == {}  # it would have been over first
    large = Publisher("large")
    large.publish(f"file {number}" for number in range(41))
    assert not held.make_room(large.head, large.peer_id)


def test_a_catalogue_is_replaced_though_the_store_is_full(database):
    held = HeldCatalogues(database, SMALL)
    everybody = [Publisher(f"other {number}") for number in range(4)]
    for publisher in everybody:
        publisher.publish(f"{publisher.name} {number}" for number in range(10))
        assert held.make_room(publisher.head, publisher.peer_id)
        publisher.store(held)
    everybody[0].publish(["only one"])
    assert held.make_room(everybody[0].head, "teller")
    assert held.make_room(everybody[0].head, everybody[0].peer_id)


def test_a_crash_between_two_pages_leaves_what_is_fetched_again(database, index, held, monkeypatch):
    ann = Publisher("ann")
    ann.publish(f"file {number}" for number in range(2000))
    halves = dict(list(ann.pages.items())[:2])
    with monkeypatch.context() as patch:
        patch.setattr(held, "_drop_pages", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("power cut")))
        with pytest.raises(RuntimeError):
            held.adopt(ann.head, ann.sealed, ann.peer_id, halves)
    assert held.seq(ann.peer_id) == 0
    assert held.heads(NOW, 10) == []
    assert set(held.pages_held(ann.head)) == set(halves)
    ann.store(held)
    assert len(found(index, "file")) == 1000  # the limit of the search
    assert held.counts() == (1, 2000)


def test_own_entries_and_their_revision(catalogue, database):
    own = OwnEntries(database)
    before = own.revision()
    shares = [share_file(name.encode(), name) for name in ("one", "two", "three")]
    for share in shares:
        catalogue.add_share(share.cid, share.manifest, share.blocks, "/here", (), 1.0)
    revision, entries = own.load(10)
    assert revision == own.revision() != before
    assert [one.cid for one in entries] == sorted(share.cid for share in shares)
    assert {(one.name, one.size, one.files) for one in entries} == {("one", 3, 1), ("two", 3, 1), ("three", 5, 1)}
    assert len(own.load(2)[1]) == 2
    catalogue.add_totals({shares[0].cid: (1, 1)})
    assert own.revision() == revision
    catalogue.remove(shares[0].cid)
    assert own.revision() != revision


def test_the_last_head_is_kept(database):
    own = OwnEntries(database)
    assert own.last_head() == (0, None)
    own.keep_head(7, b"head")
    assert OwnEntries(database).last_head() == (7, b"head")
