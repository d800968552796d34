"""Whether the peer is still there, and how far away it is.

A ping goes out every `PING_INTERVAL_S`, after a few at the start. A peer is silent when a ping has waited
`PING_TIMEOUT_S` and no byte of any kind has arrived since: half-open connections are found, slow ones are left alone.
Time comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from protocols.yamux.limits import PING_INTERVAL_S, PING_TIMEOUT_S

ROUND_TRIPS_KEPT: Final = 8
"""Of which the smallest counts: queues of a moment don't, and a change of route is noticed within 80 s."""

FIRST_ROUND_TRIPS: Final = 4
"""Measured one after the other when a connection starts. The first alone would count the work of setting it up."""


class Keepalive:
    """Pings sent and answered on one connection."""

    def __init__(self, now: float) -> None:
        self._next_ping = now
        self._silent_since: float | None = None  # when the first ping went out after the last byte came in
        self._number = 0
        self._sent: float | None = None  # when ping _number went out, until it is answered
        self._round_trips: deque[float] = deque(maxlen=ROUND_TRIPS_KEPT)

    @property
    def round_trip_s(self) -> float:
        """The smallest of the last round trips; 0 before the first is known."""
        return min(self._round_trips, default=0.0)

    @property
    def next_deadline(self) -> float:
        """When `ping_due` or `is_silent` will next have something to say."""
        if self._silent_since is None:
            return self._next_ping
        return min(self._next_ping, self._silent_since + PING_TIMEOUT_S)

    def heard(self) -> None:
        """Bytes have arrived."""
        self._silent_since = None

    def pong(self, number: int, now: float) -> None:
        """A ping was answered; answers to older ones, or to none, say nothing."""
        if number == self._number and self._sent is not None:
            self._round_trips.append(now - self._sent)
            self._sent = None
            if len(self._round_trips) < FIRST_ROUND_TRIPS:
                self._next_ping = now

    def is_silent(self, now: float) -> bool:
        """Whether the peer must be taken for gone."""
        return self._silent_since is not None and now >= self._silent_since + PING_TIMEOUT_S

    def ping_due(self, now: float) -> int | None:
        """The number of the ping to send now, if one is due."""
        if now < self._next_ping:
            return None
        self._next_ping = now + PING_INTERVAL_S
        self._number = (self._number + 1) % 2**32
        self._sent = now
        if self._silent_since is None:
            self._silent_since = now
        return self._number
