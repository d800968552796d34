"""What each message does to the two sides of a conversation, whoever says it.

Rules: a rule names its sides `speaker` and `listener`, never "us" and "the peer", so that what we refuse to hear is
exactly what we refuse to say. A broken rule is a ProtocolError; `Connection` says whose it was. The order of messages
is in `state.py`, the books are in `accounting.py`: here they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.errors import ProtocolError, RemoteProtocolError
from protocols.exchange import limits
from protocols.exchange.accounting import MetaBook, RequestBook
from protocols.exchange.messages import (
    BitfieldMessage,
    Have,
    Hello,
    Message,
    MessageType,
    Request,
)
from protocols.exchange.state import State, advance
from protocols.geometry import Geometry


class UnsupportedVersionError(RemoteProtocolError):
    """The peer's version is too old: not misbehaviour, and to be answered with Bye(UNSUPPORTED_VERSION)."""


class Side:
    """What is known of one side: its state, what its HELLO said, what it has, and what it has asked for."""

    __slots__ = ("cid", "have", "meta", "request_limit", "requests", "state")

    def __init__(self, state: State, meta: MetaBook) -> None:
        self.state = state
        self.cid: Cid | None = None  # until its HELLO
        self.request_limit = 0  # bytes of unanswered requests it accepts, from its HELLO
        self.have: Bitfield | None = None  # until its BITFIELD
        self.requests = RequestBook()
        self.meta = meta


def say(speaker: Side, listener: Side, message: Message, geometry: Geometry | None) -> None:
    """Let the speaker say it: judge the message and note what follows from it, or raise ProtocolError.

    `geometry` is None while the manifest is unknown here. LateCancel means that the message changes nothing.
    """
    speaker.state, listener.state = advance(speaker.state, listener.state, message.TYPE)
    _RULES[message.TYPE](speaker, listener, message, geometry)


def settle(side: Side, geometry: Geometry) -> None:
    """The manifest is known now: judge what the side announced before, or raise RemoteProtocolError."""
    if side.have is not None:
        side.have = Bitfield.from_bytes(geometry.chunk_count, side.have.to_bytes())


def _hello(speaker: Side, listener: Side, hello: Hello, geometry: Geometry | None) -> None:
    if hello.version < limits.OLDEST_VERSION:
        raise UnsupportedVersionError(f"HELLO of version {hello.version}, older than {limits.OLDEST_VERSION}")
    if listener.cid is not None and hello.cid != listener.cid:
        raise ProtocolError(f"HELLO about {hello.cid} in a conversation about {listener.cid}")
    speaker.cid = hello.cid
    speaker.request_limit = hello.request_limit


def _bitfield(speaker: Side, listener: Side, bitfield: BitfieldMessage, geometry: Geometry | None) -> None:
    # Before the manifest is known any length may be right: then all bits count, until `settle` knows better.
    chunk_count = geometry.chunk_count if geometry else 8 * len(bitfield.data)
    speaker.have = Bitfield.from_bytes(chunk_count, bytes(bitfield.data))


def _have(speaker: Side, listener: Side, have: Have, geometry: Geometry | None) -> None:
    announced = speaker.have
    assert announced is not None, "HAVE is legal in READY only, which BITFIELD leads to"
    for chunk in have.chunks:
        if chunk >= announced.length:
            raise ProtocolError(f"HAVE of chunk {chunk} of {announced.length}")
        if not announced.set(chunk):
            raise ProtocolError(f"HAVE of chunk {chunk}, which was announced before")


def _request(speaker: Side, listener: Side, request: Request, geometry: Geometry | None) -> None:
    if geometry is None or listener.have is None:
        raise ProtocolError("REQUEST before the manifest and the other side's BITFIELD are known")
    if request.chunk >= listener.have.length or not listener.have[request.chunk]:
        raise ProtocolError(f"REQUEST of chunk {request.chunk}, which was never announced")
    length = geometry.chunk_length(request.chunk)
    if request.offset + request.length > length:
        raise ProtocolError(
            f"REQUEST of {request.length} bytes at {request.offset} of chunk {request.chunk}, which has {length}"
        )
    speaker.requests.ask(request, listener.request_limit)


# Messages of one type have one class, but a table of all types can't say which: hence Any.
_Rule = Callable[[Side, Side, Any, Geometry | None], None]

_RULES: Final[Mapping[MessageType, _Rule]] = {
    MessageType.HELLO: _hello,
    MessageType.GET_META: lambda speaker, listener, message, geometry: speaker.meta.ask(message),
    MessageType.META: lambda speaker, listener, message, geometry: listener.meta.answer(message),
    MessageType.REJECT_META: lambda speaker, listener, message, geometry: listener.meta.reject(message),
    MessageType.BITFIELD: _bitfield,
    MessageType.HAVE: _have,
    MessageType.REQUEST: _request,
    MessageType.DATA: lambda speaker, listener, message, geometry: listener.requests.deliver(message),
    MessageType.CANCEL: lambda speaker, listener, message, geometry: speaker.requests.cancel(message),
    MessageType.REJECT: lambda speaker, listener, message, geometry: listener.requests.reject(message),
    MessageType.BYE: lambda speaker, listener, message, geometry: None,  # it changes states, which has happened
    MessageType.PEERS: lambda speaker, listener, message, geometry: None,  # hints, which nothing is held to
}
