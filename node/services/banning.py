"""The peers that a person has banned: whom this node is never connected with; and lifting what the node did itself.

Rules: a ban is of a peer id, for the whole node and over restarts, until it is lifted. It holds where connections are
made, so that no service has to know: a banned peer is neither dialled nor let in, which ends whatever it was asked or
served. Its sessions hear a last word first, so that its owner may read why.
A peer that lied or broke the protocol is banned by its swarm, for one manifest and this run of the node; a person who
trusts it again lifts that too, by the same word.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import trio

from node.errors import AmbiguousError, NotFoundError, UsageError
from node.net.addresses import parse as parse_multiaddr
from node.net.addresses import parse_peer_id, split_peer_id, without_peer_id
from node.net.connections import ConnectionInfo
from node.net.errors import AddressError
from node.services.exchange import GOODBYE_S, Exchange
from node.services.named_peers import NAMED_IN_ERRORS, peers_meant
from node.services.threads import in_thread
from node.status import BanStatus
from node.store.bans import Bans
from protocols.exchange import ByeReason

log = logging.getLogger(__name__)


AUTOMATIC_SHOWN = 100
"""Bans of the node's own that are listed, the latest: an attacker can have thousands of them made."""


class Gate(Protocol):
    """What this needs of the host."""

    @property
    def peer_id(self) -> str: ...
    def connections(self) -> Sequence[ConnectionInfo]: ...
    def refuse(self, peer_ids: frozenset[str]) -> None: ...
    async def disconnect(self, peer_id: str) -> None: ...


class Banning:
    """Bans peers and lifts that again."""

    def __init__(self, host: Gate, exchange: Exchange, saved: Bans) -> None:
        self._host = host
        self._exchange = exchange
        self._saved = saved
        self._bans: dict[str, BanStatus] = {}

    @property
    def bans(self) -> Mapping[str, BanStatus]:
        """Every ban by its peer id, the oldest first."""
        return self._bans

    def listed(self) -> list[BanStatus]:
        """Every person's ban, the oldest first, then the node's own of peers that nobody has banned, likewise."""
        own = [ban for ban in self._automatic() if ban.peer_id not in self._bans]
        return [*self._bans.values(), *own[-AUTOMATIC_SHOWN:]]

    async def restore(self) -> None:
        """Have the bans of the last run hold again."""
        self._bans = {ban.peer_id: ban for ban in await in_thread(self._saved.all)}
        self._refuse()
        for peer_id in self._bans:  # who was quicker than this
            await self._host.disconnect(peer_id)

    async def ban(self, text: str) -> BanStatus:
        """Ban the peer that `text` names: an IP address, a multiaddr, a peer id or the beginning of one.

        Raises NotFoundError, AmbiguousError, AddressError, and UsageError for this node itself.
        """
        peer_id = self._meant(text.strip())
        if peer_id == self._host.peer_id:
            raise UsageError("that is this node itself")
        if peer_id not in self._bans:
            ban = self._described(peer_id)
            await in_thread(self._saved.add, ban)
            self._bans[peer_id] = ban
            self._refuse()
            log.info("%s is banned by hand", peer_id)
            await self._dismiss(peer_id)
        return self._bans[peer_id]

    async def lift(self, text: str) -> BanStatus:
        """Let a banned peer come back, whoever has banned it; raises NotFoundError and AmbiguousError."""
        bans = {ban.peer_id: ban for ban in (*self._automatic(), *self._bans.values())}
        places = {ban.peer_id: _at(ban.multiaddr) for ban in bans.values()}
        found = peers_meant(_plain(text.strip()), places)
        if not found:
            raise NotFoundError(f"no banned peer is meant by {text}; `ban` shows who is banned")
        peer_id = _only(text, found)
        if peer_id in self._bans:
            await in_thread(self._saved.remove, peer_id)
            self._bans.pop(peer_id, None)
            self._refuse()
        for swarm in self._exchange.swarms.values():
            swarm.pardon(peer_id)
        log.info("the ban of %s is lifted", peer_id)
        return bans[peer_id]

    # --- inside -----------------------------------------------------------------------------------------------

    def _automatic(self) -> list[BanStatus]:
        """The bans that swarms have made themselves, one for each peer, the oldest first."""
        times: dict[str, list[float]] = {}
        liars: set[str] = set()
        for swarm in self._exchange.swarms.values():
            liars |= swarm.liars
            for peer_id, at in swarm.banned.items():
                times.setdefault(peer_id, []).append(at)
        known = self._known() if times else {}
        bans = []
        for peer_id, each in times.items():
            fault = "wrong data" if peer_id in liars else "broke the protocol"
            files = "1 file" if len(each) == 1 else f"{len(each)} files"
            bans.append(BanStatus(peer_id, *known.get(peer_id, ("", "")), min(each), f"{fault}, {files}"))
        return sorted(bans, key=lambda ban: ban.banned_at)

    def _refuse(self) -> None:
        self._host.refuse(frozenset(self._bans))

    def _meant(self, text: str) -> str:
        text = _plain(text)
        known = self._known()
        if found := peers_meant(text, {peer: _at(address) for peer, (address, _) in known.items()}):
            return _only(text, found)
        try:
            return parse_peer_id(text)
        except AddressError:
            raise NotFoundError(f"no peer {text} is known here; `peers` shows who is") from None

    def _known(self) -> dict[str, tuple[str, str]]:
        """Everybody who is connected or was in session, with address and agent."""
        known = {
            peer: (totals.address, totals.agent)
            for swarm in self._exchange.swarms.values()
            for peer, totals in swarm.totals().items()
        }
        return known | {each.peer_id: (each.multiaddr, each.agent) for each in self._host.connections()}

    def _described(self, peer_id: str) -> BanStatus:
        multiaddr, agent = self._known().get(peer_id, ("", ""))
        return BanStatus(peer_id, multiaddr, agent, time.time())

    async def _dismiss(self, peer_id: str) -> None:
        sessions = [session for swarm in self._exchange.swarms.values() if (session := swarm.sessions.get(peer_id))]
        for session in sessions:
            session.bye(ByeReason.OTHER, "this node wants nothing to do with you")
        with trio.move_on_after(GOODBYE_S):
            for session in sessions:
                await session.written.wait()
        await self._host.disconnect(peer_id)


def _plain(text: str) -> str:
    """The peer id of a multiaddr that says which peer it is; else the text."""
    if not text.startswith("/"):
        return text
    _, peer_id = split_peer_id(parse_multiaddr(text))
    return peer_id or text


def _at(multiaddr: str) -> set[str]:
    return {without_peer_id(multiaddr)} if multiaddr else set()


def _only(text: str, found: Sequence[str]) -> str:
    if len(found) > 1:
        names = ", ".join(sorted(found)[:NAMED_IN_ERRORS])
        raise AmbiguousError(f"{len(found)} peers could be meant by {text}, such as {names}; use the peer id")
    return found[0]
