"""Whether what this node provides can be found: a few of its shares are looked for as a stranger would.

Rules: the walk starts far from the key and uses nothing that this node knows of it; a share that isn't found is
provided again at once. The latest check is what is told: "I added it, nobody finds it" shall not be a riddle.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

log = logging.getLogger(__name__)

CHECK_S = 1800.0
"""Between checks: they are for the state of the network, which doesn't change in minutes."""

FIRST_S = 60.0
"""Before the first check, and between looks whether anything is provided yet."""

SHARES = 4
"""Looked for in one check: four lookups in half an hour are nothing to the network."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The latest check: shares looked for, those found, and when, in unix time."""

    shares: int = 0
    found: int = 0
    at: float | None = None

    def __str__(self) -> str:
        return f"{self.found} of {self.shares} shares checked can be found"


class Routing(Protocol):
    """What this service needs of Kademlia."""

    @property
    def routing_table_size(self) -> int: ...
    async def finds_itself(self, key: bytes) -> bool: ...


class Providing(Protocol):
    """What this service needs of `providing`; its latest check is told there."""

    checked: Checked

    def provided_shares(self) -> Sequence[bytes]: ...
    def renew(self, key: bytes) -> None: ...


class SelfCheck:
    """Looks for this node's own shares from time to time."""

    def __init__(self, routing: Routing, providing: Providing, clock: Callable[[], float], rng: random.Random) -> None:
        self._routing = routing
        self._providing = providing
        self._clock = clock
        self._rng = rng

    async def run(self) -> None:
        """Check for as long as the node runs."""
        while True:
            await trio.sleep(FIRST_S)
            shares = self._providing.provided_shares()
            if shares and self._routing.routing_table_size:
                try:
                    await self._check(self._rng.sample(shares, min(SHARES, len(shares))))
                except Exception:  # the border: a fault met with one server's answer is not the end of checking
                    log.exception("the self-check failed")
                await trio.sleep(CHECK_S)

    async def _check(self, keys: Sequence[bytes]) -> None:
        missing = [key for key in keys if not await self._routing.finds_itself(key)]
        checked = self._providing.checked = Checked(len(keys), len(keys) - len(missing), self._clock())
        if missing:
            names = ", ".join(key.hex()[:16] for key in missing)
            log.warning("self-check: %s; provided again: %s", checked, names)
        else:
            log.info("self-check: %s", checked)
        for key in missing:
            self._providing.renew(key)
