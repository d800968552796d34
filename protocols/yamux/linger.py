"""Streams that have ended for one side and not for the other: they get time as long as something moves.

An application that closes a stream takes no more interest in it; a peer that never says FIN, or never reads what is
queued, would keep it for the life of the connection. And a peer that resets a stream leaves behind what it had sent,
which the application may want, or not. So each is given up after `LINGER_S` without progress.
"""

from __future__ import annotations

from math import inf

from protocols.yamux.limits import LINGER_S
from protocols.yamux.stream import Stream


class Lingering:
    """Streams that wait for an end, the one that has waited longest first."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Stream, float, int]] = {}  # by id: stream, deadline, its progress by then

    @property
    def next_deadline(self) -> float:
        """When `expired` will next have something to say."""
        return next((deadline for _, deadline, _ in self._waiting.values()), inf)

    def add(self, stream: Stream, now: float) -> None:
        """Starts to wait for the end of the stream."""
        self._waiting.setdefault(stream.id, (stream, now + LINGER_S, stream.progress))

    def discard(self, stream: Stream) -> None:
        """The stream is over."""
        self._waiting.pop(stream.id, None)

    def expired(self, now: float) -> list[Stream]:
        """Removes and gives the streams on which nothing has moved since their last deadline."""
        stale = []
        while self.next_deadline <= now:
            stream, _, progress = self._waiting.pop(next(iter(self._waiting)))
            if stream.progress == progress:
                stale.append(stream)
            else:
                self.add(stream, now)
        return stale
