"""Kademlia's messages: building, encoding, and decoding with limits.

Rules: pure. The protobuf is py-libp2p's `kademlia_pb2.Message`, field for field go-libp2p-kad-dht's; each message goes
over a stream behind its length as uvarint. A key is raw multihash bytes (or a peer id's). What a peer sends is capped
here before anything is made of it, and an address or an id that is none is dropped, not an error: honest peers hand on
what dishonest ones told them. Signed peer records (py-libp2p's own fields) are neither sent nor believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeVar

from google.protobuf.message import DecodeError
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net.kad_addresses import address_text, address_wire, is_quick
from node.net.kad_keyspace import peer_id_bytes, peer_id_text
from protocols.errors import RemoteProtocolError

MAX_ANSWER = 4 << 20  # bytes; what go-libp2p-kad-dht sends at most (network.MessageSizeMax)
MAX_REQUEST = 64 << 10  # bytes; an ADD_PROVIDER with 32 long addresses has 8 KiB, and each stream may buffer this much
MAX_KEY = 80  # bytes; go-libp2p-kad-dht refuses longer ones
MAX_CLOSER = 32  # entries used of an answer: k, the target itself in FIND_NODE, and some grace
MAX_PROVIDERS = 50  # entries used of one answer, so that decoding stays under 5 ms; 20 servers give 20 samples
MAX_ADDRESSES = 16  # used of one peer: more than any host has interfaces times transports worth dialling
MAX_NAMED = 32  # used of one list: addresses with DNS names, 2 ms' worth; 50 peers of 16 such would be 45 ms

Kind = Message.MessageType
_KINDS = frozenset(Kind.values())

Address = TypeVar("Address", bytes, str)
"""On the wire, or as text."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer id and its dialable addresses, each a multiaddr with /p2p/<peer id> at its end."""

    peer_id: str
    addresses: tuple[str, ...] = ()


def decode(payload: bytes | bytearray | memoryview) -> Message:
    """Return the message of one frame; RemoteProtocolError if it is none or breaks a rule about keys."""
    message = Message()
    try:
        message.ParseFromString(bytes(payload))
    except DecodeError as error:
        raise RemoteProtocolError(f"not a Kademlia message: {error}") from error
    if message.type not in _KINDS:
        raise RemoteProtocolError(f"unknown Kademlia message type {message.type}")
    if len(message.key) > MAX_KEY:
        raise RemoteProtocolError(f"a Kademlia key of {len(message.key)} bytes; {MAX_KEY} are allowed")
    return message


def check_key(key: bytes) -> None:
    """Raise ValueError unless `key` can be that of a record."""
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"a key has 1 to {MAX_KEY} bytes, not {len(key)}")


def query(kind: Message.MessageType, key: bytes) -> Message:
    """Return a request that only names a key: FIND_NODE or GET_PROVIDERS."""
    return Message(type=kind, key=key)


def announcement(key: bytes, provider: Contact) -> Message:
    """Return the ADD_PROVIDER by which `provider` says that it has what `key` names."""
    return Message(type=Kind.ADD_PROVIDER, key=key, providerPeers=_entries([provider]))


def answer(request: Message, closer: Iterable[Contact], providers: Iterable[Contact] = ()) -> Message:
    """Return the answer to `request`: its own type and key, so that a peer can tell whose answer it is."""
    return Message(type=request.type, key=request.key, closerPeers=_entries(closer), providerPeers=_entries(providers))


def contacts(entries: Sequence[Message.Peer], limit: int) -> list[Contact]:
    """Return the first `limit` entries as contacts, without those that have no peer id and without repetitions."""
    found: dict[str, Contact] = {}
    named = count(1)
    for entry in islice(entries, limit):
        try:
            peer_id = peer_id_text(entry.id)
        except ValueError:
            continue
        wires = _affordable(islice(entry.addrs, MAX_ADDRESSES), named)
        texts = (address_text(wire, peer_id) for wire in wires)
        found.setdefault(peer_id, Contact(peer_id, tuple(dict.fromkeys(filter(None, texts)))))
    return list(found.values())


def names(entries: Iterable[Message.Peer], peer_id: str) -> bool:
    """Tell whether `peer_id` is among the entries, all of them: a record may stand behind any number of others."""
    wanted = peer_id_bytes(peer_id)
    return any(entry.id == wanted for entry in entries)


def _entries(contacts: Iterable[Contact]) -> list[Message.Peer]:
    named = count(1)
    entries = []
    for contact in contacts:
        wires = [address_wire(text) for text in _affordable(contact.addresses[:MAX_ADDRESSES], named)]
        entries.append(Message.Peer(id=peer_id_bytes(contact.peer_id), addrs=wires))
    return entries


def _affordable(addresses: Iterable[Address], named: Iterator[int]) -> Iterator[Address]:
    """Those of one peer's addresses that are used, given how many with names were used of the others'."""
    return (address for address in addresses if is_quick(address) or next(named) <= MAX_NAMED)
