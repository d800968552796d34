"""How much to keep requested at one peer, from how fast it answers.

Rules: pure; bytes and seconds. The window opens as TCP's does, by what arrives, up to about three seconds' worth of the
measured rate, and closes with the rate, so it is never empty at a fast peer and never long at a slow one.
"""

from __future__ import annotations

from typing import Final

from node.swarm.rates import SLOW_S, Pace, Rate

PIPELINE_S: Final = 3.0
"""Seconds of a peer's rate to keep requested (libtorrent's request_queue_time): rides out a pause of its disk."""

INITIAL_CHUNKS: Final = 2
"""Chunks asked of a peer nothing is known of: one to be sent and one so that it needn't wait for us in between. It is
also the most that a peer can waste before its first chunk has been verified."""

SLOW_CHUNK_S: Final = 10.0
"""A peer that would need longer than this for a chunk is asked for parts of chunks only."""

SLOW_RANGE_S: Final = 5.0
MIN_RANGE: Final = 64 << 10
MAX_SLOW_RANGE: Final = 256 << 10
"""A slow peer is asked for what takes it about five seconds, within these bounds: small enough for others to fill the
rest of the chunk meanwhile, large enough that requests and mixed chunks stay few."""

_RANGE_STEP: Final = 16 << 10
"""Ranges end on multiples of 16 KiB, so that disk pages aren't written twice."""

PROMPT_S: Final = 2.0
"""A peer that begins an answer sooner than this has no long line of others before us."""

_SAME_TURN_S: Final = 1.0
"""A new answer that begins this soon after the last byte of the one before counts as uninterrupted sending."""


class Pipeline:
    """The rate of one peer and the window of bytes to keep requested at it."""

    __slots__ = (
        "_chunk_size",
        "_last_at",
        "_max",
        "_waited_s",
        "average",
        "is_proven",
        "pace",
        "rate",
        "round_trip_s",
        "window",
    )

    def __init__(self, chunk_size: int, max_pipeline: int) -> None:
        self._chunk_size = min(chunk_size, max_pipeline)
        self._max = max_pipeline
        self._last_at: float | None = None
        self._waited_s = 0.0  # for the last answer to begin, not counting the answers before it
        self.rate = Rate()
        self.average = Rate(SLOW_S)
        self.pace = Pace()
        self.round_trip_s: float | None = None  # the shortest seen from a request to its first byte
        self.is_proven = False  # a chunk with bytes of this peer has been verified
        self.window = self._initial

    @property
    def is_prompt(self) -> bool:
        """Whether its last answer began soon, or none has yet."""
        return self._waited_s < PROMPT_S

    def arrived(self, size: int, now: float, *, asked_at: float | None) -> None:
        """Bytes came in; `asked_at` says when they were asked for if they are the first of an answer."""
        if self._last_at is not None:
            gap = now - self._last_at
            if asked_at is None or gap < _SAME_TURN_S:
                self.pace.add(size, gap)
        if asked_at is not None:
            self._waited_s = now - max(asked_at, self._last_at or asked_at)
        self._last_at = now
        self.rate.add(size, now)
        self.average.add(size, now)
        target = int(self.rate.bps(now) * (PIPELINE_S + (self.round_trip_s or 0.0)))
        if self.window < target:
            self.window = min(self.window + size, target, self._max if self.is_proven else self._initial)
        else:
            self.window = max(target, self.range_size(self._chunk_size))

    def answered(self, seconds: float) -> None:
        """An answer began so long after its request, which was the only one."""
        if self.round_trip_s is None or seconds < self.round_trip_s:
            self.round_trip_s = min(seconds, PIPELINE_S)

    def restart(self) -> None:
        """The peer has stopped answering: begin with one chunk again."""
        self.window = self._chunk_size

    def range_size(self, chunk_length: int) -> int:
        """How much of a chunk of this length to ask for at once."""
        pace = self.pace.bps()
        if pace is None or chunk_length <= pace * SLOW_CHUNK_S:
            return chunk_length
        size = min(max(int(pace * SLOW_RANGE_S), MIN_RANGE), MAX_SLOW_RANGE)
        return size - size % _RANGE_STEP

    def affordable(self) -> float | None:
        """Bytes the peer sends in the longest time a chunk may take; None while its pace isn't known."""
        pace = self.pace.bps()
        return None if pace is None else pace * SLOW_CHUNK_S

    @property
    def _initial(self) -> int:
        return min(INITIAL_CHUNKS * self._chunk_size, self._max)
