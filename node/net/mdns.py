"""Finding peers on the LAN, and being found there: no bootstrap address is needed among neighbours.

Rules: on while the node listens on an address of a LAN; a node that listens on loopback only says nothing and asks
nothing. Whom it finds is dialled as anybody else is, a few at a time, and is a peer like any other from then on. While
the node is alone those found before are tried again. py-libp2p's own mDNS (0.8.1) puts a bare peer id where the
specification has multiaddrs, so that neither go nor rust sees it; this speaks the specification over zeroconf.
"""

from __future__ import annotations

import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import trio

from node.errors import ShoalError
from node.net.addresses import ip_of
from node.net.mdns_records import decode_text, encode_text, lan_addresses, peer_name

log = logging.getLogger(__name__)

LOOK_S = 30.0  # between looks at this machine's addresses: a laptop changes networks
DIALS = 4  # at once
MAX_WAITING = 32  # found and not dialled yet: a LAN has no more that matter
MAX_FOUND = 64  # remembered
AGAIN_S = 60.0  # before a peer that is announced again is dialled again


class Network(Protocol):
    """What this needs of the host."""

    @property
    def peer_id(self) -> str: ...
    def addresses(self) -> list[str]: ...
    def connections(self) -> Sequence[object]: ...
    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...


class Lan(Protocol):
    """Announces and hears TXT records, by zeroconf in `node.net.mdns_lan`. Calls block; `heard` is a thread's."""

    def open(self, ips: Sequence[str], name: str, text: bytes, heard: Callable[[bytes], None]) -> None:
        """Announce `text` on the interfaces that have these addresses, and listen there; OSError if it can't be."""

    def close(self) -> None:
        """Take the announcement back and stop listening."""


class Mdns:
    """Announces this node and dials whom it hears of."""

    def __init__(self, network: Network, lan: Lan, rng: random.Random) -> None:
        self._network = network
        self._lan = lan
        self._rng = rng
        self._limiter = trio.CapacityLimiter(1)
        self._announced: list[str] = []
        self._found: OrderedDict[str, list[str]] = OrderedDict()  # peer -> addresses, latest last
        self._tried: dict[str, float] = {}  # of those found: when
        self._to_dial, self._waiting = trio.open_memory_channel[str](MAX_WAITING)
        self._problem = ""

    async def run(self) -> None:
        """Do it for as long as the node runs; at the end the announcement is taken back."""
        async with trio.open_nursery() as nursery:
            for _ in range(DIALS):
                nursery.start_soon(self._dial_all)
            try:
                while True:
                    await self._follow_addresses()
                    if not self._network.connections():
                        for peer_id in self._found:
                            self._want(peer_id)
                    await trio.sleep(LOOK_S)
            finally:
                with trio.CancelScope(shield=True):
                    await self._in_thread(self._lan.close)

    async def _follow_addresses(self) -> None:
        """Announce the addresses that this machine has in its LANs now."""
        addresses = lan_addresses(self._network.addresses())
        if addresses == self._announced:
            return
        if self._announced:
            await self._in_thread(self._lan.close)
            self._announced = []
        if not addresses:
            return
        token = trio.lowlevel.current_trio_token()

        def heard(text: bytes) -> None:
            token.run_sync_soon(self._heard, text)

        ips = list(dict.fromkeys(map(ip_of, addresses)))
        try:
            await self._in_thread(self._lan.open, ips, peer_name(self._rng), encode_text(addresses), heard)
        except OSError as error:
            if str(error) != self._problem:
                log.warning("peers on the LAN can't be looked for: %s", error)
            self._problem = str(error)
            return
        self._announced = addresses
        self._problem = ""
        log.info("announced on the LAN: %s", ", ".join(ips))

    def _heard(self, text: bytes) -> None:
        for peer_id, addresses in decode_text(text).items():
            if peer_id == self._network.peer_id or not addresses:
                continue
            self._found[peer_id] = addresses
            self._found.move_to_end(peer_id)
            if len(self._found) > MAX_FOUND:
                self._tried.pop(self._found.popitem(last=False)[0], None)
            self._want(peer_id)

    def _want(self, peer_id: str) -> None:
        now = trio.current_time()
        if self._tried.get(peer_id, -AGAIN_S) + AGAIN_S > now:
            return
        try:
            self._to_dial.send_nowait(peer_id)
            self._tried[peer_id] = now
        except trio.WouldBlock:
            log.debug("mdns: no place to wait for %s", peer_id)

    async def _dial_all(self) -> None:
        async for peer_id in self._waiting:
            addresses = self._found.get(peer_id, [])
            try:
                await self._network.connect(peer_id, addresses)
                log.info("found %s on the LAN", peer_id)
            except ShoalError as error:
                log.debug("mdns: %s can't be reached: %s", peer_id, error)

    async def _in_thread(self, call: Callable[..., None], *arguments: object) -> None:
        await trio.to_thread.run_sync(call, *arguments, limiter=self._limiter)
