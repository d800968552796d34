"""Sending the chunks of one manifest to all of its peers.

Rules: whom to send what next is `node.swarm.UploadQueue`'s decision, within the bandwidth limits; here its grants are
read from disk, a batch a thread hop, and queued at the sessions. A session that has enough waiting is granted nothing
more until it has written some of it. What was granted of a request goes out before the REJECT that ends it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import trio

from node.errors import StorageError
from node.services.content import Content
from node.services.session import PeerSession
from node.swarm.limits import TokenBucket
from node.swarm.upload import Grant, UploadQueue
from protocols.exchange import Cancel, Data, Reject, RejectReason, Request

log = logging.getLogger(__name__)

ROOM_LEAST = 1 << 20
ROOM_MOST = 8 << 20
ROOM_S = 0.04
"""Bytes granted and not yet written per session: what the peer takes in so long, within these bounds. Enough to keep
the socket busy while the next batch is read; little for a slow peer, whose bytes would only lie here."""

BATCH = 4 << 20
BATCH_GRANTS = 128
"""Read in one thread hop: a hop a chunk is dear at full speed. Fewer where they are of small files, so that choosing
them never holds up the loop."""

RECIPROCATE_S = 10.0
"""How often it is looked at who gives us how much: BitTorrent's interval, long enough to average bursts away."""

LONGEST_WAIT_S = 1.0
"""A limit that somebody changes is noticed at the latest now."""


@dataclass(slots=True, eq=False)
class _Seat:
    """A session, and what is on its way to it."""

    session: PeerSession
    joined_at: float
    granted: int = 0  # bytes granted and not queued at the session yet
    is_held: bool = False
    given: int = 0  # bytes it had sent us when that was looked at last

    def room(self, now: float) -> int:
        return min(max(ROOM_LEAST, int(self.session.up.bps(now) * ROOM_S)), ROOM_MOST)

    @property
    def backlog(self) -> int:
        return self.granted + self.session.bulk_bytes


@dataclass(slots=True, eq=False)
class _Run:
    """Grants of one request that follow one another: read as one, sent each as a message of its own."""

    seat: _Seat
    first: Grant
    last: Grant
    lengths: list[int] = field(default_factory=list)

    @property
    def span(self) -> Request:
        return Request(self.first.chunk, self.first.offset, sum(self.lengths))


class Uploads:
    """The line of one manifest's requests, and the task that serves it."""

    def __init__(self, buckets: tuple[TokenBucket, ...]) -> None:
        self.content: Content | None = None
        self.is_running = False
        self._buckets = buckets
        self._queue: UploadQueue | None = None
        self._seats: dict[str, _Seat] = {}
        self._rejects: list[tuple[PeerSession, Reject]] = []  # to be sent after what is being read
        self._is_reading = False
        self._reciprocate_at = 0.0
        self._wake = trio.Event()

    def set_content(self, content: Content) -> None:
        """What is served from now on."""
        self.content = content
        if self._queue is None:
            self._queue = UploadQueue(content.geometry.chunk_count)
            self._queue.set_limits(*self._buckets)

    def join(self, session: PeerSession) -> None:
        """A session may ask from now on."""
        self._seats[session.peer] = seat = _Seat(session, trio.current_time())
        session.on_written = lambda: self._written(seat)

    def leave(self, session: PeerSession) -> None:
        """The session is over, or another one has taken its place."""
        seat = self._seats.get(session.peer)
        if seat is None or seat.session is not session:
            return
        del self._seats[session.peer]
        if self._queue:
            self._queue.peer_left(session.peer)
        self._wake.set()

    def request(self, session: PeerSession, message: Request) -> None:
        """A peer asks for a range."""
        if self._seat(session) is None:
            return
        if self._queue is None:
            session.queue(_reject(message, RejectReason.UNAVAILABLE))
        elif self._queue.push(session.peer, message.chunk, message.offset, message.length):
            self._wake.set()
        else:
            session.queue(_reject(message, RejectReason.BUSY))

    def cancel(self, session: PeerSession, message: Cancel) -> None:
        """A peer doesn't need a range any more; what is granted of it already still goes out first."""
        range_ = message.chunk, message.offset, message.length
        if self._queue and self._seat(session) and self._queue.cancel(session.peer, *range_):
            self._reject_after_data(session, Reject(*range_, reason=RejectReason.CANCELLED))

    async def run(self) -> None:
        """Serve until the last session has left; `is_running` is set by who starts it."""
        try:
            while self._seats:
                if runs := self._next_runs(trio.current_time()):
                    await self._send(runs)
                else:
                    await self._until_something_changes()
        except Exception:  # the border: a bug met in serving one manifest costs its sessions and nothing else
            log.exception("what is asked for can't be served; its %d sessions end", len(self._seats))
            for seat in tuple(self._seats.values()):
                seat.session.stream.reset()
        finally:
            self.is_running = False

    # --- the task ---------------------------------------------------------------------------------------------

    def _next_runs(self, now: float) -> list[_Run]:
        """The next batch that the queue grants, request by request."""
        if self._queue is None:
            return []
        if now >= self._reciprocate_at:
            self._reciprocate(self._queue, now)
        runs: dict[tuple[str, int, int], _Run] = {}
        size = 0
        for _ in range(BATCH_GRANTS):
            grant = self._queue.next(now) if size < BATCH else None
            if grant is None:
                break
            seat = self._seats[grant.peer]
            run = runs.setdefault((grant.peer, grant.chunk, grant.begin), _Run(seat, grant, grant))
            run.last = grant
            run.lengths.append(grant.length)
            size += grant.length
            seat.granted += grant.length
            if seat.backlog >= seat.room(now):
                seat.is_held = True
                self._queue.hold(grant.peer)
        return list(runs.values())

    async def _send(self, runs: list[_Run]) -> None:
        assert self.content is not None
        self._is_reading = True
        try:
            answers = await self.content.read([run.span for run in runs])
        finally:
            self._is_reading = False
        for run, answer in zip(runs, answers, strict=True):
            run.seat.granted -= sum(run.lengths)
            if self._seat(run.seat.session) is not run.seat:
                continue  # gone while it was read
            if isinstance(answer, StorageError):
                self._unreadable(run, answer)
                continue
            view, offset = memoryview(answer), 0
            for length in run.lengths:
                part = view[offset : offset + length]
                run.seat.session.queue_bulk(Data(run.first.chunk, run.first.offset + offset, part))
                offset += length
        for session, reject in self._rejects:
            session.queue_bulk(reject)
        self._rejects.clear()

    async def _until_something_changes(self) -> None:
        now = trio.current_time()
        due = self._queue.next_wakeup(now) if self._queue else None
        # Not before a millisecond has passed, whatever the queue says: nothing changes in less.
        wait = min(LONGEST_WAIT_S, max(due - now, 0.001)) if due is not None else float("inf")
        with trio.move_on_after(wait):
            await self._wake.wait()
        self._wake = trio.Event()

    def _written(self, seat: _Seat) -> None:
        """A session has written something: it may be granted more again once half its room is free."""
        now = trio.current_time()
        if self._queue:
            self._queue.set_slice(seat.session.peer, seat.session.burst(now) // 2)
        if seat.is_held and self._queue and seat.backlog <= seat.room(now) // 2:
            seat.is_held = False
            if self._seats.get(seat.session.peer) is seat:
                self._queue.go_on(seat.session.peer)
                self._wake.set()

    def _unreadable(self, run: _Run, error: StorageError) -> None:
        grant = run.last
        log.warning("chunk %d can't be read for %s: %s", grant.chunk, grant.peer, error)
        if self.content:
            self.content.on_unreadable(error)
        request = Request(grant.chunk, grant.begin, grant.end - grant.begin)
        assert self._queue is not None
        rest = self._queue.cancel(grant.peer, request.chunk, request.offset, request.length)
        if rest or grant.is_last:  # else the peer has cancelled it meanwhile, and is told so
            self._reject_after_data(run.seat.session, _reject(request, RejectReason.UNAVAILABLE))

    def _reject_after_data(self, session: PeerSession, reject: Reject) -> None:
        if self._is_reading:
            self._rejects.append((session, reject))
        else:
            session.queue_bulk(reject)

    def _reciprocate(self, queue: UploadQueue, now: float) -> None:
        self._reciprocate_at = now + RECIPROCATE_S
        given: dict[str, float] = {}
        for peer, seat in self._seats.items():
            seconds = min(RECIPROCATE_S, max(1.0, now - seat.joined_at))
            given[peer] = (seat.session.down.total - seat.given) / seconds
            seat.given = seat.session.down.total
        queue.reciprocate(given)

    def _seat(self, session: PeerSession) -> _Seat | None:
        """The session's seat, unless it is leaving: a peer that was told so is owed no answer."""
        seat = self._seats.get(session.peer)
        return seat if seat and seat.session is session and not session.is_closing else None


def _reject(request: Request, reason: RejectReason) -> Reject:
    return Reject(chunk=request.chunk, offset=request.offset, length=request.length, reason=reason)
