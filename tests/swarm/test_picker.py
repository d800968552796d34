"""Which chunk is asked of a peer next: in small shares and in huge ones."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.peer import Peer
from node.swarm.picker import SEEDERS_S, SHORTLIST_S, Picker
from node.swarm.selection import Priority, Selection
from node.swarm.settings import DownloadSettings
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry

HUGE = 100_000


class Shelf:
    """A picker over one file per 10 chunks, and its peers; `leecher`: one more is connected, with nothing to give."""

    def __init__(self, chunks: int, *, have=(), priorities=None, sequential=False, seed=1, leecher=True) -> None:
        files, rest = divmod(chunks, 10)
        self.geometry = Geometry(1, (10,) * files + ((rest,) if rest else ()))
        self.have = Bitfield(chunks)
        for chunk in have:
            self.have.set(chunk)
        selection = Selection(self.geometry, priorities)
        self.now = 0.0
        self.picker = Picker(self.have, selection, Random(seed), self.now, sequential=sequential)
        if leecher:
            self.picker.knows(Peer("leecher", 1 << 24, self.geometry, DownloadSettings()), self.now)

    def peer(self, has=None) -> Peer:
        peer = Peer("peer", 1 << 24, self.geometry, DownloadSettings())
        bitfield = Bitfield.full(self.have.length) if has is None else Bitfield(self.have.length)
        for chunk in has or ():
            bitfield.set(chunk)
        peer.told(bitfield)
        self.picker.availability.add(peer.mask)
        self.picker.knows(peer, self.now)
        return peer

    def take(self, peer: Peer) -> int | None:
        chunk = self.picker.pick(peer, self.now)
        if chunk is not None:
            self.picker.take(chunk)
        return chunk

    def first(self) -> int | None:
        return self.take(self.peer())

    def take_all(self, peer: Peer) -> list[int]:
        taken = []
        while (chunk := self.take(peer)) is not None:
            taken.append(chunk)
        return taken


@pytest.mark.parametrize("chunks", [1, 7, 8, 30, 20_000])
@pytest.mark.parametrize("sequential", [False, True])
def test_every_missing_chunk_is_picked_exactly_once(chunks, sequential):
    shelf = Shelf(chunks, have=range(chunks // 3), sequential=sequential)
    taken = shelf.take_all(shelf.peer())
    assert sorted(taken) == list(range(chunks // 3, chunks))
    assert not sequential or taken == sorted(taken)


def test_a_share_without_chunks_has_nothing_to_pick():
    shelf = Shelf(0)
    assert shelf.take(shelf.peer()) is None


def test_only_what_the_peer_has_is_picked():
    shelf = Shelf(30)
    peer = shelf.peer(has=[3, 17])
    assert sorted(shelf.take_all(peer)) == [3, 17]
    assert peer.is_exhausted


@pytest.mark.parametrize("chunks", [100, HUGE])
def test_the_rarest_goes_first(chunks):
    shelf = Shelf(chunks, have=[0])
    seeder = shelf.peer()
    shelf.peer(has=range(50))
    shelf.peer(has=range(90))
    rare = set(range(90, chunks))
    assert {shelf.take(seeder) for _ in range(10)} <= rare
    if chunks == 100:
        assert {shelf.take(seeder) for _ in range(40)} == set(range(50, 90)), "then the next rarest"


def test_equals_are_picked_evenly_at_random():
    picked = Counter()
    for seed in range(600):
        shelf = Shelf(6, have=[0], seed=seed)
        picked[shelf.take(shelf.peer())] += 1
    assert set(picked) == {1, 2, 3, 4, 5}
    assert min(picked.values()) > 80


@pytest.mark.parametrize("chunks", [100, 20_000])
def test_among_seeders_alone_chunks_go_in_order(chunks):
    shelf = Shelf(chunks, have=[3], leecher=False)
    peer = shelf.peer()
    shelf.now = SEEDERS_S
    assert [shelf.take(peer) for _ in range(5)] == [0, 1, 2, 4, 5]
    shelf.picker.put_back(1)
    peer.shortlist.clear()
    assert shelf.take(peer) == 1


def test_a_leecher_ends_the_order_until_it_has_everything():
    shelf = Shelf(3, leecher=False)
    leecher = shelf.peer(has=[0, 1])
    assert not shelf.picker.is_in_order(100.0)
    leecher.has(2)
    shelf.picker.knows(leecher, 100.0)
    assert not shelf.picker.is_in_order(100.0), "another may be on its way"
    assert shelf.picker.is_in_order(100.0 + SEEDERS_S)
    leecher.lacks(0, 0.0)
    shelf.picker.knows(leecher, 200.0)
    assert not shelf.picker.is_in_order(300.0)
    shelf.picker.forgets("leecher of another", 300.0)
    shelf.picker.forgets("peer", 300.0)
    assert shelf.picker.is_in_order(300.0 + SEEDERS_S)


def test_leechers_that_begin_together_ask_for_different_chunks():
    assert len({Shelf(1000, seed=seed, leecher=False).first() for seed in range(50)}) > 30


def test_the_first_chunk_is_any_not_the_rarest():
    picked = set()
    for seed in range(100):
        shelf = Shelf(4, seed=seed)
        seeder = shelf.peer()
        shelf.peer(has=[0, 1, 2])
        picked.add(shelf.take(seeder))
    assert picked == {0, 1, 2, 3}


@pytest.mark.parametrize("sequential", [False, True])
def test_priorities_go_before_rarity_and_order(sequential):
    shelf = Shelf(30, priorities={0: Priority.LOW, 2: Priority.HIGH}, sequential=sequential)
    taken = shelf.take_all(shelf.peer())
    assert set(taken[:10]) == set(range(20, 30))
    assert set(taken[10:20]) == set(range(10, 20))


def test_a_skipped_file_is_left_out_until_it_is_wanted_again():
    shelf = Shelf(20, priorities={1: Priority.SKIP})
    peer = shelf.peer()
    taken = shelf.take_all(peer)
    assert set(taken) == set(range(10))
    shelf.picker.put_back(15)
    assert shelf.take(peer) is None, "a chunk that isn't wanted doesn't go back"
    shelf.picker.select(Selection(shelf.geometry), in_flight=taken)
    assert set(shelf.take_all(peer)) == set(range(10, 20))


def test_what_is_put_back_is_picked_again():
    shelf = Shelf(3)
    peer = shelf.peer()
    shelf.take_all(peer)
    shelf.picker.put_back(1)
    assert shelf.take_all(peer) == [1]
    shelf.have.set(1)
    shelf.picker.put_back(1)
    assert shelf.take_all(peer) == [], "unless it is here by now"


def test_in_a_huge_share_the_shortlist_is_renewed_in_time():
    shelf = Shelf(HUGE, have=[0])
    seeder = shelf.peer()
    shelf.take(seeder)
    shelf.peer(has=range(HUGE - 5))  # now these five are the rarest
    shelf.now += SHORTLIST_S + 1.0
    assert {shelf.take(seeder) for _ in range(5)} == set(range(HUGE - 5, HUGE))
    assert shelf.take(seeder) < HUGE - 5, "the next rarest are on the list as well"


def test_in_a_huge_share_a_shortlist_skips_what_was_taken_meanwhile():
    shelf = Shelf(HUGE, sequential=True)
    one, two = shelf.peer(), shelf.peer()
    assert [shelf.take(one), shelf.take(two), shelf.take(one), shelf.take(two)] == [0, 1, 2, 3]
    two.lacks(4, 0.0)
    assert shelf.take(two) == 5


def test_in_a_huge_share_even_chunks_of_many_different_rarities_go_in_order():
    shelf = Shelf(HUGE, have=[0])
    seeder = shelf.peer()
    for owners in range(1, 9):
        shelf.peer(has=set(range(1, HUGE)) - set(range(owners * 1000, 9000, 1000)))
    assert [shelf.take(seeder) for _ in range(7)] == [8000, 7000, 6000, 5000, 4000, 3000, 2000]


def test_the_first_chunk_that_nobody_has_is_named():
    shelf = Shelf(30)
    assert shelf.picker.first_unavailable() == 0
    shelf.peer(has=range(17))
    assert shelf.picker.first_unavailable() == 17
    shelf.peer()
    assert shelf.picker.first_unavailable() is None


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 70), st.data())
def test_picks_are_of_the_fewest_owners_among_what_is_left(chunks, data):
    shelf = Shelf(chunks, have=[0])
    owners = [data.draw(st.sets(st.integers(0, chunks - 1))) for _ in range(4)]
    peers = [shelf.peer(has=owned) for owned in owners]
    left = set(range(1, chunks))
    for turn in range(chunks):
        peer, owned = peers[turn % 4], owners[turn % 4]
        chunk = shelf.take(peer)
        if chunk is None:
            assert not owned & left
        else:
            counts = {c: sum(c in others for others in owners) for c in owned & left}
            assert counts[chunk] == min(counts.values())
            left.remove(chunk)
