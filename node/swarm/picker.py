"""Which chunk to ask a peer for next: rarest first with random ties, or in order where that helps nobody.

What a pick takes into account, in this order; don't forget any of it when changing this:

 1. Only chunks that nobody is asked for, that the peer has, and that are wanted.
 2. The highest file priority.
 3. Sequential mode, and where every peer has been a seeder for a while: the lowest number. No chunk is rare then, we
    have nothing that anybody wants, and what comes in order is hashed and written as it comes.
 4. No chunk verified yet: any at random, because the rarest one would be slow to come, and until there is something
    to give, a leecher is of no use to the swarm.
 5. Otherwise one of those that the fewest peers have, at random, so that leechers that know the same things don't all
    ask for the same chunk.

Rules: no loop over chunks. A set of chunks is a long integer (see `availability`); in a share of many thousand chunks
one look yields a shortlist for many picks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from node.swarm.availability import Availability, mask_of
from node.swarm.peer import Peer
from node.swarm.selection import Selection
from protocols.bitfield import Bitfield

if TYPE_CHECKING:
    from random import Random

SHORTLIST_S: Final = 10.0
"""A shortlist is used no longer than this: rarity changes with every have, but in a huge share not by much."""

_CHUNKS_PER_ENTRY: Final = 8192
"""One shortlist entry for every so many chunks of the share: a look costs more the more there are, a pick doesn't.
Below twice as many chunks (16 GiB) a look takes some ten microseconds and every pick looks afresh."""

SEEDERS_S: Final = 1.0
"""Seeders alone for so long, and chunks are picked in order. Not at once: leechers that begin together know a seeder
before they know each other, and would all get the same chunks from it. Eight took a tenth longer so."""

_RARITIES: Final = 6
"""So many classes of rarity go into a shortlist at most: the rarest alone may be a single chunk."""

_STRETCH: Final = re.compile(rb"[^\0]{1,64}")


class Picker:
    """The chunks that are missing, wanted and asked of nobody (the pool), and the order to take them in."""

    def __init__(self, have: Bitfield, selection: Selection, rng: Random, now: float, *, sequential: bool) -> None:
        self.availability = Availability(have.length)
        self.is_sequential = sequential
        self._leechers: set[str] = set()  # connected peers that don't have everything, as far as is known
        self._seeders_since = now
        self._have = have
        self._rng = rng
        self._width = -(-have.length // 8) * 8
        self.entries = max(1, have.length // _CHUNKS_PER_ENTRY)
        self._pool_mask: int | None = None
        self.select(selection, ())

    def select(self, selection: Selection, in_flight: Iterable[int]) -> None:
        """Change what is wanted; chunks in flight stay out of the pool."""
        self.selection = selection
        missing = selection.wanted & ~mask_of(self._have)
        self.pool = Bitfield.from_bytes(self._have.length, missing.to_bytes(self._width // 8, "big"))
        for chunk in in_flight:
            self.pool.clear(chunk)
        self._pool_mask = None

    @property
    def pool_mask(self) -> int:
        """The pool as a set in one long integer."""
        if self._pool_mask is None:
            self._pool_mask = mask_of(self.pool)
        return self._pool_mask

    def take(self, chunk: int) -> None:
        """The chunk is asked of somebody now."""
        self.pool.clear(chunk)
        self._pool_mask = None

    def put_back(self, chunk: int) -> None:
        """The chunk is asked of nobody any more; if it is still missing and wanted it may be picked again."""
        if self.selection.wants(chunk) and not self._have[chunk]:
            self.pool.set(chunk)
            self._pool_mask = None

    def is_in_order(self, now: float) -> bool:
        """Whether chunks are picked from the first to the last."""
        return self.is_sequential or (not self._leechers and now - self._seeders_since >= SEEDERS_S)

    def knows(self, peer: Peer, now: float) -> None:
        """A peer has joined, or says that it has other chunks than before."""
        if peer.bitfield.is_complete:
            self.forgets(peer.name, now)
        else:
            self._leechers.add(peer.name)

    def forgets(self, name: str, now: float) -> None:
        """A peer has left, or is no leecher any more."""
        if name in self._leechers:
            self._leechers.discard(name)
            self._seeders_since = now

    def has_any(self, peer: Peer) -> bool:
        """Whether a peer has anything of the pool."""
        return bool(self.pool_mask & peer.mask)

    def pick(self, peer: Peer, now: float) -> int | None:
        """The best chunk to ask of a peer, which stays in the pool; None if it has nothing of the pool."""
        if now - peer.shortlist_at > SHORTLIST_S:
            peer.shortlist.clear()
        for _ in range(2):
            while peer.shortlist:
                chunk = peer.shortlist.pop()
                if self.pool[chunk] and peer.bitfield[chunk]:
                    return chunk
            self._look(peer, now)
        return None

    def first_unavailable(self) -> int | None:
        """The lowest chunk of the pool that no peer has."""
        nowhere = self.pool_mask & ~self.availability.anywhere()
        return self._width - nowhere.bit_length() if nowhere else None

    def _look(self, peer: Peer, now: float) -> None:
        chunks = self.selection.most_wanted(self.pool_mask & peer.mask)
        peer.shortlist_at = now
        peer.is_exhausted = not chunks
        if self.entries > 1:
            peer.shortlist = self._best(chunks, is_in_order=self.is_in_order(now))
        elif chunks:
            peer.shortlist = [self._width - 1 - self._best_place(chunks, is_in_order=self.is_in_order(now))]

    def _best_place(self, chunks: int, *, is_in_order: bool) -> int:
        """In a share of ordinary size: the bit of the best chunk, each of equals as likely as the other."""
        if is_in_order:
            return chunks.bit_length() - 1
        chunks = self._preferred(chunks)
        return _nth_highest(chunks, self._rng.randrange(chunks.bit_count()))

    def _best(self, chunks: int, *, is_in_order: bool) -> list[int]:
        """In a huge share: some of the best chunks, best last; of equals those that follow a random place."""
        found: list[int] = []
        for _ in range(_RARITIES):
            best = chunks if is_in_order else self._preferred(chunks)
            start = 0 if is_in_order else self._rng.randrange(self._width // 8)
            found += islice(_places(best.to_bytes(self._width // 8, "big"), start), self.entries - len(found))
            chunks ^= best
            if not chunks or len(found) == self.entries:
                break
        found.reverse()
        return found

    def _preferred(self, chunks: int) -> int:
        return self.availability.rarest(chunks) if self._have.count else chunks


def _nth_highest(bits: int, n: int) -> int:
    """The place of the set bit that has `n` set bits above it."""
    base, size = 0, bits.bit_length()
    while size > 1:
        half = size // 2
        upper = bits >> half
        above = upper.bit_count()
        if n < above:
            bits, base, size = upper, base + half, size - half
        else:
            n -= above
            bits, size = bits & ((1 << half) - 1), half
    return base


def _places(data: bytes, start: int) -> Iterator[int]:
    """The numbers of the set bits, highest bit of the first byte first, from byte `start` on and around."""
    for first, last in ((start, len(data)), (0, start)):
        for stretch in _STRETCH.finditer(data, first, last):
            for index, byte in enumerate(stretch[0], stretch.start()):
                yield from (8 * index + place for place in range(8) if byte & 0x80 >> place)
