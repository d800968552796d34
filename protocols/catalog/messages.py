"""The messages of the catalogue protocol, as values; what each one means stands in SPEC.md.

Rules: a message that could never be legal can't be made: the constructors raise LocalProtocolError, and the codec
turns that into RemoteProtocolError for what came from a peer. Heads stay sealed here: verifying signatures takes time,
and is done away from the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from protocols.catalog import limits
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError
from protocols.exchange import KnownPeer


class MessageType(IntEnum):
    """The first byte of every payload."""

    ASK = 0x01
    TELL = 0x02
    GET_PAGE = 0x03
    PAGE = 0x04
    NO_PAGE = 0x05


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for heads and for servers of the DHT, up to so many; answered by TELL."""

    TYPE: ClassVar = MessageType.ASK
    heads: int
    peers: int

    def __post_init__(self) -> None:
        _check("heads asked for", self.heads, 0, limits.MAX_HEADS)
        _check("peers asked for", self.peers, 0, limits.MAX_PEERS)


@dataclass(frozen=True, slots=True)
class Tell:
    """Sealed heads and servers of the DHT: the answer to ASK, or news."""

    TYPE: ClassVar = MessageType.TELL
    heads: tuple[bytes, ...] = field(default=(), repr=False)
    peers: tuple[KnownPeer, ...] = ()

    def __post_init__(self) -> None:
        _check("heads", len(self.heads), 0, limits.MAX_HEADS)
        for head in self.heads:
            _check("bytes of a head", len(head), 1, limits.MAX_HEAD_SIZE)
        _check("bytes of heads", sum(map(len, self.heads)), 0, limits.MAX_TELL_HEADS)
        _check("peers", len(self.peers), 0, limits.MAX_PEERS)


@dataclass(frozen=True, slots=True)
class GetPage:
    """Asks for a page that a head of the other side names; answered by PAGE or NO_PAGE."""

    TYPE: ClassVar = MessageType.GET_PAGE
    cid: Cid

    def __post_init__(self) -> None:
        if self.cid.codec != DAG_CBOR:
            raise LocalProtocolError("a page's CID has the codec dag-cbor")


@dataclass(frozen=True, slots=True)
class Page:
    """The block that the oldest GET_PAGE asked for."""

    TYPE: ClassVar = MessageType.PAGE
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check("bytes of a page", len(self.data), 1, limits.MAX_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class NoPage:
    """The page that the oldest GET_PAGE asked for is not here, or no longer."""

    TYPE: ClassVar = MessageType.NO_PAGE


Message = Ask | Tell | GetPage | Page | NoPage


def _check(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise LocalProtocolError(f"{value} {what}, where {least} to {most} are allowed")
