"""Who sent wrong bytes: found out by experiment and by proof, and banned for this manifest.

Rules: pure and bounded. One source of a wrong chunk is guilty at once. Of several, each is a suspect: the chunk is
fetched again from one peer alone, and the right bytes, once known, convict exactly those whose bytes differed (where
the driver lends the bytes; libtorrent calls it smart ban). Where it doesn't, a suspect stays on parole: it is asked for
whole chunks alone, one at a time, so that its next lie names it, and every further suspicion doubles the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from node.swarm.commands import BanPeer
from node.swarm.progress import ChunkProgress

PAROLE_CHUNKS: Final = 2
"""Chunks a suspect must deliver alone and right before it may share a chunk with others again; doubled each time."""

MAX_LEDGER: Final = 1024
"""Peers with a bad name that are remembered, the latest: more than a swarm has at a time, a few hundred kB at most."""

MAX_CASES: Final = 64
"""Wrong chunks kept open at a time: liars are few or the download is hopeless; a case is a few digests."""


@dataclass(slots=True)
class Case:
    """A wrong chunk of several sources: who sent what, as digests by (peer, start, end); empty if not known."""

    suspects: frozenset[str]
    digests: dict[tuple[str, int, int], bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Parole:
    times: int = 0
    chunks_left: int = 0


class Reputation:
    """The bad names of one manifest's swarm."""

    def __init__(self) -> None:
        self.banned: dict[str, str] = {}  # peer and why, oldest first
        self.cases: dict[int, Case] = {}
        self._paroles: dict[str, _Parole] = {}

    @property
    def has_suspects(self) -> bool:
        """Whether anybody's name is less than good."""
        return bool(self._paroles)

    def is_suspect(self, peer: str) -> bool:
        """Whether the peer is on parole: to be given whole chunks alone."""
        parole = self._paroles.get(peer)
        return parole is not None and parole.chunks_left > 0

    def chunk_failed(self, progress: ChunkProgress, data: bytes | bytearray | memoryview) -> list[BanPeer]:
        """A chunk doesn't match its digest; `data` is all of it, or empty if it is not at hand."""
        suppliers = progress.suppliers
        if len(suppliers) == 1:
            (peer,) = suppliers
            return [self._ban(peer, f"chunk {progress.chunk} was wrong and all of it came from this peer")]
        if progress.chunk not in self.cases or data:
            self.cases[progress.chunk] = Case(suppliers, _digests(progress, data))
            _trim(self.cases, MAX_CASES)
        for peer in sorted(suppliers):
            parole = self._paroles.setdefault(peer, _Parole())
            parole.chunks_left = PAROLE_CHUNKS << min(parole.times, 16)
            parole.times += 1
        _trim(self._paroles, MAX_LEDGER)
        return []

    def chunk_verified(self, progress: ChunkProgress, data: bytes | bytearray | memoryview) -> list[BanPeer]:
        """A chunk is right; `data` is all of it, or empty if it is not at hand."""
        for peer in progress.suppliers:
            if len(progress.suppliers) == 1 and (parole := self._paroles.get(peer)) and parole.chunks_left:
                parole.chunks_left -= 1
        case = self.cases.pop(progress.chunk, None)
        if case is None or not data or not case.digests:
            return []
        view = memoryview(data)
        guilty = {
            peer for (peer, start, end), digest in case.digests.items() if sha256(view[start:end]).digest() != digest
        }
        for peer in case.suspects - guilty:
            self._clear(peer)
        return [self._ban(peer, f"its part of chunk {progress.chunk} was wrong") for peer in sorted(guilty)]

    def pardon(self, peer: str) -> None:
        """A person trusts a banned peer again; its next lie is judged like a first one."""
        self.banned.pop(peer, None)

    def _clear(self, peer: str) -> None:
        """The evidence is for the peer, unless other cases are open against it."""
        if not any(peer in case.suspects for case in self.cases.values()):
            self._paroles.pop(peer, None)

    def _ban(self, peer: str, reason: str) -> BanPeer:
        self._paroles.pop(peer, None)
        self.banned[peer] = reason
        _trim(self.banned, MAX_LEDGER)
        return BanPeer(peer, reason)


def _digests(progress: ChunkProgress, data: bytes | bytearray | memoryview) -> dict[tuple[str, int, int], bytes]:
    if not data:
        return {}
    view = memoryview(data)
    return {(s.peer, s.start, s.end): sha256(view[s.start : s.end]).digest() for s in progress.supplies}


def _trim(ledger: dict[str, str] | dict[str, _Parole] | dict[int, Case], limit: int) -> None:
    while len(ledger) > limit:
        del ledger[next(iter(ledger))]  # type: ignore[arg-type]  # a key of this very dictionary
