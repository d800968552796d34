"""What a node remembers of the network stays within its bounds and survives a restart."""

from __future__ import annotations

import pytest

from node.net import provider_store
from node.status import ProvideStatus
from node.store.database import Database
from node.store.records import MAX_PER_KEY, MAX_RECORDS, AddressBook, ProviderRecords, ProvideSchedule

KEY, OTHER = b"\x12\x20" + bytes(32), b"\x12\x20" + b"\x01" * 32


@pytest.fixture(params=["on disk", "in memory"])
def records(request, database):
    """The store on disk, and beside it `node.net`'s own in memory: both keep one contract."""
    if request.param == "in memory":
        return provider_store.MemoryProviderStore(max_per_key=3, max_records=5)
    return ProviderRecords(database, max_per_key=3, max_records=5)


def test_records_are_kept_by_key_and_peer(records):
    assert records.add(KEY, "a", ("/ip4/1.1.1.1/tcp/1/p2p/a",), 100.0)
    assert records.add(KEY, "b", ("/ip4/2.2.2.2/tcp/2/p2p/b", "/ip6/::1/tcp/2/p2p/b"), 200.0)
    assert records.add(OTHER, "a", ("/ip4/3.3.3.3/tcp/3/p2p/a",), 100.0)
    assert dict(records.get(KEY, 50.0)) == {
        "a": ("/ip4/1.1.1.1/tcp/1/p2p/a",),
        "b": ("/ip4/2.2.2.2/tcp/2/p2p/b", "/ip6/::1/tcp/2/p2p/b"),
    }
    assert records.get(b"unknown", 0.0) == []
    assert records.count() == 3


def test_a_record_ends_with_its_time(records):
    records.add(KEY, "a", (), 100.0)
    records.add(KEY, "b", (), 200.0)
    assert [peer for peer, _ in records.get(KEY, 100.0)] == ["b"]
    records.expire(100.0)
    assert records.count() == 1
    records.expire(300.0)
    assert records.count() == 0


def test_a_renewed_record_is_one_record_with_the_new_addresses(records):
    for number in range(10):
        assert records.add(KEY, "a", (f"/ip4/1.1.1.{number}/tcp/1",), 100.0 + number)
    assert list(records.get(KEY, 108.0)) == [("a", ("/ip4/1.1.1.9/tcp/1",))]
    assert records.count() == 1


def test_a_full_key_refuses_newcomers_and_renews_what_it_has(records):
    for peer in "abc":
        assert records.add(KEY, peer, (), 100.0)
    assert not records.add(KEY, "d", (), 900.0)
    assert records.add(KEY, "a", (), 900.0)
    assert sorted(peer for peer, _ in records.get(KEY, 0.0)) == ["a", "b", "c"]
    assert records.add(OTHER, "d", (), 100.0)


def test_a_full_store_refuses_newcomers_until_something_ends(records):
    for number in range(5):
        assert records.add(b"%d" % number, "a", (), 100.0 + number)
    assert not records.add(b"more", "a", (), 900.0)
    records.expire(100.0)
    assert records.add(b"more", "a", (), 900.0)
    records.remove(b"more", "a")
    records.remove(b"more", "a")
    assert records.count() == 4


def test_one_peer_that_fills_a_store_keeps_nobody_out_and_pushes_nobody_out(records):
    records.add(b"honest", "a", (), 50.0)
    for number in range(9):
        assert records.add(b"%d" % number, "flood", (), 100.0 + number) == (number < 4)
    assert records.add(b"new", "b", (), 100.0)
    assert not records.get(b"0", 0.0), "the flood's oldest gave way"
    assert records.add(b"1", "flood", (), 900.0)
    assert records.add(b"new", "c", (), 100.0)
    assert records.get(b"1", 0.0), "a renewed one is not the oldest"
    assert not records.get(b"2", 0.0)
    assert records.count() == 5
    assert not records.add(b"0", "flood", (), 900.0)
    assert [peer for peer, _ in records.get(b"honest", 0.0)] == ["a"]
    assert not records.add(b"another", "b", (), 900.0), "nobody has more than b would have then"
    records.remove(b"1", "flood")
    assert records.add(b"0", "flood", (), 900.0), "what nobody else wants a heavy peer may have"


def test_who_has_the_most_is_known_after_a_restart_and_after_records_ended(database, tmp_path):
    records = ProviderRecords(database, max_records=4)
    for number in range(3):
        records.add(b"%d" % number, "once heavy", (), 100.0)
    records.add(b"3", "flood", (), 200.0)
    records.expire(100.0)
    for number in range(4, 7):
        assert records.add(b"%d" % number, "flood", (), 200.0 + number)
    again = ProviderRecords(Database(tmp_path / "state.db"), max_records=4)
    for store in (records, again):
        assert store.add(b"of %d" % id(store), "a", (), 900.0)
        assert not store.add(b"8", "flood", (), 900.0)


def test_records_and_their_count_survive_a_restart(database, tmp_path):
    ProviderRecords(database).add(KEY, "a", ("/ip4/1.1.1.1/tcp/1",), 100.0)
    again = ProviderRecords(Database(tmp_path / "state.db"))
    assert again.get(KEY, 0.0) == [("a", ("/ip4/1.1.1.1/tcp/1",))]
    assert again.count() == 1


def test_the_bounds_are_those_of_the_net():
    assert (MAX_PER_KEY, MAX_RECORDS) == (provider_store.MAX_PER_KEY, provider_store.MAX_RECORDS)


def test_making_room_in_a_full_store_looks_at_few_rows(database):
    with database.write() as connection:
        connection.executemany(
            "INSERT INTO provider_records VALUES (?, ?, '[]', ?)",
            [
                (b"\x12\x20" + number.to_bytes(32, "big"), f"old {number}" if number < 50_000 else "flood", number)
                for number in range(MAX_RECORDS)
            ],
        )
    records = ProviderRecords(database)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with database.write() as connection:
        connection.set_progress_handler(count, 10)
    for number in range(100):
        assert records.add(b"new %d" % number, f"peer {number}", ("/ip4/1.1.1.1",), 1e6)
    assert records.count() == MAX_RECORDS
    assert steps * 10 <= 100 * 300, "instructions of sqlite's machine; a look through all rows is 100,000 and more"


def test_the_schedule_of_provides_survives_a_restart(database, tmp_path):
    schedule = ProvideSchedule(database)
    fresh, done = ProvideStatus(0, 0, None, 5.0), ProvideStatus(20, 18, 100.0, 79_300.0)
    schedule.save_all([(KEY, fresh), (OTHER, fresh)])
    schedule.save_all([(KEY, done)])
    again = ProvideSchedule(Database(tmp_path / "state.db"))
    assert again.load() == [(OTHER, fresh), (KEY, done)]
    again.remove_all([OTHER])
    assert schedule.load() == [(KEY, done)]


def test_addresses_that_worked_come_back_newest_first(database, tmp_path):
    book = AddressBook(database)
    book.record("a", "/ip4/1.1.1.1/tcp/1", 1.0)
    book.record("a", "/ip4/1.1.1.1/tcp/2", 2.0)
    book.record("b", "/ip4/2.2.2.2/tcp/1", 3.0)
    book.record("a", "/ip4/1.1.1.1/tcp/1", 4.0)
    again = AddressBook(Database(tmp_path / "state.db"))
    assert again.addresses("a") == ("/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/2")
    assert again.recent(10) == [("a", "/ip4/1.1.1.1/tcp/1"), ("b", "/ip4/2.2.2.2/tcp/1")]
    assert again.recent(1) == [("a", "/ip4/1.1.1.1/tcp/1")]
    assert again.addresses("nobody") == ()


def test_the_address_book_keeps_the_newest_of_many(database):
    book = AddressBook(database, max_peers=10, max_addresses=3)
    for number in range(50):
        book.record(f"peer {number % 20}", f"/ip4/1.1.1.1/tcp/{number}", float(number))
    assert [peer for peer, _ in book.recent(100)] == [f"peer {number % 20}" for number in range(49, 39, -1)]
    for number in range(5):
        book.record("peer 9", f"/ip4/9.9.9.9/tcp/{number}", 100.0 + number)
    assert book.addresses("peer 9") == tuple(f"/ip4/9.9.9.9/tcp/{number}" for number in (4, 3, 2))
