"""Whom to send what next: the sending side of one share.

Requests wait in one line per peer. A handful of peers have a *turn* at a time, of about a chunk each, so that whoever
is served has a whole chunk soon and can pass it on; within the turns deficit round robin shares the line byte by byte.
The next turn goes, in this order:

 1. to a peer that has fallen too far behind its fair share of bytes, so that nobody starves;
 2. to whoever asks for the chunk that has left here the fewest times for each peer that waits for it, so that every
    chunk gets out before any goes out twice (what BEP 16 wants, without hiding chunks), and one that got out to peers
    that didn't pass it on gets out again;
 3. to the peer that got the least so far, where the bytes of a peer that gives us much weigh up to four times less.

Rules: pure and bounded; the order within a line is only changed by rule 2 and only among its first few requests. The
driver sends what it is granted, in that order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from node.swarm.limits import TokenBucket, ready_at
from node.swarm.settings import UploadSettings
from protocols.exchange import MAX_DATA, MIN_DATA

TURN: Final = 1 << 20
"""Bytes of a turn, rounded up to whole requests: one chunk of the default size, or some hundred small files."""

SLICE: Final = 1 << 18
"""Bytes granted at once to a peer of which nothing else is known, and what each round gives to all whose turn it is."""

MAX_LAG: Final = 8 << 20
"""Bytes a peer may fall behind the best served one: eight turns. Rarer chunks go first until then, not for ever."""

BEST_WEIGHT: Final = 4.0
"""The weight of the peer that gives us the most; one that gives nothing has 1, so a newcomer can begin somewhere."""

_LOOKED_AT: Final = 8
"""Requests of a line looked at for the rarest chunk."""

_OFTEN: Final = 255
"""Counts of a chunk's departures stop here: they take a byte each."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Send these bytes of a chunk to a peer now; `is_last` if they end its request, which is for `begin`..`end`."""

    peer: str
    chunk: int
    offset: int
    length: int
    is_last: bool
    begin: int
    end: int


@dataclass(slots=True, eq=False)
class _Asked:
    """A request in a line, of which the first bytes may be granted already."""

    chunk: int
    offset: int
    length: int
    granted: int = 0


@dataclass(slots=True, eq=False)
class _Line:
    """The requests of one peer, and what it has had."""

    peer: str
    served: float  # bytes granted, each divided by the weight of the time
    waiting: deque[_Asked] = field(default_factory=deque)
    queued_bytes: int = 0
    current: _Asked | None = None
    is_held: bool = False
    turn: int = 0
    deficit: float = 0.0
    slice: int = SLICE
    gives_bps: float = 0.0

    @property
    def is_ready(self) -> bool:
        return not self.is_held and (self.current is not None or bool(self.waiting))


class UploadQueue:
    """The requests of all peers for one share of `chunk_count` chunks."""

    def __init__(self, chunk_count: int, settings: UploadSettings | None = None) -> None:
        self._settings = settings or UploadSettings()
        self._departures = bytearray(chunk_count)  # how often each chunk has left here
        self._wanted: dict[int, int] = {}  # by how many waiting requests each chunk is asked for
        self._lines: dict[str, _Line] = {}
        self._turns: deque[_Line] = deque()
        self._outside: dict[str, _Line] = {}  # the lines that want a turn and have none
        self._buckets: tuple[TokenBucket, ...] = ()
        self._best_bps = 0.0
        self._served = 0.0  # what the line that was granted something last had had by then

    def push(self, peer: str, chunk: int, offset: int, length: int) -> bool:
        """A peer asks for a range; False if its line is full: reject it as busy."""
        line = self._lines.get(peer)
        if line is None:
            line = self._lines[peer] = _Line(peer, self._least_served())
        full = len(line.waiting) >= self._settings.max_queued
        if full or line.queued_bytes + length > self._settings.max_queued_bytes:
            return False
        if not line.waiting and line.current is None:
            # Being away earns nothing: a peer that comes back stands where the last in line does.
            line.served = max(line.served, self._least_served())
        line.waiting.append(_Asked(chunk, offset, length))
        self._wanted[chunk] = self._wanted.get(chunk, 0) + 1
        line.queued_bytes += length
        self._place(line)
        return True

    def cancel(self, peer: str, chunk: int, offset: int, length: int) -> bool:
        """A peer doesn't want a range any more; whether its request was still here: reject it as cancelled.

        What was granted of it before stays granted and must go out before that REJECT.
        """
        line = self._lines.get(peer)
        if line is None:
            return False
        for asked in (*line.waiting, *filter(None, (line.current,))):
            if (asked.chunk, asked.offset, asked.length) == (chunk, offset, length):
                line.queued_bytes -= asked.length - asked.granted
                if asked is line.current:
                    line.current = None
                else:
                    self._take_out(line, asked)
                self._place(line)
                return True
        return False

    def peer_left(self, peer: str) -> None:
        """Nothing more is sent to a peer."""
        line = self._lines.pop(peer, None)
        if line is None:
            return
        for asked in tuple(line.waiting):
            self._take_out(line, asked)
        self._outside.pop(peer, None)
        if line in self._turns:
            self._turns.remove(line)

    def hold(self, peer: str) -> None:
        """A peer's stream takes nothing more for now: grant it nothing, and let somebody else have its turn."""
        if line := self._lines.get(peer):
            line.is_held = True
            self._place(line)

    def go_on(self, peer: str) -> None:
        """A peer's stream has room again."""
        if line := self._lines.get(peer):
            line.is_held = False
            self._place(line)

    def set_slice(self, peer: str, size: int) -> None:
        """Grant a peer about so many bytes at once from now on, as far as the protocol lets one DATA be so long."""
        if line := self._lines.get(peer):
            line.slice = min(max(MIN_DATA, size), MAX_DATA)

    def reciprocate(self, given_bps: Mapping[str, float]) -> None:
        """What peers send us at present, in bytes per second; who isn't named sends nothing."""
        self._best_bps = max(given_bps.values(), default=0.0)
        for line in self._lines.values():
            line.gives_bps = given_bps.get(line.peer, 0.0)

    def set_limits(self, *buckets: TokenBucket) -> None:
        """Grant no more than all of these let through; they may be shared with other queues."""
        self._buckets = buckets

    def next(self, now: float) -> Grant | None:
        """The next bytes to send; None if nobody waits for any or the limits are reached."""
        if ready_at(self._buckets, now) > now:
            return None
        self._give_turns()
        while self._turns:
            line = self._turns[0]
            asked = line.current or self._take(line)
            size = min((bucket.slice(line.slice) for bucket in self._buckets), default=line.slice)
            size = min(size, asked.length - asked.granted)
            if line.deficit >= size:
                return self._grant(line, asked, size, now)
            line.deficit += SLICE * self._weight(line)
            self._turns.rotate(-1)
        return None

    def next_wakeup(self, now: float) -> float | None:
        """When `next` will grant something that it doesn't now because of the limits; None if nobody waits."""
        if self._outside or any(line.is_ready for line in self._turns):
            return ready_at(self._buckets, now)
        return None

    @property
    def active(self) -> tuple[str, ...]:
        """The peers whose turn it is."""
        return tuple(line.peer for line in self._turns)

    def queued_bytes(self, peer: str) -> int:
        """Bytes a peer has asked for and not been granted."""
        line = self._lines.get(peer)
        return line.queued_bytes if line else 0

    def _grant(self, line: _Line, asked: _Asked, size: int, now: float) -> Grant:
        offset, end = asked.offset + asked.granted, asked.offset + asked.length
        grant = Grant(line.peer, asked.chunk, offset, size, offset + size == end, asked.offset, end)
        asked.granted += size
        line.queued_bytes -= size
        line.deficit -= size
        line.turn -= size
        self._served = line.served
        line.served += size / self._weight(line)
        for bucket in self._buckets:
            bucket.spend(size, now)
        if grant.is_last:
            line.current = None
        return grant

    def _give_turns(self) -> None:
        for line in [line for line in self._turns if not line.is_ready or (line.current is None and line.turn <= 0)]:
            line.deficit = 0.0
            self._turns.remove(line)
            self._place(line)
        free = self._settings.max_active - len(self._turns)
        if not free or not self._outside:
            return
        best = max(line.served for line in self._lines.values())
        for line in sorted(self._outside.values(), key=lambda line: self._precedence(line, best))[:free]:
            line.turn = TURN
            self._turns.append(line)
            del self._outside[line.peer]

    def _place(self, line: _Line) -> None:
        """Keep the list of lines that want a turn."""
        if line.is_ready and line not in self._turns:
            self._outside[line.peer] = line
        else:
            self._outside.pop(line.peer, None)

    def _precedence(self, line: _Line, best: float) -> tuple[bool, float, float]:
        """What a line is sorted by for the next turn, as the list at the top has it; what was begun goes on first."""
        spread = -1.0 if line.current else min(map(self._spread, self._front(line)))
        return best - line.served <= MAX_LAG, spread, line.served

    def _spread(self, asked: _Asked) -> float:
        """How often its chunk has left here for each request that waits for it."""
        return self._departures[asked.chunk] / self._wanted[asked.chunk]

    def _take(self, line: _Line) -> _Asked:
        """Begin the request of the line whose chunk is spread the least, of equals the oldest."""
        asked = min(self._front(line), key=self._spread)
        self._take_out(line, asked)
        line.current = asked
        if asked.offset == 0 and self._departures[asked.chunk] < _OFTEN:
            self._departures[asked.chunk] += 1
        return asked

    def _take_out(self, line: _Line, asked: _Asked) -> None:
        """A request waits no longer."""
        line.waiting.remove(asked)
        self._wanted[asked.chunk] -= 1
        if not self._wanted[asked.chunk]:
            del self._wanted[asked.chunk]

    def _front(self, line: _Line) -> list[_Asked]:
        return [line.waiting[place] for place in range(min(_LOOKED_AT, len(line.waiting)))]

    def _least_served(self) -> float:
        return min((line.served for line in self._lines.values() if line.is_ready), default=self._served)

    def _weight(self, line: _Line) -> float:
        if not self._best_bps:
            return 1.0
        return 1.0 + (BEST_WEIGHT - 1.0) * line.gives_bps / self._best_bps
