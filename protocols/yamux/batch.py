"""How many bytes of frames to send at once.

Rule: as many as the connection takes in a few milliseconds. Each batch costs a fixed amount of work, so that a fast
connection wants long ones; and whatever is urgent waits for the batch that is being sent, so that a slow one wants
short ones. Time is passed in.
"""

from __future__ import annotations

from typing import Final

from protocols.noise import MAX_PLAINTEXT

SLOW_S: Final = 0.008
"""A batch that takes longer is too long: 130 MB/s with the longest ones, and below 8 MB/s nothing shorter helps."""

FAST_S: Final = SLOW_S / 3
"""A full batch that takes less may be twice as long: with room between the two, so that it doesn't go up and down."""

LEAST: Final = MAX_PLAINTEXT
FIRST: Final = 4 * MAX_PLAINTEXT
MOST: Final = 16 * MAX_PLAINTEXT
"""In full Noise messages. At 250 MB/s sixteen take 4 ms, and the work for each byte is a tenth less than with four."""


class BatchSize:
    """The size for one connection, in bytes."""

    def __init__(self) -> None:
        self.bytes = FIRST

    def sent(self, size: int, seconds: float) -> bool:
        """A batch was sent, or taken by the kernel, in so long; whether the size has changed."""
        before = self.bytes
        if seconds > SLOW_S:
            self.bytes = max(LEAST, before // 2)
        elif seconds < FAST_S and size >= before:
            self.bytes = min(MOST, before * 2)
        return self.bytes != before
