"""How many copies of one content there are among those who have proved to have some of it. Pure.

Rules: only what somebody is known to have counts, chunk by chunk: who has all of it is one copy, and two who lack
other halves are one together. A peer that has said nothing is no copy, and where nobody has proved anything there is
no number. What peers lack is kept for as long as a search runs; after that the number alone.
"""

from __future__ import annotations

from node.services.chunk_map import distributed_copies
from node.swarm.availability import Availability, mask_of
from protocols.bitfield import Bitfield


class Copies:
    """The copies of one content, counted peer by peer.

    A bitfield is 256 KiB at most and a search checks 32 claims: 8 MiB while it runs, however partial everybody is.
    """

    def __init__(self) -> None:
        self._whole = 0
        self._count = 0
        self._parts: Availability | None = None

    def add(self, have: Bitfield) -> None:
        """A peer has these chunks, of as many as all the others' bitfields tell of."""
        if have.is_complete:
            self._whole += 1
            return
        if self._parts is None:
            self._count, self._parts = have.length, Availability(have.length)
        self._parts.add(mask_of(have))

    @property
    def known(self) -> float:
        """Whole copies, and the part of the chunks that have one more: 0.93 says that 7 in 100 are nowhere."""
        parts = distributed_copies(self._count, self._parts.planes()) if self._parts else 0.0
        return self._whole + parts
