"""Messages to bytes and back; the byte tables are those of SPEC.md, section 4."""

from __future__ import annotations

from typing import Final

from protocols.catalog import limits
from protocols.catalog.messages import Ask, GetPage, Message, MessageType, NoPage, Page, Tell
from protocols.exchange.codec import KNOWN_PEER
from protocols.layout import BULK, BYTES, CID, NUMBER, Layout, Layouts, list_of

_LAYOUTS: Final[Layouts[Message]] = Layouts(
    MessageType,
    {
        MessageType.ASK: Layout(Ask, (("heads", NUMBER), ("peers", NUMBER))),
        MessageType.TELL: Layout(
            Tell, (("heads", list_of(BYTES, limits.MAX_HEADS)), ("peers", list_of(KNOWN_PEER, limits.MAX_PEERS)))
        ),
        MessageType.GET_PAGE: Layout(GetPage, (("cid", CID),)),
        MessageType.PAGE: Layout(Page, (("data", BULK),)),
        MessageType.NO_PAGE: Layout(NoPage, ()),
    },
    limits.FIRST_OPTIONAL_TYPE,
    limits.MAX_OPTIONAL,
)


def encode(message: Message) -> bytes:
    """The frame of a message."""
    return b"".join(_LAYOUTS.encode(message.TYPE, message))


def decode(payload: bytes) -> Message | None:
    """The message of a payload, which is never empty; None if its type is an optional one that is unknown here.

    RemoteProtocolError for whatever isn't a whole and possible message.
    """
    return _LAYOUTS.decode(payload)
