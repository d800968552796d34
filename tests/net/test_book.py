"""The address book in memory: newest first, bounded."""

from __future__ import annotations

from node.net.book import MemoryAddressBook


async def test_the_newest_address_comes_first():
    book = MemoryAddressBook()
    for address in ("a", "b", "a", "c"):
        await book.record("peer", address)
    assert await book.addresses("peer") == ("c", "a", "b")
    assert await book.addresses("nobody") == ()


async def test_addresses_per_peer_are_bounded():
    book = MemoryAddressBook(max_addresses=2)
    for address in ("a", "b", "c"):
        await book.record("peer", address)
    assert await book.addresses("peer") == ("c", "b")


async def test_peers_are_bounded_and_the_longest_unseen_goes():
    book = MemoryAddressBook(max_peers=2)
    for peer_id in ("one", "two", "one", "three"):
        await book.record(peer_id, f"address of {peer_id}")
    assert await book.addresses("two") == ()
    assert await book.recent(10) == [("three", "address of three"), ("one", "address of one")]
    assert await book.recent(1) == [("three", "address of three")]
