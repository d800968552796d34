"""The chunks that a peer has said to have and, asked for them, couldn't give: when to ask it for them again.

Why at all: a read error of a moment, or a file that is just being verified again, is no reason to do without the only
peer that has a chunk. Rules: pure; bounded; each refusal of the same chunk doubles the pause.
"""

from __future__ import annotations

from math import inf
from typing import Final

FIRST_PAUSE_S: Final = 10.0
LAST_PAUSE_S: Final = 160.0
"""A disk that stumbled answers within seconds; one request in minutes costs a peer that never will next to nothing."""

MAX_WITHHELD: Final = 1024
"""Chunks of one peer; of more, those refused first are done without: such a peer has lost its files."""


class Withheld:
    """The chunks that one peer refused to give."""

    def __init__(self) -> None:
        self._chunks: dict[int, tuple[float, float]] = {}  # the pause after its refusal, and when that ends
        self._next = inf

    def refused(self, chunk: int, now: float) -> None:
        """The peer can't give a chunk now."""
        pause, _ = self._chunks.pop(chunk, (FIRST_PAUSE_S / 2, 0.0))
        pause = min(LAST_PAUSE_S, 2 * pause)
        self._chunks[chunk] = pause, now + pause
        self._next = min(self._next, now + pause)
        if len(self._chunks) > MAX_WITHHELD:
            del self._chunks[next(iter(self._chunks))]

    def due(self, now: float) -> list[int]:
        """The chunks to ask it for again; each is named once after a refusal."""
        if now < self._next:
            return []
        due = [chunk for chunk, (_, until) in self._chunks.items() if until <= now]
        for chunk in due:
            self._chunks[chunk] = self._chunks[chunk][0], inf
        self._next = min((until for _, until in self._chunks.values()), default=inf)
        return due

    def clear(self) -> None:
        """The peer says anew what it has."""
        self._chunks.clear()
        self._next = inf
