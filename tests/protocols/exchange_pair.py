"""A fake link between two Connections, so that every send is also a test of receiving.

Bytes wait on the link until a test delivers them, whole or in pieces: what crosses on the way crosses here too.
"""

from __future__ import annotations

from protocols.bitfield import Bitfield
from protocols.cid import DAG_CBOR, Cid
from protocols.exchange import BitfieldMessage, Connection, Message
from protocols.geometry import Geometry

CID = Cid.of(DAG_CBOR, b"a manifest")
KIB = 1024
# Chunks 0 and 1 of 64 KiB and 2 of 10,000 bytes, an empty file, chunk 3 of 3,000 bytes.
GEOMETRY = Geometry(64 * KIB, (2 * 64 * KIB + 10_000, 0, 3_000))
MAX_MANIFEST = 8 << 20
MAX_PAGE = 1 << 19
LIMIT = 1 << 20


def connect(cid: Cid | None, *, request_limit: int = LIMIT) -> Connection:
    return Connection(cid, request_limit=request_limit, max_manifest_size=MAX_MANIFEST, max_page_size=MAX_PAGE)


class ConnectionPair:
    """Two Connections, "opener" and "acceptor", and what each has sent and the other not received."""

    def __init__(self, geometry: Geometry = GEOMETRY, *, request_limit: int = LIMIT) -> None:
        self.geometry = geometry
        self.opener = connect(CID, request_limit=request_limit)
        self.acceptor = connect(None, request_limit=request_limit)
        self.to_opener = bytearray()
        self.to_acceptor = bytearray()

    def other(self, side: Connection) -> Connection:
        return self.acceptor if side is self.opener else self.opener

    def link_to(self, side: Connection) -> bytearray:
        return self.to_opener if side is self.opener else self.to_acceptor

    def send(self, side: Connection, *messages: Message) -> None:
        """Let a side say something; it stays on the link."""
        for message in messages:
            for buffer in side.send(message):
                self.link_to(self.other(side)).extend(buffer)

    def deliver(self, side: Connection, size: int | None = None) -> list[Message]:
        """Give a side the next bytes sent to it, all of them unless `size` says how many."""
        link = self.link_to(side)
        data = bytes(link[:size])
        del link[: len(data)]
        return side.receive_data(data)

    def tell(self, side: Connection, *messages: Message) -> list[Message]:
        """Let a side say something and the other one hear all that is on its way."""
        self.send(side, *messages)
        return self.deliver(self.other(side))

    def greet(self) -> ConnectionPair:
        """Both sides have said HELLO."""
        self.tell(self.opener, self.opener.hello())
        self.tell(self.acceptor, self.acceptor.hello())
        return self

    def announce(self, opener_has: tuple[int, ...] = (), acceptor_has: tuple[int, ...] | None = None) -> ConnectionPair:
        """Both sides have said BITFIELD: the opener lacks everything and the acceptor nothing, unless told."""
        for side, has in ((self.opener, opener_has), (self.acceptor, acceptor_has)):
            side.set_geometry(self.geometry)
            self.tell(side, bitfield(self.geometry.chunk_count, has))
        return self


def ready_pair(geometry: Geometry = GEOMETRY, *, request_limit: int = LIMIT) -> ConnectionPair:
    """An opener that lacks everything, and an acceptor that has everything."""
    return ConnectionPair(geometry, request_limit=request_limit).greet().announce()


def bitfield(length: int, chunks: tuple[int, ...] | None = None) -> BitfieldMessage:
    """The message for these chunks, or for all of them."""
    if chunks is None:
        return BitfieldMessage(Bitfield.full(length).to_bytes())
    field = Bitfield(length)
    for chunk in chunks:
        field.set(chunk)
    return BitfieldMessage(field.to_bytes())


def frame(message_type: int, body: bytes = b"") -> bytes:
    """A frame made by hand, for what the codec refuses to write; for payloads below 16 KiB."""
    length = len(body) + 1
    prefix = bytes((length,)) if length < 0x80 else bytes((length & 0x7F | 0x80, length >> 7))
    return prefix + bytes((message_type,)) + body
