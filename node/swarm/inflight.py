"""Everything on its way: chunks begun, the requests for them, and what either becomes when something happens.

Rules: the one place where requests are opened, released, cancelled and ended, so that a chunk's and a peer's books
always agree. To *release* a request is to count on it no longer while it stays welcome: another peer may be asked for
its bytes, and only then it is cancelled. Chunks that need asking for again are put into `freed` for the caller.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.swarm.commands import CancelRange, DataVerdict, DropChunk, RequestRange, Span
from node.swarm.peer import Peer
from node.swarm.progress import ChunkProgress, OpenRequest

NOTHING = DataVerdict(keep=(), complete=False)


class InFlight:
    """The chunks begun and not verified, of all peers together."""

    def __init__(self, peers: dict[str, Peer]) -> None:
        self._peers = peers
        self.chunks: dict[int, ChunkProgress] = {}
        self.partial: dict[int, ChunkProgress] = {}  # those with bytes that nobody is counted on for, oldest first
        self.freed: list[int] = []  # chunks that went into `partial` or out of `chunks` without being verified
        self.commands: list[RequestRange | CancelRange | DropChunk] = []
        self.bytes = 0
        self.duplicate_requests = 0
        self.duplicate_bytes = 0  # that came in and were not kept

    def begin(self, chunk: int, length: int, sole: str | None) -> ChunkProgress:
        """Start on a chunk."""
        progress = self.chunks[chunk] = ChunkProgress(chunk, length, sole)
        self.bytes += length
        return progress

    def request(
        self, peer: Peer, progress: ChunkProgress, span: Span, now: float, *, is_duplicate: bool = False
    ) -> None:
        """Ask a peer for a span; released requests that overlap it are cancelled."""
        for other in tuple(progress.requests):
            if other.is_released and other.next_offset < span.end and span.start < other.end:
                self._cancel(progress, other)
        request = OpenRequest(
            peer.name, progress.chunk, span.start, span.end - span.start, now, is_duplicate=is_duplicate
        )
        self.duplicate_requests += is_duplicate
        progress.requests.append(request)
        peer.opened(request, now)
        self.commands.append(RequestRange(peer.name, request.chunk, request.offset, request.length))
        self._sort(progress)

    def received(self, peer: Peer, chunk: int, offset: int, size: int, now: float) -> DataVerdict:
        """DATA came in: what of it to keep, and whether that completes the chunk."""
        request = peer.request_at(chunk, offset)
        if request is None:
            self.duplicate_bytes += size
            return NOTHING
        peer.arrived(request, size, now)
        if request.is_cancelled:
            self.duplicate_bytes += size
            self._take_back_cancel(request)
            return NOTHING
        progress = self.chunks[chunk]
        keep = progress.accept(peer.name, offset, offset + size)
        self.duplicate_bytes += size - sum(span.end - span.start for span in keep)
        if not request.remaining:
            self._remove(progress, request)
        if len(progress.supplies) > 1 or progress.requests != [request]:
            self._cancel_useless(progress)
        if chunk in self.partial:
            self._sort(progress)
        return DataVerdict(keep, bool(keep) and progress.is_complete)

    def refused(self, peer: Peer, chunk: int, offset: int, length: int) -> OpenRequest | None:
        """A REJECT ended a request: that request, or None if there is none such."""
        for request in peer.requests.get(chunk, ()):
            if request.offset == offset and request.length == length:
                peer.ended(request)
                if request.is_cancelled:
                    self._take_back_cancel(request)
                else:
                    self._lost(request)
                return request
        return None

    def release(self, requests: Iterable[OpenRequest]) -> None:
        """Let other peers be asked for what these still owe."""
        for request in requests:
            if not request.is_released:
                request.is_released = True
                self._free(self.chunks[request.chunk])

    def reclaim(self, peer: Peer) -> None:
        """The peer sends again: count on its requests that nobody took over meanwhile."""
        for request in peer.open_requests():
            if request.is_released:
                request.is_released = False
                self._sort(self.chunks[request.chunk])

    def isolate(self, peer: Peer) -> None:
        """The peer is under suspicion: let it finish alone what only it began, and cancel what it shares."""
        for request in tuple(peer.open_requests()):
            progress = self.chunks[request.chunk]
            if progress.suppliers <= {peer.name} and all(other.peer == peer.name for other in progress.requests):
                progress.sole = peer.name
            else:
                self._cancel(progress, request)
                self._free(progress)

    def peer_left(self, peer: Peer) -> None:
        """Nothing more will come from a peer, and nothing more is said to it."""
        for request in tuple(peer.open_requests()):
            self._lost(request)
        # A chunk that only this peer may supply can't be finished by another.
        for progress in [p for p in self.chunks.values() if p.sole == peer.name and not p.is_complete]:
            self.drop(progress)
        self.commands = [c for c in self.commands if isinstance(c, DropChunk) or c.peer != peer.name]

    def cancel_all(self) -> None:
        """Want nothing more for now; what is here of chunks stays."""
        for progress in [p for p in self.chunks.values() if not p.is_complete]:
            self._cancel_all(progress)
            self._free(progress)

    def drop(self, progress: ChunkProgress) -> None:
        """Forget what is here of a chunk, and ask for all of it again some time."""
        self._cancel_all(progress)
        self._forget(progress)
        self.freed.append(progress.chunk)
        if progress.arrived_bytes:
            self.commands.append(DropChunk(progress.chunk))

    def finish(self, chunk: int) -> ChunkProgress | None:
        """A complete chunk has been hashed: take it out; None if there is none such."""
        progress = self.chunks.get(chunk)
        if progress is None or not progress.is_complete:
            return None
        self._forget(progress)
        return progress

    def _remove(self, progress: ChunkProgress, request: OpenRequest) -> None:
        progress.requests.remove(request)
        self.duplicate_requests -= request.is_duplicate

    def _cancel_useless(self, progress: ChunkProgress) -> None:
        for request in tuple(progress.requests):
            if not progress.missing(request.next_offset, request.end):
                self._cancel(progress, request)

    def _cancel(self, progress: ChunkProgress, request: OpenRequest) -> None:
        self._remove(progress, request)
        self._peers[request.peer].cancelled(request)
        self.commands.append(CancelRange(request.peer, request.chunk, request.offset, request.length))

    def _take_back_cancel(self, request: OpenRequest) -> None:
        """An ended request can't be cancelled: if nobody was told yet, say nothing."""
        cancel = CancelRange(request.peer, request.chunk, request.offset, request.length)
        if cancel in self.commands and request not in self._peers[request.peer].requests.get(request.chunk, ()):
            self.commands.remove(cancel)

    def _cancel_all(self, progress: ChunkProgress) -> None:
        for request in tuple(progress.requests):
            self._cancel(progress, request)

    def _lost(self, request: OpenRequest) -> None:
        progress = self.chunks[request.chunk]
        self._remove(progress, request)
        self._free(progress)

    def _free(self, progress: ChunkProgress) -> None:
        """Bytes of a chunk aren't counted on any more."""
        if not progress.arrived_bytes and not progress.requests:
            self._forget(progress)
        else:
            self._sort(progress)
        self.freed.append(progress.chunk)

    def _sort(self, progress: ChunkProgress) -> None:
        if progress.unasked():
            self.partial[progress.chunk] = progress
        else:
            self.partial.pop(progress.chunk, None)

    def _forget(self, progress: ChunkProgress) -> None:
        del self.chunks[progress.chunk]
        self.partial.pop(progress.chunk, None)
        self.bytes -= progress.length
