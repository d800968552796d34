"""Kademlia's keyspace: where keys and peer ids lie, and how far apart.

Rules: pure. A *point* is the SHA-256 of a key (a record's multihash bytes, or a peer id's bytes) as a 256-bit number;
distance is XOR (libp2p/specs kad-dht). Peer ids are base58 text everywhere in shoal and bytes only on the wire, so the
two directions live here too.
"""

from __future__ import annotations

import random
from functools import lru_cache
from hashlib import sha256

import base58

# Room for a busy node's neighbourhood: base58 costs 13 us a piece in pure Python, and each answer names up to 20 peers.
CACHED_IDS = 16_384
# A libp2p peer id is a multihash: SHA-256 of the key (34 bytes), or the key itself where it has at most 42 bytes.
MIN_PEER_ID_BYTES = 34
MAX_PEER_ID_BYTES = 2 + 42


def key_point(key: bytes) -> int:
    """Return where `key` (a multihash, or a peer id's bytes) lies in the keyspace."""
    return int.from_bytes(sha256(key).digest(), "big")


def key_near(point: int, shared_bits: int, rng: random.Random) -> bytes:
    """Return a key that shares exactly its first `shared_bits` bits with `point`; takes some 2^shared_bits tries."""
    while True:
        key = rng.randbytes(32)
        if (key_point(key) ^ point).bit_length() == 256 - shared_bits:
            return key


@lru_cache(maxsize=CACHED_IDS)
def peer_point(peer_id: str) -> int:
    """Return where a peer lies in the keyspace."""
    return key_point(peer_id_bytes(peer_id))


@lru_cache(maxsize=CACHED_IDS)
def peer_id_bytes(peer_id: str) -> bytes:
    """Return the wire form of a base58 peer id; ValueError if it is none."""
    return _checked(base58.b58decode(peer_id))


@lru_cache(maxsize=CACHED_IDS)
def peer_id_text(wire: bytes) -> str:
    """Return the base58 form of a peer id from the wire; ValueError if it cannot be one."""
    return base58.b58encode(_checked(wire)).decode("ascii")


def _checked(wire: bytes) -> bytes:
    fits = MIN_PEER_ID_BYTES <= len(wire) <= MAX_PEER_ID_BYTES and wire[1] == len(wire) - 2
    if not fits or (wire[0] != 0x00 and wire[:2] != b"\x12\x20"):
        raise ValueError(f"{wire[:MAX_PEER_ID_BYTES].hex()} is not a peer id")
    return wire
