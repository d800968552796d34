"""Which keyword keys this node provides: those that lead to its shares, within a cap per share and per node.

Rules: pure. A keyword is provided for as long as one share has it; several shares with one keyword cost one key. The
first that came are provided; what is over the node's cap waits until another one goes.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_PER_SHARE = 8
"""The rarest words of a name find it; the ninth would mostly be `the` (field practice: eMule, Tribler)."""

MAX_PER_NODE = 2_000
"""40,000 records at the neighbours in 22 h: two messages a second at most, whatever the node shares."""


class Keywords:
    """The keywords of every share, and which of them are provided."""

    def __init__(self, *, max_per_share: int = MAX_PER_SHARE, max_per_node: int = MAX_PER_NODE) -> None:
        self._max_per_share = max_per_share
        self._max_per_node = max_per_node
        self._of_share: dict[bytes, tuple[bytes, ...]] = {}
        self._uses: dict[bytes, int] = {}  # how many shares have a keyword; in the order in which they came
        self._waiting: dict[bytes, None] = {}  # those over the node's cap, in the same order

    def __len__(self) -> int:
        return len(self._uses) - len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many keywords the node's cap keeps from being provided."""
        return len(self._waiting)

    def set(self, share: bytes, keywords: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Let `keywords`, the most telling first, lead to `share`; which keys are to be provided now, and no more."""
        wanted = tuple(dict.fromkeys(keywords))[: self._max_per_share]
        before = self._of_share.pop(share, ())
        if wanted:
            self._of_share[share] = wanted
        added = [key for key in wanted if key not in before and self._use(key)]
        dropped = [key for key in before if key not in wanted and self._let_go(key)]
        while self._waiting and len(self) < self._max_per_node:
            key = next(iter(self._waiting))
            del self._waiting[key]
            added.append(key)
        return added, dropped

    def _use(self, key: bytes) -> bool:
        """Count one more share; whether the keyword is to be provided from now on."""
        self._uses[key] = self._uses.get(key, 0) + 1
        if self._uses[key] > 1:
            return False
        if len(self) > self._max_per_node:
            self._waiting[key] = None
            return False
        return True

    def _let_go(self, key: bytes) -> bool:
        """Count one share less; whether the keyword was provided and is to be no more."""
        self._uses[key] -= 1
        if self._uses[key]:
            return False
        del self._uses[key]
        if key in self._waiting:
            del self._waiting[key]
            return False
        return True
