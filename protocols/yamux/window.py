"""Flow control: what the peer may still send on a stream, and when it may send more.

Rules of this file:
- A byte of credit is given back only when the application has taken a byte, so what lies unread on a stream never
  exceeds its window.
- A window grows only while three things hold: a quarter of it was read within `GROWTH_ROUND_TRIPS` round trips (so the
  window, not the reader, is what limits the stream), most of what came has been read, and the connection's budget
  has room. A stream that nobody reads, or that is read slowly, keeps the window it has.
- Nothing shrinks on the wire: credit once given can't be taken back in yamux.

The rule of the round trips is like go-yamux's (`sendWindowUpdate`: half a window within four), on the smallest round
trip seen rather than the last: those measured under load contain the queue that a too large window has built.
"""

from __future__ import annotations

from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.yamux.limits import INITIAL_WINDOW, KIB, MAX_STREAM_WINDOW, MIB, WINDOW_GROWTH_BUDGET

GROWTH_ROUND_TRIPS: Final = 1.5
"""A stream that its window holds up gets a burst in each round trip and waits for the rest of it, so a quarter of the
window takes one round trip at most, and growing by quarters is four times per round trip. A stream that isn't held up
stops growing when its window is about six times what the path holds."""

MIN_ROUND_TRIP_S: Final = 0.0005
"""Round trips are taken to be at least this long: below it, the turns that the tasks of two busy processes take are
what a window must bridge. On loopback this makes windows of 2 to 4 MiB, measured best of 256 KiB to 16 MiB."""

MAX_WITHHELD: Final = MIB
"""Credit is given back at the latest when this much has been read. Giving a quarter of a window at a time costs little,
but a quarter of a large one would leave the sender waiting at the end of each."""

MIN_UPDATE: Final = 64 * KIB


class WindowBudget:
    """How much the windows of one connection may still grow, together."""

    def __init__(self, size: int = WINDOW_GROWTH_BUDGET) -> None:
        self._left = size

    @property
    def left(self) -> int:
        """Bytes of growth that nobody has taken."""
        return self._left

    def take(self, size: int) -> bool:
        """Takes `size` if that much is left; says whether it was."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Returns what a stream had taken, when it ends."""
        self._left += size


class ReceiveWindow:
    """One stream's receive window."""

    def __init__(self, budget: WindowBudget) -> None:
        self._budget = budget
        self._size = INITIAL_WINDOW
        self._credit = INITIAL_WINDOW  # what the peer may send without hearing from us
        self._epoch: float | None = None  # when the quarter of the window that is being read began
        self._read_in_epoch = 0

    @property
    def size(self) -> int:
        """What may be under way or unread at once."""
        return self._size

    @property
    def credit(self) -> int:
        """What the peer may still send."""
        return self._credit

    def check(self, size: int) -> None:
        """Raises RemoteProtocolError if the peer has no credit for what it announces."""
        if size > self._credit:
            raise RemoteProtocolError(f"{size} bytes for a yamux stream with {self._credit} of window left")

    def received(self, size: int, now: float) -> None:
        """Accounts for data that was announced and has arrived."""
        self._credit -= size
        if self._epoch is None:
            self._epoch = now

    def read(self, size: int, unread: int, now: float, round_trip_s: float) -> int:
        """The application took `size` bytes and left `unread`. Gives the credit to send to the peer, often 0."""
        self._read_in_epoch += size
        if 4 * self._read_in_epoch >= self._size:
            self._tune(unread, now, max(round_trip_s, MIN_ROUND_TRIP_S))
        due = self._size - self._credit - unread
        if due < min(max(self._size // 4, MIN_UPDATE), MAX_WITHHELD):
            return 0
        self._credit += due
        return due

    def close(self) -> None:
        """Gives back what the window had grown by; called once, when the stream ends."""
        self._budget.give_back(self._size - INITIAL_WINDOW)

    def _tune(self, unread: int, now: float, round_trip_s: float) -> None:
        began = self._epoch if self._epoch is not None else now
        is_fast = now - began <= GROWTH_ROUND_TRIPS * round_trip_s
        keeps_up = 4 * unread <= self._size
        if is_fast and keeps_up and 2 * self._size <= MAX_STREAM_WINDOW and self._budget.take(self._size):
            self._size *= 2
        self._epoch = now
        self._read_in_epoch = 0
