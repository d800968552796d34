"""What the node still has to write to one client: answers in order, and the newest progress of each call.

Rules: `put_progress` never waits and never grows, it replaces what the client hasn't read yet; `put` waits while
`MAX_ANSWERS` are unwritten, so a client that doesn't read stops being read from. A call's last progress goes out
before its answer, and progress can't starve answers.
"""

from __future__ import annotations

from collections import deque

import trio

from node.control.wire import Id, Progress, encode

MAX_ANSWERS = 32
"""Unwritten answers before the client has to read: twice the calls that it may have running."""


class Outbox:
    """Filled by the calls of one client, emptied by one writer."""

    def __init__(self) -> None:
        self._progress: dict[Id, bytes] = {}
        self._answers: deque[bytes] = deque()
        self._room = trio.Semaphore(MAX_ANSWERS)
        self._filled = trio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether everything has been taken."""
        return not self._progress and not self._answers

    def put_progress(self, request_id: Id, value: dict[str, object]) -> None:
        """Have `value` sent for the call, instead of any that wasn't sent yet."""
        self._progress[request_id] = encode(Progress(request_id, value))
        self._filled.set()

    async def put(self, line: bytes) -> None:
        """Have an encoded answer sent; waits while too many are unsent."""
        await self._room.acquire()
        self._answers.append(line)
        self._filled.set()

    async def take(self) -> bytes:
        """What to write next, waiting for it: all the progress there is and then one answer. Called by one task."""
        while not self._progress and not self._answers:
            self._filled = trio.Event()
            await self._filled.wait()
        lines = list(self._progress.values())
        self._progress.clear()
        if self._answers:
            lines.append(self._answers.popleft())
            self._room.release()
        return b"".join(lines)
