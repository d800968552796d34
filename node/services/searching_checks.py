"""Which claims of a search are checked, and in which order. Pure.

Rules: the first claim of every row comes before the second of any, and a peer whose claims come to nothing is not
asked for long: a flood of claims wins no probes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from node.services.searching_results import Row

PROBES = 32
"""Claims checked in one search; each costs one chunk, mostly of a megabyte."""

UNPROVED_MOST = 2
"""Claims of one peer that may come to nothing before its others are left unchecked."""

Claim = tuple[str, str]
"""The CID, and the peer that is said to have it."""


class Checks:
    """The checks of one search."""

    def __init__(self) -> None:
        self._begun: set[Claim] = set()
        self._running: set[Claim] = set()
        self._unproved: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many are under way."""
        return len(self._running)

    @property
    def left(self) -> int:
        """How many more there may be."""
        return PROBES - len(self._begun)

    def next(self, rows: Sequence[Row]) -> Claim | None:
        """The claim to check now, which then counts as begun; `rows` are in the order of their worth."""
        if not self.left:
            return None
        waiting: list[tuple[int, int, Claim]] = []
        for place, row in enumerate(rows):
            claims = [(row.cid, peer) for peer in row.claimants]
            tried = sum(claim in self._begun for claim in claims)
            waiting += [(tried, place, claim) for claim in claims if self._is_worth(claim)]
        if not waiting:
            return None
        claim = min(waiting)[2]
        self._begun.add(claim)
        self._running.add(claim)
        return claim

    def ended(self, claim: Claim, *, has_proved: bool) -> None:
        """A check is over."""
        self._running.discard(claim)
        if not has_proved:
            self._unproved[claim[1]] += 1

    def _is_worth(self, claim: Claim) -> bool:
        peer = claim[1]
        doubts = self._unproved[peer] + sum(other == peer for _, other in self._running)
        return claim not in self._begun and (doubts < UNPROVED_MOST or not self._unproved[peer])
