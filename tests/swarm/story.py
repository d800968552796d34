"""A stage for stories about one `Download`: peers that do what the test says, and a clock that it moves.

Rules: the fake peers answer nothing by themselves. What the download asked for is kept per peer in order, as the
exchange protocol's books would keep it, and the same rules are held: no overlapping and no unknown requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from node.swarm.commands import BanPeer, CancelRange, DataVerdict, DropChunk, RequestRange
from node.swarm.download import Download
from node.swarm.settings import DownloadSettings
from protocols.bitfield import Bitfield
from protocols.exchange import RejectReason
from protocols.geometry import Geometry

KIB = 1 << 10
MIB = 1 << 20
MESSAGE = 256 * KIB


class Story:
    """A download of files of these sizes, and everything it said so far."""

    def __init__(
        self, *file_sizes: int, chunk_size: int = MIB, have: Iterable[int] = (), seed: int = 1, **settings: object
    ) -> None:
        self.geometry = Geometry(chunk_size, file_sizes)
        self.have = Bitfield(self.geometry.chunk_count)
        for chunk in have:
            self.have.set(chunk)
        self.now = 100.0
        self.asked: dict[str, list[RequestRange]] = {}
        self.sent: dict[RequestRange, int] = {}
        self.cancelled: list[RequestRange] = []
        self.bans: dict[str, str] = {}
        self.is_deaf = False  # decisions aren't asked for: the driver has more news first
        self.dropped: list[int] = []
        self.download = Download(
            self.geometry,
            self.have,
            rng=Random(seed),
            now=self.now,
            settings=DownloadSettings(**settings),  # type: ignore[arg-type]  # whatever the story is about
        )

    # --- what peers do ----------------------------------------------------------------------------------------

    def join(self, *peers: str, has: Iterable[int] | None = None, limit: int = 16 * MIB) -> None:
        """Peers connect that have these chunks, all of them by default."""
        for peer in peers:
            bitfield = Bitfield.full(self.have.length) if has is None else Bitfield(self.have.length)
            for chunk in has or ():
                bitfield.set(chunk)
            self.asked[peer] = []
            self.download.peer_joined(peer, limit, self.now)
            self.download.peer_bitfield(peer, bitfield, self.now)
        self.pump()

    def leave(self, peer: str) -> None:
        """A peer disconnects."""
        self.download.peer_left(peer, self.now)
        self._gone(peer)
        self.pump()

    def announce(self, peer: str, *chunks: int) -> None:
        """A peer has got more chunks."""
        self.download.peer_has(peer, chunks, self.now)
        self.pump()

    def send(self, peer: str, size: int | None = None, request: RequestRange | None = None) -> DataVerdict:
        """A peer sends the next bytes of its oldest request, or of a certain one; all that is left by default."""
        request = request or self.asked[peer][0]
        done = self.sent.get(request, 0)
        size = min(size or request.length, request.length - done)
        verdict = self.download.data_received(peer, request.chunk, request.offset + done, size, self.now)
        self.sent[request] = done + size
        if done + size == request.length:
            self._end(request)
        self.pump()
        return verdict

    def deliver(self, peer: str, *, seconds: float = 0.0, good: bool = True) -> int:
        """A peer answers its oldest request message by message, in so many seconds; the chunk, hashed if complete."""
        request = self.asked[peer][0]
        while request in self.asked.get(peer, ()):
            self.now += seconds * MESSAGE / request.length
            if self.send(peer, MESSAGE, request).complete:
                self.hash(request.chunk, good=good)
        return request.chunk

    def fetch_all(self, *peers: str) -> None:
        """These peers answer in turn until nothing is asked of them any more."""
        while busy := [peer for peer in peers if self.open(peer)]:
            for peer in busy:
                if self.open(peer):
                    self.deliver(peer, seconds=0.01)

    def hash(self, chunk: int, *, good: bool = True, data: bytes = b"") -> frozenset[str]:
        """The driver has hashed a complete chunk."""
        suppliers: frozenset[str] = frozenset()
        if good:
            self.download.chunk_verified(chunk, self.now, data)
        else:
            suppliers = self.download.chunk_failed(chunk, self.now, data)
        self.pump()
        return suppliers

    def refuse(self, peer: str, reason: RejectReason = RejectReason.BUSY, request: RequestRange | None = None) -> None:
        """A peer rejects its oldest request, or a certain one."""
        request = request or self.asked[peer][0]
        self._end(request)
        self.download.request_rejected(peer, request.chunk, request.offset, request.length, self.now, reason)
        self.pump()

    # --- the stage --------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Let time pass, with the wake-ups that the download wants."""
        until = self.now + seconds
        while not self.is_deaf and (wakeup := self.download.next_wakeup(self.now)) is not None and wakeup <= until:
            self.now = max(self.now, wakeup)
            self.pump()
        self.now = until

    def pump(self) -> None:
        """Carry out what was decided, until there is nothing more to do now."""
        while not self.is_deaf:
            for command in self.download.commands(self.now):
                match command:
                    case RequestRange():
                        self._check(command)
                        self.asked[command.peer].append(command)
                    case CancelRange():
                        request = RequestRange(command.peer, command.chunk, command.offset, command.length)
                        assert request in self.asked[request.peer], "only what was asked for can be cancelled"
                        assert request not in self.cancelled, "and only once"
                        self.cancelled.append(request)
                    case BanPeer():
                        self.bans[command.peer] = command.reason
                        self._gone(command.peer)
                    case DropChunk():
                        self.dropped.append(command.chunk)
            wakeup = self.download.next_wakeup(self.now)
            if wakeup is None or wakeup > self.now:
                return

    def open(self, peer: str) -> list[RequestRange]:
        """What a peer is asked for and may still send."""
        return [request for request in self.asked[peer] if request not in self.cancelled]

    def chunks(self, peer: str) -> list[int]:
        """The chunks of `open`."""
        return [request.chunk for request in self.open(peer)]

    def _gone(self, peer: str) -> None:
        for request in self.asked.pop(peer, ()):
            self.sent.pop(request, None)
        self.cancelled = [request for request in self.cancelled if request.peer != peer]

    def _end(self, request: RequestRange) -> None:
        self.asked[request.peer].remove(request)
        self.sent.pop(request, None)
        if request in self.cancelled:
            self.cancelled.remove(request)

    def _check(self, new: RequestRange) -> None:
        assert new.length > 0
        assert new.offset + new.length <= self.geometry.chunk_length(new.chunk)
        assert self.download.peers[new.peer].bitfield[new.chunk], "a peer is only asked for what it has"
        for old in self.asked[new.peer]:
            overlap = (
                old.chunk == new.chunk and old.offset < new.offset + new.length and new.offset < old.offset + old.length
            )
            assert not overlap, "the protocol forbids asking twice for the same bytes before an answer"
