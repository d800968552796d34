"""The messages of the exchange protocol, as values; what each one means stands in SPEC.md.

Rules: a message that could never be legal can't be made: the constructors raise LocalProtocolError, and the codec
turns that into RemoteProtocolError for what came from a peer. Whether a message is legal *now* is decided elsewhere
(`state.py`, `accounting.py`). Offsets, lengths and totals are bytes; chunks are numbered as in the manifest. Bulk data
is no part of a message's `repr`, for the sake of logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError
from protocols.exchange import limits
from protocols.framing import MAX_UVARINT, Buffer
from protocols.rope import Rope


class MessageType(IntEnum):
    """The first byte of every payload."""

    HELLO = 0x01
    GET_META = 0x02
    META = 0x03
    REJECT_META = 0x04
    BITFIELD = 0x05
    HAVE = 0x06
    REQUEST = 0x07
    DATA = 0x08
    CANCEL = 0x09
    REJECT = 0x0A
    BYE = 0x0B
    PEERS = 0x80


class RejectReason(IntEnum):
    """Why a request is not served; a number not listed here is read as OTHER."""

    OTHER = 0
    CANCELLED = 1
    UNAVAILABLE = 2
    BUSY = 3

    @classmethod
    def _missing_(cls, value: object) -> RejectReason:
        return cls.OTHER


class ByeReason(IntEnum):
    """Why a side ends the conversation; a number not listed here is read as OTHER."""

    OTHER = 0
    FINISHED = 1
    NOT_FOUND = 2
    UNSUPPORTED_VERSION = 3
    PROTOCOL_ERROR = 4
    BUSY = 5
    STOPPING = 6
    DUPLICATE = 7
    BAD_DATA = 8
    TIMEOUT = 9

    @classmethod
    def _missing_(cls, value: object) -> ByeReason:
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Hello:
    """Opens each direction: who speaks which version about which manifest."""

    TYPE: ClassVar = MessageType.HELLO
    version: int
    cid: Cid
    request_limit: int  # bytes of unanswered requests that the sender accepts
    agent: str = ""  # software and its version, for logs and screens

    def __post_init__(self) -> None:
        _check_number("version", self.version)
        if self.cid.codec != DAG_CBOR:
            raise LocalProtocolError("a manifest's CID has the codec dag-cbor")
        _check_number("request limit", self.request_limit, limits.MIN_REQUEST_LIMIT)
        _check_size("agent", self.agent.encode(), 0, limits.MAX_AGENT)


@dataclass(frozen=True, slots=True)
class GetMeta:
    """Asks for a part of the metadata: part 0 is the manifest, part k ≥ 1 its digest page number k - 1."""

    TYPE: ClassVar = MessageType.GET_META
    part: int
    offset: int

    def __post_init__(self) -> None:
        _check_number("part", self.part)
        _check_number("offset", self.offset)


@dataclass(frozen=True, slots=True)
class Meta:
    """Answers the oldest GET_META: the bytes from `offset` of a part that has `total` bytes."""

    TYPE: ClassVar = MessageType.META
    part: int
    total: int
    offset: int
    data: Buffer = field(repr=False)

    def __post_init__(self) -> None:
        _check_number("part", self.part)
        _check_number("total", self.total)
        _check_number("offset", self.offset)
        # Full answers only, so that a peer can't make a manifest cost a message for each byte.
        expected = min(limits.MAX_META, self.total - self.offset)
        if expected < 1 or len(self.data) != expected:
            raise LocalProtocolError(
                f"META at offset {self.offset} of {self.total} bytes can't carry {len(self.data)} bytes"
            )


@dataclass(frozen=True, slots=True)
class RejectMeta:
    """Answers the oldest GET_META, which was for `part`: its bytes can't be had here."""

    TYPE: ClassVar = MessageType.REJECT_META
    part: int
    reason: RejectReason

    def __post_init__(self) -> None:
        _check_number("part", self.part)
        if self.reason is RejectReason.CANCELLED:
            raise LocalProtocolError("REJECT_META can't have the reason cancelled: a GET_META has no CANCEL")


@dataclass(frozen=True, slots=True)
class BitfieldMessage:
    """Which chunks the sender has, once; HAVE adds to it."""

    TYPE: ClassVar = MessageType.BITFIELD
    data: Buffer = field(repr=False)

    def __post_init__(self) -> None:
        _check_size("bitfield", self.data, 0, limits.MAX_BITFIELD)


@dataclass(frozen=True, slots=True)
class Have:
    """The sender has verified these chunks since its BITFIELD or its last HAVE."""

    TYPE: ClassVar = MessageType.HAVE
    chunks: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_count("chunks", self.chunks, limits.MAX_HAVE)
        _check_number("chunk", min(self.chunks))
        _check_number("chunk", max(self.chunks))


@dataclass(frozen=True, slots=True)
class Request:
    """Asks for a range of one chunk."""

    TYPE: ClassVar = MessageType.REQUEST
    chunk: int
    offset: int
    length: int

    def __post_init__(self) -> None:
        _check_range(self.chunk, self.offset, self.length)


@dataclass(frozen=True, slots=True)
class Data:
    """The next bytes of a requested range.

    From a peer, `data` is a read-only view over the bytes given to `receive_data`, over a buffer of its own, or a rope
    of these: valid for as long as the caller leaves what it gave unchanged.
    """

    TYPE: ClassVar = MessageType.DATA
    chunk: int
    offset: int
    data: Buffer | Rope = field(repr=False)

    def __post_init__(self) -> None:
        _check_number("chunk", self.chunk)
        _check_number("offset", self.offset)
        _check_size("data", self.data, 1, limits.MAX_DATA)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Asks the server to end a request early; it still answers with REJECT or the rest of the data."""

    TYPE: ClassVar = MessageType.CANCEL
    chunk: int
    offset: int
    length: int

    def __post_init__(self) -> None:
        _check_range(self.chunk, self.offset, self.length)


@dataclass(frozen=True, slots=True)
class Reject:
    """Ends a request without the rest of its data."""

    TYPE: ClassVar = MessageType.REJECT
    chunk: int
    offset: int
    length: int
    reason: RejectReason

    def __post_init__(self) -> None:
        _check_range(self.chunk, self.offset, self.length)


@dataclass(frozen=True, slots=True)
class Bye:
    """Ends the conversation; nothing of the sender's follows."""

    TYPE: ClassVar = MessageType.BYE
    reason: ByeReason
    text: str = ""  # more words for the other side's log; data, never a format or a command

    def __post_init__(self) -> None:
        _check_size("text", self.text.encode(), 0, limits.MAX_BYE_TEXT)

    @classmethod
    def saying(cls, reason: ByeReason, text: str) -> Bye:
        """A BYE with as much of the text as fits: for sentences whose length nobody has bounded."""
        encoded = text.encode(errors="replace")[: limits.MAX_BYE_TEXT]
        return cls(reason, encoded.decode(errors="ignore"))


@dataclass(frozen=True, slots=True)
class KnownPeer:
    """A peer in session with the sender, and where it was reached: multiaddrs in their binary form, without /p2p/."""

    peer_id: bytes  # the multihash
    addresses: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _check_size("peer id", self.peer_id, limits.MIN_PEER_ID, limits.MAX_PEER_ID)
        _check_count("addresses of a peer", self.addresses, limits.MAX_PEER_ADDRESSES)
        for address in self.addresses:
            _check_size("address", address, 1, limits.MAX_ADDRESS)


@dataclass(frozen=True, slots=True)
class Peers:
    """Others in session with the sender about this manifest: hints whom to ask, and never more than hints."""

    TYPE: ClassVar = MessageType.PEERS
    peers: tuple[KnownPeer, ...]

    def __post_init__(self) -> None:
        _check_count("peers", self.peers, limits.MAX_PEERS)
        if len({peer.peer_id for peer in self.peers}) < len(self.peers):
            raise LocalProtocolError("PEERS names a peer twice")


Message = Hello | GetMeta | Meta | RejectMeta | BitfieldMessage | Have | Request | Data | Cancel | Reject | Bye | Peers


def _check_number(name: str, value: int, least: int = 0) -> None:
    if not least <= value <= MAX_UVARINT:
        raise LocalProtocolError(f"{name} {value} is not a number from {least} to 2^63 - 1")


def _check_count(name: str, values: tuple[object, ...], most: int) -> None:
    if not 1 <= len(values) <= most:
        raise LocalProtocolError(f"{len(values)} {name}, where 1 to {most} are allowed")


def _check_range(chunk: int, offset: int, length: int) -> None:
    _check_number("chunk", chunk)
    _check_number("offset", offset)
    _check_number("length", length, 1)


def _check_size(name: str, data: Buffer | Rope, least: int, most: int) -> None:
    if not least <= len(data) <= most:
        raise LocalProtocolError(f"{name} of {len(data)} bytes, where {least} to {most} are allowed")
