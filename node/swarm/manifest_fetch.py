"""Fetching a manifest and its digest pages from whichever peers are there, one block at a time.

Rules: pure; one block comes from one peer, so that blame is certain; a block is believed only when its bytes hash to
its CID. A peer that sent something else broke the protocol; one that says it doesn't have it is
not asked again, one that may have it later is asked later, and one that doesn't answer in time not before it has; a
block that hashes right and still makes no manifest can never be right, from anybody: that is `InvalidManifestError`.
Hashing and decoding can take a second, so `check_block` is a function for a thread and the machine only takes its
outcome.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import GetMeta, Meta, RejectReason
from protocols.manifest import MAX_MANIFEST_SIZE, Manifest, attach_pages, check_page, decode

ANSWER_TIMEOUT_S: Final = 10.0
"""A part is at most 256 KiB: a peer that can't send that in ten seconds is too slow to begin with."""


FIRST_BACKOFF_S: Final = 0.5
LAST_BACKOFF_S: Final = 30.0
"""How long a peer that is busy, or waits for the manifest itself, is left alone: doubled each time."""


class InvalidManifestError(Exception):
    """The bytes are those that the CID names, and they are no manifest."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole block as one peer sent it, and the blocks before it."""

    cid: Cid
    peer: str
    block: bytes
    manifest: Manifest | None  # None while the block is the manifest itself
    pages: tuple[bytes, ...]


def check_block(fetched: Fetched) -> Manifest:
    """The manifest so far, complete once `has_digests`; takes up to a second for the largest.

    Raises RemoteProtocolError if the peer sent something else than what was named, InvalidManifestError if it sent
    what was named and that is no manifest.
    """
    if fetched.manifest is None:
        if not fetched.cid.names(fetched.block):
            raise RemoteProtocolError("the manifest that was sent doesn't hash to its CID")
        try:
            return decode(fetched.block)
        except RemoteProtocolError as error:
            raise InvalidManifestError(str(error)) from error
    check_page(fetched.manifest, len(fetched.pages), fetched.block)
    if len(fetched.pages) + 1 < len(fetched.manifest.pages):
        return fetched.manifest
    try:
        return attach_pages(fetched.manifest, (*fetched.pages, fetched.block))
    except RemoteProtocolError as error:
        raise InvalidManifestError(str(error)) from error


class ManifestFetch:
    """The manifest of `cid`, on its way."""

    def __init__(self, cid: Cid) -> None:
        self.cid = cid
        self.manifest: Manifest | None = None
        self.blocks: tuple[bytes, ...] = ()  # the manifest's, then its pages', in order
        self.unchecked: Fetched | None = None  # for `check_block`; nothing is asked while it waits
        self._peers: deque[str] = deque()
        self._busy: dict[str, tuple[int, float]] = {}  # of peers: how often they refused, and until when to leave them
        self._late: set[str] = set()  # peers that didn't answer in time, and haven't yet
        self._source: str | None = None
        self._asked: str | None = None
        self._asked_at = 0.0
        self._total: int | None = None
        self._buffer = bytearray()

    @property
    def is_complete(self) -> bool:
        """Whether manifest and pages are all here and verified."""
        return self.manifest is not None and self.manifest.has_digests

    def peer_joined(self, peer: str) -> None:
        """A peer that may have the manifest is connected."""
        if peer not in self._peers and peer not in self._late:
            self._peers.append(peer)

    def peer_left(self, peer: str) -> None:
        """A peer is gone, or is not to be asked again; what it sent of an unfinished block is dropped."""
        if peer in self._peers:
            self._peers.remove(peer)
        self._busy.pop(peer, None)
        self._late.discard(peer)
        if self._source == peer:
            self._restart_block()

    def rejected(self, peer: str, reason: RejectReason, now: float) -> None:
        """A peer doesn't have it, and is not asked again; unless it may have it later, when it is the last in line."""
        self._answered(peer)
        if peer not in self._peers:
            return
        if self._asked == peer:
            self._restart_block()
        self._peers.remove(peer)
        if reason is not RejectReason.UNAVAILABLE:
            times, _ = self._busy.get(peer, (0, 0.0))
            self._busy[peer] = times + 1, now + min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(times, 16))
            self._peers.append(peer)

    def command(self, now: float) -> tuple[str, GetMeta] | None:
        """The next question and whom to ask; None while an answer is awaited or nobody is there."""
        if self._asked is not None and now - self._asked_at >= ANSWER_TIMEOUT_S:
            late = self._asked
            self.peer_left(late)
            self._late.add(late)  # it may still answer; asking again before that would only pile up questions
        if self.is_complete or self.unchecked or self._asked is not None:
            return None
        if self._source is None:
            self._source = next((peer for peer in self._peers if self._free_at(peer) <= now), None)
            if self._source is None:
                return None
        self._asked = self._source
        self._asked_at = now
        return self._asked, GetMeta(part=len(self.blocks), offset=len(self._buffer))

    def next_wakeup(self) -> float | None:
        """When `command` should be called again though nothing happened."""
        if self._asked is not None:
            return self._asked_at + ANSWER_TIMEOUT_S
        return min(map(self._free_at, self._peers), default=None) if self._busy and not self.is_complete else None

    def received(self, peer: str, meta: Meta) -> None:
        """Take one part of a block; raises RemoteProtocolError if its size is impossible."""
        self._answered(peer)
        if peer != self._asked or (meta.part, meta.offset) != (len(self.blocks), len(self._buffer)):
            return  # an answer that came after its time-out: somebody else has been asked since
        if meta.total > MAX_MANIFEST_SIZE or meta.total != (self._total or meta.total):
            raise RemoteProtocolError(f"part {meta.part} of the manifest can't have {meta.total} bytes")
        self._total = meta.total
        self._buffer += meta.data
        self._asked = None
        if len(self._buffer) == meta.total:
            self.unchecked = Fetched(self.cid, peer, bytes(self._buffer), self.manifest, self.blocks[1:])
            self._restart_block()

    def checked(self, manifest: Manifest) -> None:
        """`check_block` has accepted the unchecked block."""
        assert self.unchecked is not None
        self.blocks = (*self.blocks, self.unchecked.block)
        self.manifest = manifest
        self.unchecked = None

    def refused(self) -> None:
        """`check_block` has found the peer's block wrong: its sender is not asked again."""
        assert self.unchecked is not None
        self.peer_left(self.unchecked.peer)
        self.unchecked = None

    def _answered(self, peer: str) -> None:
        """A peer that was too slow once has answered after all: it may be asked again."""
        if peer in self._late:
            self._late.remove(peer)
            self._peers.append(peer)

    def _free_at(self, peer: str) -> float:
        return self._busy.get(peer, (0, 0.0))[1]

    def _restart_block(self) -> None:
        self._asked = None
        self._source = None
        self._total = None
        self._buffer.clear()
