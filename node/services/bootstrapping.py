"""Getting into the network and staying in it: bootstrap multiaddrs, then the peers remembered from last time.

Rules: nothing is dialled that the user, the configuration or this node's own address book didn't name; while the
node is alone it tries again, at most every half minute. Alone is who knows no DHT server: somebody else's node, found
on the LAN, is company but no way into the network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from node.errors import ShoalError

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
REMEMBERED = 20
"""Remembered peers that are tried at once: a few are always up, and a table refresh brings the rest."""

DIAL_TIMEOUT_S = 10.0


class Network(Protocol):
    """What this service needs of the host."""

    async def connect(self, target: str) -> str: ...
    def connections(self) -> Sequence[object]: ...


class Book(Protocol):
    """Where peers were reached before."""

    async def recent(self, limit: int) -> Sequence[tuple[str, str]]: ...


class Bootstrapping:
    """Dials until somebody answers, and again whenever the node is alone."""

    def __init__(self, network: Network, servers: Callable[[], int], addresses: Sequence[str], book: Book) -> None:
        """`servers` tells how many DHT servers are known."""
        self._network = network
        self._servers = servers
        self._addresses = tuple(addresses)
        self._book = book
        self.failures: dict[str, str] = {}

    async def run(self) -> None:
        """Keep the node from being alone, for as long as it runs."""
        pause = FIRST_PAUSE_S
        first = True
        while True:
            if first or self._is_alone:
                first = False
                remembered = [f"{address}/p2p/{peer}" for peer, address in await self._book.recent(REMEMBERED)]
                await self._dial_all((*self._addresses, *remembered))
            pause = min(LONGEST_PAUSE_S, pause * 2) if self._is_alone else FIRST_PAUSE_S
            await trio.sleep(pause)

    @property
    def _is_alone(self) -> bool:
        return not (self._network.connections() and self._servers())

    async def _dial_all(self, addresses: Sequence[str]) -> None:
        async with trio.open_nursery() as nursery:
            for address in dict.fromkeys(addresses):
                nursery.start_soon(self._dial, address)

    async def _dial(self, address: str) -> None:
        reason = f"no answer within {DIAL_TIMEOUT_S:.0f} s"
        with trio.move_on_after(DIAL_TIMEOUT_S):
            try:
                await self._network.connect(address)
                self.failures.pop(address, None)
                return
            except ShoalError as error:
                reason = str(error)
        if self.failures.get(address) != reason and address in self._addresses:
            log.warning("bootstrap %s failed: %s", address, reason)
            self.failures[address] = reason
