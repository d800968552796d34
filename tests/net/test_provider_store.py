"""The provider store in memory: bounds, expiry, and renewal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.net.provider_store import MemoryProviderStore

KEY, OTHER = b"key", b"other"
HOME = ("/ip4/127.0.0.1/tcp/1/p2p/ann",)


def test_a_record_is_held_until_it_expires():
    store = MemoryProviderStore()
    assert store.add(KEY, "ann", HOME, expires_at=10.0)
    assert store.get(KEY, now=9.0) == [("ann", HOME)]
    assert store.get(KEY, now=10.0) == []
    assert store.get(OTHER, now=9.0) == []


def test_a_renewed_record_is_one_record_with_the_new_addresses():
    store = MemoryProviderStore(max_per_key=1, max_records=1)
    store.add(KEY, "ann", HOME, expires_at=10.0)
    assert store.add(KEY, "ann", ("/ip4/127.0.0.1/tcp/2/p2p/ann",), expires_at=20.0)
    assert store.get(KEY, now=15.0) == [("ann", ("/ip4/127.0.0.1/tcp/2/p2p/ann",))]
    assert store.count() == 1


def test_a_full_key_and_a_full_store_refuse_newcomers_only():
    store = MemoryProviderStore(max_per_key=2, max_records=3)
    assert store.add(KEY, "ann", HOME, 10.0)
    assert store.add(KEY, "bob", HOME, 10.0)
    assert not store.add(KEY, "cat", HOME, 10.0)
    assert store.add(OTHER, "ann", HOME, 10.0)
    assert not store.add(b"third", "ann", HOME, 10.0)
    assert store.add(KEY, "ann", HOME, 20.0)
    store.expire(15.0)
    assert store.count() == 1
    assert store.add(b"third", "ann", HOME, 20.0)


names = st.sampled_from(["ann", "bob", "cat"])
keys = st.sampled_from([KEY, OTHER])
adds = st.tuples(st.just("add"), keys, names, st.integers(0, 9))
removals = st.tuples(st.just("remove"), keys, names, st.just(0))
expiries = st.tuples(st.just("expire"), keys, names, st.integers(0, 9))


@given(st.lists(st.one_of(adds, removals, expiries)))
def test_it_holds_what_a_plain_dictionary_would(steps):
    store, model = MemoryProviderStore(), {}
    for action, key, name, at in steps:
        if action == "add":
            store.add(key, name, HOME, at)
            model[key, name] = at
        elif action == "remove":
            store.remove(key, name)
            model.pop((key, name), None)
        else:
            store.expire(at)
            model = {record: expires_at for record, expires_at in model.items() if expires_at > at}
        assert store.count() == len(model)
        for wanted in (KEY, OTHER):
            assert {name for name, _ in store.get(wanted, -1)} == {name for held, name in model if held == wanted}
