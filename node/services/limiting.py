"""The bandwidth limits in force: of the whole node, and of single shares.

Rules: numbers only; the catalogue keeps them, `Exchange` and the downloads spend from the buckets. A bucket is the
same object as long as the node runs, so that whoever holds it sees a change at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from node.swarm.limits import TokenBucket
from protocols.cid import Cid


def _unlimited() -> TokenBucket:
    return TokenBucket(None, 0.0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """What passes up and down, of a share or of the node."""

    up: TokenBucket = field(default_factory=_unlimited)
    down: TokenBucket = field(default_factory=_unlimited)

    def set(self, up_bps: float | None, down_bps: float | None) -> None:
        """Change both limits, in bytes per second; None is none, 0 lets nothing through."""
        now = trio.current_time()
        self.up.set_bps(up_bps, now)
        self.down.set_bps(down_bps, now)


class Limits:
    """The node's buckets, and those of each share that was asked about."""

    def __init__(self) -> None:
        self.node = Buckets()
        self._shares: dict[Cid, Buckets] = {}

    def of(self, cid: Cid) -> Buckets:
        """The buckets of a share alone, unlimited where nothing else was said."""
        return self._shares.setdefault(cid, Buckets())

    def forget(self, cid: Cid) -> None:
        """The share is gone from this node."""
        self._shares.pop(cid, None)

    def up(self, cid: Cid) -> tuple[TokenBucket, ...]:
        """What everything sent of a share has to pass."""
        return self.node.up, self.of(cid).up

    def down(self, cid: Cid) -> tuple[TokenBucket, ...]:
        """What everything asked for of a share has to pass."""
        return self.node.down, self.of(cid).down
