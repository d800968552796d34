"""Heads: what a publisher signs. A head says which pages its catalogue has, and until when.

Source: SPEC.md, section 3. The envelope is libp2p's (RFC 0002, signed envelopes), so that go-libp2p's `record.Seal`
and `record.ConsumeEnvelope` write and read it.

Rules: Ed25519 keys only, which is what shoal's peer ids are made of; one encoding for each head, so that its bytes can
be compared; whether a head is still good is a question about the time, which is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocols import dag_cbor
from protocols.catalog.limits import (
    MAX_CLOCK_SKEW_S,
    MAX_ENTRIES,
    MAX_HEAD_SIZE,
    MAX_LIFETIME_S,
    MAX_PAGES,
    VERSION,
)
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import MAX_UVARINT, decode_uvarint, encode_uvarint
from protocols.manifest_rules import RuleError

DOMAIN: Final = b"shoal-catalog-head"
"""Keeps these signatures apart from all others that the key makes: Noise's, peer records', …"""

PAYLOAD_TYPE: Final = b"/shoal/catalog/head"

# libp2p's PublicKey message of an Ed25519 key, up to the key; a peer id is its identity multihash.
_KEY_PREFIX: Final = bytes.fromhex("08011220")
_PEER_ID_PREFIX: Final = bytes.fromhex("0024")
_KEY_SIZE, _SIGNATURE_SIZE = 32, 64
_ENVELOPE_TAGS: Final = (0x0A, 0x12, 0x1A, 0x2A)  # public_key 1, payload_type 2, payload 3, signature 5

_FIELDS: Final = {"v": int, "seq": int, "count": int, "pages": list, "issued": int, "expires": int}
_LIMITS: Final = dag_cbor.Limits(size=MAX_HEAD_SIZE, depth=2, items=1 + 2 * len(_FIELDS) + 2 * MAX_PAGES)


@dataclass(frozen=True, slots=True)
class Head:
    """One state of a catalogue; times in whole seconds of unix time."""

    publisher: str  # peer id, 12D3KooW…
    seq: int  # of two heads the one with the higher number holds
    issued: int
    expires: int
    count: int  # entries on all pages
    pages: tuple[Cid, ...]

    def is_current(self, now: float) -> bool:
        """Whether its time has come and is not over; one that isn't current is nobody's fault: clocks differ."""
        return self.issued - MAX_CLOCK_SKEW_S <= now < self.expires


def peer_id_of(key: Ed25519PublicKey) -> str:
    """The peer id of a public key."""
    return _peer_id(key.public_bytes_raw())


def seal(head: Head, key: Ed25519PrivateKey) -> bytes:
    """The signed envelope of a head; raises LocalProtocolError if it breaks the rules, or the key is another's."""
    public = key.public_key().public_bytes_raw()
    try:
        _check(head)
    except RuleError as error:
        raise LocalProtocolError(str(error)) from error
    if head.publisher != _peer_id(public):
        raise LocalProtocolError("The head of a catalogue is signed by its publisher.")
    payload = dag_cbor.encode(
        {
            "v": VERSION,
            "seq": head.seq,
            "count": head.count,
            "pages": list(head.pages),
            "issued": head.issued,
            "expires": head.expires,
        }
    )
    fields = (_KEY_PREFIX + public, PAYLOAD_TYPE, payload, key.sign(_signed(payload)))
    return b"".join(
        bytes((tag,)) + encode_uvarint(len(field)) + field for tag, field in zip(_ENVELOPE_TAGS, fields, strict=True)
    )


def unseal(envelope: bytes) -> Head:
    """The head in an envelope from a peer, its signature verified; raises RemoteProtocolError."""
    if len(envelope) > MAX_HEAD_SIZE:
        raise RemoteProtocolError(f"A head has {len(envelope)} bytes, more than {MAX_HEAD_SIZE}.")
    key, payload_type, payload, signature = _fields(envelope)
    public = key.removeprefix(_KEY_PREFIX)
    if len(key) != len(_KEY_PREFIX) + _KEY_SIZE or len(public) != _KEY_SIZE:
        raise RemoteProtocolError("A head is signed with another key than an Ed25519 one.")
    if payload_type != PAYLOAD_TYPE:
        raise RemoteProtocolError("An envelope has something else than a head in it.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(payload))
    except InvalidSignature:
        raise RemoteProtocolError("The signature of a head is not its publisher's.") from None
    tree = dag_cbor.decode(payload, _LIMITS, "The head")
    try:
        head = _from_tree(tree, _peer_id(public))
        _check(head)
    except RuleError as error:
        raise RemoteProtocolError(str(error)) from error
    return head


def _peer_id(public: bytes) -> str:
    return base58.b58encode(_PEER_ID_PREFIX + _KEY_PREFIX + public).decode("ascii")


def _signed(payload: bytes) -> bytes:
    """What is signed: domain, type and payload, each behind its length."""
    return b"".join(encode_uvarint(len(part)) + part for part in (DOMAIN, PAYLOAD_TYPE, payload))


def _fields(envelope: bytes) -> list[bytes]:
    """The four fields of an envelope, which come in order and once: protobuf as every library writes it."""
    fields = []
    offset = 0
    for tag in _ENVELOPE_TAGS:
        if envelope[offset : offset + 1] != bytes((tag,)):
            raise RemoteProtocolError("A head is not in a signed envelope.")
        length, start = decode_uvarint(envelope, offset + 1)
        offset = start + length
        fields.append(envelope[start:offset])
    if offset != len(envelope):
        raise RemoteProtocolError("The envelope of a head doesn't end where its signature does.")
    return fields


def _from_tree(tree: object, publisher: str) -> Head:
    if not isinstance(tree, dict) or type(tree.get("v")) is not int:
        raise RuleError("This is not the head of a catalogue.")
    if tree["v"] != VERSION:
        raise RuleError(f"The head has version {tree['v']}, and this node reads version {VERSION}.")
    if tree.keys() != _FIELDS.keys() or any(type(tree[key]) is not kind for key, kind in _FIELDS.items()):
        raise RuleError("A head has other keys than its six, or one of a wrong type.")
    if not all(isinstance(page, Cid) and page.codec == DAG_CBOR for page in tree["pages"]):
        raise RuleError("A head names a page by something else than the CID of a dag-cbor block.")
    return Head(publisher, tree["seq"], tree["issued"], tree["expires"], tree["count"], tuple(tree["pages"]))


def _check(head: Head) -> None:
    if not 1 <= head.seq <= MAX_UVARINT:
        raise RuleError("The number of a head is not from 1 to 2^63 - 1.")
    if not 0 <= head.issued < head.expires <= min(head.issued + MAX_LIFETIME_S, MAX_UVARINT):
        raise RuleError(f"A head holds for {head.expires - head.issued} s, not for 1 to {MAX_LIFETIME_S}.")
    if not 0 <= head.count <= MAX_ENTRIES:
        raise RuleError(f"A head is of {head.count} entries, not of 0 to {MAX_ENTRIES}.")
    least = 1 if head.count else 0
    if not least <= len(head.pages) <= min(head.count, MAX_PAGES) or len(set(head.pages)) != len(head.pages):
        raise RuleError(f"A head of {head.count} entries names {len(head.pages)} pages, or one of them twice.")
