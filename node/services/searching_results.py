"""What a search has found so far: merged by content, weighed, and numbered. Pure.

Rules: a hit is a claim that one or more sources make. One who makes many claims has little weight for each, as in
eMule's Kad: a source, and all sources of one network together, have TRUST_BUDGET points for the claims they make in
this search. Low trust sinks and never hides; a verified peer lifts a row above all that are unverified. A row gets its
number when it is first shown and keeps it: rows of low trust get theirs only at the end, below the others.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest

from node.services.searching_copies import Copies
from protocols.bitfield import Bitfield

TRUST_BUDGET = 10.0
"""Points of a source, divided by its claims (eMule Kad's figure)."""

SHOWN_TRUST = 1.0
"""Above it a row is shown as soon as it is found: its source made fewer than ten claims, or others make it too."""

MAX_ROWS = 300
"""Of one search: what Kad shows too; more is a reason to ask more precisely."""

SLACK = 50
"""Rows beyond MAX_ROWS until the least are dropped, an answer's worth: to weigh all for each new one would be dear."""

MAX_CLAIMANTS = 64
"""Peers counted for one row: a screen shows two digits."""

MAX_NAMES = 4
"""Names that one content is claimed to have; the manifest knows the right one."""


class Standing(Enum):
    """What is known of a peer's claim to have something."""

    CLAIMED = "claimed"
    VERIFIED = "verified"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody who makes claims: a peer, and the network that it is reached in, "" for none."""

    peer: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What is claimed of a CID; size in bytes."""

    name: str
    size: int
    files: int


@dataclass(slots=True)
class Row:
    """One content, whoever has it and whatever it is called."""

    cid: str
    described: dict[Description, list[Source]] = field(default_factory=dict)
    claimants: dict[str, Standing] = field(default_factory=dict)  # peer ids of those who are said to have it
    found: set[str] = field(default_factory=set)  # how: the tiers
    number: int | None = None
    is_here: bool = False
    manifest: Description | None = None  # what is true, once it is known
    content: bytes | None = None  # the same for the same bytes under another name, once the manifest is known
    chunks: int = 0  # in all, once somebody has proved to have some
    proved: dict[str, int] = field(default_factory=dict)  # how many of them those have who have proved it
    copies: float | None = None  # among those, see `searching_copies`; None for want of any
    counted: Copies | None = None  # what that follows from, while the search runs
    seen_at: float | None = None  # unix time of the newest word of a peer that it has it itself

    @property
    def is_verified(self) -> bool:
        """Whether somebody has proved to have it."""
        return Standing.VERIFIED in self.claimants.values()

    @property
    def is_false(self) -> bool:
        """Whether the manifest says something else than everybody who offered it, such as another name."""
        return self.manifest is not None and self.manifest not in self.described

    def count(self, standing: Standing) -> int:
        """How many peers stand so."""
        return list(self.claimants.values()).count(standing)


class Results:
    """The rows of one search."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._claims: Counter[str] = Counter()  # of each source, and of each network
        self._liars: set[str] = set()
        self._numbered = 0

    def __len__(self) -> int:
        return len(self.rows)

    def numbered(self, number: int) -> Row | None:
        """The row of this number."""
        return next((row for row in self.rows.values() if row.number == number), None)

    def add(
        self,
        cid: str,
        description: Description,
        source: Source | None,
        found: str,
        claimants: Iterable[str],
        seen_at: float | None = None,
    ) -> None:
        """Take one claim; `source` is None for what this node shares itself, `claimants` are who is said to have it.

        `seen_at` is when one of them said so; None for hearsay, whose age nobody tells.
        """
        if source:
            self._claims.update(filter(None, (source.peer, source.network)))
        row = self.rows.get(cid)
        if row is None:
            row = Row(cid)
            self.rows[cid] = row
        sources = row.described.get(description)
        if sources is None and len(row.described) < MAX_NAMES:
            sources = row.described[description] = []
        if source and sources is not None and source not in sources:
            sources.append(source)
        row.found.add(found)
        row.is_here = row.is_here or source is None
        row.seen_at = _newer(row.seen_at, seen_at)
        for peer in claimants:
            if len(row.claimants) < MAX_CLAIMANTS:
                row.claimants.setdefault(peer, Standing.CLAIMED)
        if len(self.rows) > MAX_ROWS + SLACK:
            self._trim()

    def checked(
        self,
        cid: str,
        peer: str,
        standing: Standing,
        manifest: Description | None,
        content: bytes | None = None,
        have: Bitfield | None = None,
        seen_at: float | None = None,
    ) -> None:
        """A probe of a peer has ended; `manifest` and `content` are of what it sent, None if it didn't.

        `have` is what it says it has, which counts if it has proved some of it, and `seen_at` the time of the proof.
        """
        row = self.rows.get(cid)
        if row is None:
            return
        row.claimants[peer] = standing
        if standing is Standing.VERIFIED:
            row.seen_at = _newer(row.seen_at, seen_at)
            if have is not None:
                _count(row, peer, have)
        row.manifest = manifest or row.manifest
        row.content = content or row.content
        if standing is Standing.REFUTED:
            self._liars.add(peer)
        for description, sources in row.described.items():
            if row.manifest not in (None, description):
                self._liars.update(source.peer for source in sources)

    def settle(self) -> None:
        """Nothing is checked any more: forget what only further proofs would have needed."""
        for row in self.rows.values():
            row.counted = None

    def trust(self, row: Row) -> float:
        """The points that its sources have for it."""
        if row.is_here:
            return float("inf")
        return sum(self._weight(source) for sources in row.described.values() for source in sources)

    def description(self, row: Row) -> Description:
        """What to show: what the manifest says, else what those with the most weight say."""
        if row.manifest in row.described:
            return row.manifest
        if len(row.described) == 1:
            return next(iter(row.described))
        return max(row.described, key=lambda each: sum(map(self._weight, row.described[each])))

    def ranked(self, *, everything: bool) -> list[Row]:
        """The rows in the order of their numbers, given now to those that have none.

        Without `everything` only to those worth showing at once.
        """
        if len(self.rows) > MAX_ROWS:
            self._trim()
        waiting = ((self._order(row), row) for row in self.rows.values() if row.number is None)
        shown = ((order, row) for order, row in waiting if everything or row.is_verified or -order[2] > SHOWN_TRUST)
        for _, row in sorted(shown, key=self._rank):
            self._numbered += 1
            row.number = self._numbered
        return sorted((row for row in self.rows.values() if row.number is not None), key=lambda row: row.number or 0)

    def doubles(self) -> dict[str, int]:
        """Rows that are the same bytes as one with a smaller number: their CIDs, and that number.

        Only of what has been proved to be had: who copies a manifest of others makes none of theirs a double.
        """
        first: dict[bytes, int] = {}
        found: dict[str, int] = {}
        proved = (row for row in self.rows.values() if row.number and row.content and row.is_verified)
        for row in sorted(proved, key=lambda row: row.number or 0):
            number = first.setdefault(row.content or b"", row.number or 0)
            if number != row.number:
                found[row.cid] = number
        return found

    def to_probe(self, count: int, *, everything: bool) -> list[Row]:
        """The `count` rows whose claims are the most worth checking; without `everything` of those that are shown."""
        rows = (row for row in self.rows.values() if not row.is_here and (everything or row.number is not None))
        return nsmallest(count, rows, key=self._order)

    def _rank(self, ordered: tuple[tuple[bool, bool, float], Row]) -> tuple[bool, bool, float, str]:
        order, row = ordered
        return *order, self.description(row).name

    def _order(self, row: Row) -> tuple[bool, bool, float]:
        return row.is_false, not (row.is_here or row.is_verified), -self.trust(row)

    def _weight(self, source: Source) -> float:
        if source.peer in self._liars:
            return 0.0
        claims = max(self._claims[source.peer], self._claims[source.network] if source.network else 0)
        return TRUST_BUDGET / max(claims, 1)

    def _trim(self) -> None:
        """Make room: the rows of the least trust go that nobody has been shown."""
        unshown = sorted((row for row in self.rows.values() if row.number is None), key=self._order)
        kept = max(MAX_ROWS - (len(self.rows) - len(unshown)), 0)
        for row in unshown[kept:]:
            del self.rows[row.cid]


def _newer(one: float | None, other: float | None) -> float | None:
    return max(filter(None, (one, other)), default=None)


def _count(row: Row, peer: str, have: Bitfield) -> None:
    """Count what a peer has among the copies."""
    if peer not in row.proved:
        row.counted = row.counted or Copies()
        row.counted.add(have)
        row.chunks, row.proved[peer], row.copies = have.length, have.count, row.counted.known


def network_of(ip: str) -> str:
    """The network that an attacker gets as a whole: the /24 or /48; "" for addresses that aren't of the internet."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if not address.is_global:
        return ""  # on a LAN everybody is in one network
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))
