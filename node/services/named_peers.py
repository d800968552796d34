"""Which peer a person means by an IP address, a multiaddr or the beginning of a peer id, and whether it has a manifest.

Rules: among the connected peers and those known to have the manifest, else among those the DHT names; what fits
several is an error that names them, and never a guess. The peer is asked before anything is begun, so that the answer
to a command is the truth.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from node.errors import AmbiguousError, NoPeersError, ShoalError
from node.net.addresses import ip_of, parse, parse_peer_id, split_peer_id, without_peer_id
from node.net.connections import ConnectionInfo
from node.net.errors import AddressError
from node.services.exchange import Exchange, RefusedError
from node.services.finding import PROVIDERS_WANTED, FoundProvider, Routing
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import State

LOOKUP_S = 10.0
"""How long the DHT may take to name who has it; a person waits at a prompt."""

ASK_S = 15.0
"""How long the peer may take to be reached and to say HELLO, as in `finding`."""

SAYS_S = 3.0
LOOK_S = 0.02
"""Who has the manifest sends its bitfield right after HELLO, who doesn't BYE, and who waits for it itself says
neither, and may be chosen."""

NAMED_IN_ERRORS = 4


@dataclass(frozen=True, slots=True)
class NamedPeer:
    """A peer, and where it was said to be."""

    peer_id: str
    addresses: tuple[str, ...]


class Connected(Protocol):
    """What this needs of the host."""

    def connections(self) -> Sequence[ConnectionInfo]: ...
    async def addresses_of(self, peer_id: str) -> Sequence[str]: ...


class NamedPeers:
    """Finds the peers that people name."""

    def __init__(self, host: Connected, exchange: Exchange, routing: Routing) -> None:
        self._host = host
        self._exchange = exchange
        self._routing = routing

    async def having(self, text: str, cid: Cid, known: Mapping[str, Iterable[str]]) -> NamedPeer:
        """The peer that `text` names, which is in session about the manifest now; `known` are the peers known for it.

        Raises NoPeersError if nobody known is meant, or the peer can't be reached or doesn't have it, AmbiguousError
        and, for a broken multiaddr, AddressError.
        """
        peer = await self._named(text.strip(), cid, known)
        swarm = self._exchange.swarms.get(cid)
        if swarm and peer.peer_id in swarm.banned:
            fault = "has sent wrong data" if peer.peer_id in swarm.liars else "has broken the protocol"
            raise NoPeersError(f"{text} {fault} and is banned for this file")
        if not swarm or peer.peer_id not in swarm.sessions:
            await self._ask(text, peer, cid)
        return peer

    async def _named(self, text: str, cid: Cid, known: Mapping[str, Iterable[str]]) -> NamedPeer:
        if text.startswith("/"):
            address, peer_id = split_peer_id(parse(text))
            if peer_id is not None:
                return NamedPeer(peer_id, (address,))
        people = {peer: set(map(without_peer_id, addresses)) for peer, addresses in known.items()}
        for connection in self._host.connections():
            # Who came to us did so from a port that nobody knows it by: where it listens on the same host counts too.
            listening = await self._host.addresses_of(connection.peer_id)
            here = {address for address in listening if ip_of(address) == connection.ip}
            people.setdefault(connection.peer_id, set()).update(here, {without_peer_id(connection.multiaddr)})
        if not peers_meant(text, people):
            await self._look_up(cid, people)
        fitting = peers_meant(text, people)
        swarm = self._exchange.swarms.get(cid)
        if len(fitting) > 1 and swarm:
            fitting = [peer for peer in fitting if peer in swarm.sessions] or fitting
        if len(fitting) > 1:
            names = ", ".join(sorted(fitting)[:NAMED_IN_ERRORS])
            raise AmbiguousError(f"{len(fitting)} peers could be meant by {text}, such as {names}; use the peer id")
        if fitting:
            return NamedPeer(fitting[0], tuple(sorted(people[fitting[0]])))
        try:
            return NamedPeer(parse_peer_id(text), ())
        except AddressError:
            raise NoPeersError(
                f"no peer {text} is known here; `peers` shows who is, and a multiaddr with /p2p/ can be dialled"
            ) from None

    async def _look_up(self, cid: Cid, people: dict[str, set[str]]) -> None:
        def found(provider: FoundProvider) -> None:
            people.setdefault(provider.peer_id, set()).update(map(without_peer_id, provider.addresses))

        with trio.move_on_after(LOOKUP_S):
            await self._routing.find_providers(cid.multihash, found, PROVIDERS_WANTED)

    async def _ask(self, text: str, peer: NamedPeer, cid: Cid) -> None:
        try:
            with trio.fail_after(ASK_S):
                await self._exchange.open(peer.peer_id, peer.addresses, cid)
        except RefusedError as error:
            raise NoPeersError(f"{text} doesn't have it: {error}") from error
        except trio.TooSlowError:
            raise NoPeersError(f"{text} can't be asked for it: it didn't answer within {ASK_S:.0f} s") from None
        except (ShoalError, RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            reason = str(error) or "the connection broke"
            raise NoPeersError(f"{text} can't be asked for it: {reason}") from error
        await self._await_verdict(text, peer.peer_id, cid)

    async def _await_verdict(self, text: str, peer_id: str, cid: Cid) -> None:
        """Wait until it is clear that a session that has just begun will stay; NoPeersError if the peer ends it.

        Another may have begun with it at the same moment, and taken its place.
        """
        sessions = self._exchange.swarm(cid).sessions
        farewell = ""
        with trio.move_on_after(SAYS_S):
            while session := sessions.get(peer_id):
                if session.connection.remote_state is State.READY:
                    return
                await trio.sleep(LOOK_S)
                farewell = session.farewell
            raise NoPeersError(f"{text} doesn't have it: {farewell or 'it hung up'}")


def peers_meant(text: str, people: Mapping[str, set[str]]) -> list[str]:
    """The peers that a text names: at this address, else at this IP address, or whose id begins like this."""
    if text in people:
        return [text]
    if text.startswith("/"):
        address = parse(text)
        exactly = [peer for peer, addresses in people.items() if address in addresses]
        return exactly or _at(ip_of(address), people)
    try:
        return _at(str(ipaddress.ip_address(text)), people)
    except ValueError:
        return [peer for peer in people if text and peer.startswith(text)]


def _at(host: str, people: Mapping[str, set[str]]) -> list[str]:
    return [peer for peer, addresses in people.items() if host in map(ip_of, addresses)]
