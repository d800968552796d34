"""What this node has asked of the DHT, and how that went: the figures of a status screen.

Rules: pure, `now` in seconds of a clock that goes forward; bounded: questions are counted by the minute, for an hour.
Who is asked nothing because it failed lately counts as a failure; what was cancelled counts as neither.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HOUR_S = 3600.0
MINUTE_S = 60.0
ANSWERS = 512  # whose time is remembered: the slowest 19 in 20 of them are told apart, and an idle hour has no more
WALKS = 50  # likewise; a walk is some twenty questions


@dataclass(slots=True)
class _Minute:
    number: int
    answered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took; 0 before there is any."""

    median_s: float
    slow_s: float  # what 19 in 20 took at most


class Tally:
    """Questions and walks of one node."""

    def __init__(self) -> None:
        self.walks = 0
        self.answered = 0
        self.failed = 0
        self.running = 0
        self._walks: deque[float] = deque(maxlen=WALKS)
        self._answers: deque[tuple[float, float]] = deque(maxlen=ANSWERS)  # when, and how long it took
        self._minutes: deque[_Minute] = deque(maxlen=round(HOUR_S / MINUTE_S))

    def answer(self, seconds: float, now: float) -> None:
        """A question has been answered."""
        self.answered += 1
        self._minute(now).answered += 1
        self._answers.append((now, seconds))

    def failure(self, now: float) -> None:
        """A question has got no answer, or none that was one."""
        self.failed += 1
        self._minute(now).failed += 1

    def walked(self, seconds: float) -> None:
        """A walk is over."""
        self.walks += 1
        self._walks.append(seconds)

    def last_hour(self, now: float) -> tuple[int, int]:
        """How many questions were answered in the last hour, to the minute, and how many failed."""
        since = int((now - HOUR_S) / MINUTE_S)
        recent = [minute for minute in self._minutes if minute.number > since]
        return sum(minute.answered for minute in recent), sum(minute.failed for minute in recent)

    def answer_times(self, now: float) -> Times:
        """How long the answers of the last hour took, the latest of them if there were many."""
        return _times([seconds for at, seconds in self._answers if at > now - HOUR_S])

    def walk_times(self) -> Times:
        """How long the last few dozen walks took."""
        return _times(self._walks)

    def _minute(self, now: float) -> _Minute:
        number = int(now / MINUTE_S)
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        return self._minutes[-1]


def _times(taken: Sequence[float]) -> Times:
    if not taken:
        return Times(0.0, 0.0)
    return Times(median(taken), sorted(taken)[len(taken) * 19 // 20])
