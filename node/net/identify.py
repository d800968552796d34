"""What a peer says about itself: reading `/ipfs/id/1.0.0` with bounds.

Why not the library's: it takes 1 MiB and a thousand addresses, and throws away the addresses it had. Rules: a message
is bounded, addresses are kept only if they could be dialled, and whatever a peer claims is a hint next to where it was
really reached.
Source: libp2p specs, identify/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import DecodeError
from libp2p.abc import IPeerStore
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from multiaddr import Multiaddr

from node.net import addresses as multiaddrs
from node.net.messages import read_message
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

IDENTIFY = "/ipfs/id/1.0.0"
IDENTIFY_PUSH = "/ipfs/id/push/1.0.0"
MAX_MESSAGE = 64 * 1024  # go-libp2p sends at most 8 KiB; a server with a hundred protocols stays well below this
MAX_ADDRESSES = 32  # a machine with many interfaces, twice over
MAX_PROTOCOLS = 256
MAX_TEXT = 256  # of one protocol id
MAX_AGENT = 128  # characters of what a peer says it runs: a name and a version, for one column of a screen
_AGENT = "AgentVersion"  # the key under which every libp2p keeps it
ADDRESS_TTL_S = 7_200  # the library's own value; a connected peer says it again at its next identify


async def read_identify(stream: PeerStream) -> Identify:
    """The one message of an identify stream; raises RemoteProtocolError and the stream's errors."""
    message = Identify()
    try:
        message.ParseFromString(await read_message(stream, MAX_MESSAGE))
    except DecodeError as error:
        raise RemoteProtocolError("identify message is not the protobuf it should be") from error
    return message


def remember(peerstore: IPeerStore, peer_id: ID, message: Identify, connected_at: Iterable[str]) -> None:
    """Put what `message` says into the library's peerstore, cut to size, keeping where the peer was reached."""
    claimed = (multiaddrs.from_network(raw) for raw in message.listen_addrs[: 4 * MAX_ADDRESSES])
    usable = dict.fromkeys([*connected_at, *(address for address in claimed if address)])
    peerstore.clear_addrs(peer_id)
    peerstore.add_addrs(peer_id, [Multiaddr(address) for address in list(usable)[:MAX_ADDRESSES]], ADDRESS_TTL_S)
    protocols = [text for text in message.protocols[:MAX_PROTOCOLS] if len(text) <= MAX_TEXT]
    peerstore.set_protocols(peer_id, protocols)
    peerstore.put(peer_id, _AGENT, message.agent_version[:MAX_AGENT])
    if message.public_key:
        key = deserialize_public_key(message.public_key)
        if ID.from_pubkey(key) == peer_id:
            peerstore.add_pubkey(peer_id, key)


def agent_of(peerstore: IPeerStore, peer_id: ID) -> str:
    """What a peer says it runs; "" if it hasn't said."""
    try:
        return str(peerstore.get(peer_id, _AGENT))
    except PeerStoreError:
        return ""
