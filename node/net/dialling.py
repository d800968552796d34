"""Reaching a peer: which of its addresses to try, in which order, and what to say when none leads there.

Why not the library's `dial_peer`: it tries one address per transport, so a dead address before a live one fails; it
drops loopback addresses if anything else, even garbage, is known; it waits 250 ms after a success; and it then
refuses the peer for a minute. `order_addresses` is pure, `dial_first` drives any dial function, `Dialler` knows which
dials are under way.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import trio
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from node.net import addresses as multiaddrs
from node.net.book import AddressBook
from node.net.errors import DialError, WrongPeerError

log = logging.getLogger(__name__)

MAX_ADDRESSES = 16  # per dial: a peer that claims more is not easier to reach, only costlier
DIAL_TIMEOUT_S = 10.0  # per address: three SYNs, or a handshake over a satellite
STAGGER_S = 0.25  # the head start of each address over the next (RFC 8305, "Connection Attempt Delay")
_WRONG_PEER = "another peer answers there"

T = TypeVar("T")


def order_addresses(hints: Iterable[str], worked: Sequence[str] = (), limit: int = MAX_ADDRESSES) -> list[str]:
    """The dialable ones of the addresses, best first: worked before, private, public, by name, loopback.

    Loopback comes last because a stranger's claim about it leads to this very machine. Addresses are returned
    without peer ids, each once.
    """
    candidates: dict[str, int] = {}
    for rank, address in enumerate(worked):
        candidates.setdefault(multiaddrs.without_peer_id(address), rank - len(worked))
    for address in hints:
        dialable = multiaddrs.from_network(address)
        if dialable is not None:
            candidates.setdefault(dialable, _rank(dialable))
    return sorted(candidates, key=candidates.__getitem__)[:limit]


def _rank(address: str) -> int:
    """The place of an untried address among the others; equal ranks keep their order."""
    family = multiaddrs.family_of(address)
    if family.startswith("dns"):
        return 3
    ip = ipaddress.ip_address(multiaddrs.ip_of(address))
    if ip.is_loopback:
        return 4
    if ip.is_private:
        return 0
    return 1 if ip.version == 4 else 2


async def dial_first(
    addresses: Sequence[str],
    dial: Callable[[str], Awaitable[T]],
    *,
    timeout_s: float = DIAL_TIMEOUT_S,
    stagger_s: float = STAGGER_S,
) -> tuple[str, T]:
    """The first address whose `dial` succeeds, and its result; raises DialError naming every failure.

    Each dial starts when the one before has failed or has had its head start; the first success cancels the rest.
    """
    failures: dict[str, str] = {}
    reached: list[tuple[str, T]] = []

    async def attempt(address: str, settled: trio.Event) -> None:
        try:
            with trio.fail_after(timeout_s):
                result = await dial(address)
        except Exception as error:  # one address's fault, of whatever type the library chose, is not the next one's
            log.debug("dial of %s failed: %r", address, error)
            failures[address] = _reason(error, timeout_s)
            settled.set()
        else:
            reached.append((address, result))
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for address in addresses:
            settled = trio.Event()
            nursery.start_soon(attempt, address, settled)
            with trio.move_on_after(stagger_s):
                await settled.wait()
    if reached:
        return reached[0]
    raise _dial_error(tuple(failures.items()))


def _dial_error(failures: tuple[tuple[str, str], ...]) -> DialError:
    listed = "; ".join(f"{address}: {reason}" for address, reason in failures)
    if failures and all(reason == _WRONG_PEER for _, reason in failures):
        return WrongPeerError(f"The peer is not where it was looked for ({listed}).", failures)
    return DialError(f"No address of the peer answered ({listed}).", failures)


def _reason(error: BaseException, timeout_s: float) -> str:
    """Why a dial failed, in a few words for a person."""
    for cause in _causes(error):
        if isinstance(cause, PeerIDMismatchesPubkey):
            return _WRONG_PEER
        if isinstance(cause, trio.TooSlowError):
            return f"no answer within {timeout_s:g} s"
        if isinstance(cause, MultiselectError | MultiselectClientError):
            return "whoever answers there does not speak libp2p with Noise and yamux"
        if isinstance(cause, OSError) and cause.errno in errno.errorcode:
            return os.strerror(cause.errno or 0).lower()
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, and so on; groups are looked into."""
    pending: list[BaseException] = [error]
    while pending:
        cause = pending.pop()
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            pending.extend(cause.exceptions)
        if cause.__cause__ is not None:
            pending.append(cause.__cause__)


class Dialler(Generic[T]):
    """Connections to peers by peer id, each dialled once however many ask for it.

    `existing` finds a live connection, `dial` makes one to a peer at an address, `hinted` gives what the network has
    said about a peer's addresses.
    """

    def __init__(
        self,
        book: AddressBook,
        *,
        existing: Callable[[str], T | None],
        dial: Callable[[str, str], Awaitable[T]],
        hinted: Callable[[str], Iterable[str]],
        timeout_s: float = DIAL_TIMEOUT_S,
    ) -> None:
        self._book = book
        self._existing = existing
        self._dial = dial
        self._hinted = hinted
        self._timeout_s = timeout_s
        self._locks: dict[str, trio.Lock] = {}  # of the peers that are being dialled

    async def connect(self, peer_id: str, hints: Iterable[str] = ()) -> T:
        """A live connection to the peer, an existing one or a new one; raises DialError.

        Safe to cancel: a dial under way has a socket of its own.
        """
        await trio.lowlevel.checkpoint()
        connection = self._existing(peer_id)
        if connection is not None:
            return connection
        lock = self._locks.setdefault(peer_id, trio.Lock())
        try:
            async with lock:
                connection = self._existing(peer_id)  # of whoever held the lock before
                return connection if connection is not None else await self._dial_peer(peer_id, hints)
        finally:
            if not lock.locked():
                self._locks.pop(peer_id, None)

    async def _dial_peer(self, peer_id: str, hints: Iterable[str]) -> T:
        worked = await self._book.addresses(peer_id)
        candidates = order_addresses([*hints, *self._hinted(peer_id)], worked)
        if not candidates:
            raise DialError(f"No usable address of {peer_id} is known.")

        async def dial(address: str) -> T:
            return await self._dial(peer_id, address)

        address, connection = await dial_first(candidates, dial, timeout_s=self._timeout_s)
        await self._book.record(peer_id, address)
        return connection
