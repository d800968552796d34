"""Asking one peer: open a stream, send the query, take the answer.

Rules: what came before the peer fell silent counts; of an answer that breaks the protocol nothing does. How it ended
is part of what a person is told, so nothing is raised here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import trio

from node.errors import ShoalError
from node.net.errors import ProtocolRefusedError
from node.services.session import ExchangeStream
from protocols.errors import RemoteProtocolError
from protocols.search import PROTOCOL_ID, Asking, Hit, Outcome, Query

log = logging.getLogger(__name__)


class Reply(StrEnum):
    """How asking a peer ended, as a person reads it."""

    WAITING = "waiting"
    ANSWERED = "answered"
    BUSY = "busy"
    SILENT = "didn't answer"
    UNABLE = "doesn't search"
    UNREACHABLE = "not reached"
    BROKEN = "broke the protocol"
    LEFT = "not waited for"


class HalfCloseableStream(ExchangeStream, Protocol):
    """What is needed of `node.net.streams.PeerStream`."""

    async def send_eof(self) -> None: ...


class Network(Protocol):
    """What is needed of the host."""

    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...
    async def open_stream(self, peer_id: str, protocol_id: str) -> HalfCloseableStream: ...


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What one peer said, and how that ended."""

    reply: Reply
    hits: tuple[Hit, ...] = ()
    address: str = ""  # multiaddr at which it was reached
    has_more: bool = False


async def ask(network: Network, peer: str, addresses: Iterable[str], query: Query, deadline: float) -> PeerAnswer:
    """Ask a peer until `deadline`, in trio's time."""
    hits: list[Hit] = []
    asking = Asking(query)
    stream: HalfCloseableStream | None = None
    reply = Reply.UNREACHABLE
    try:
        with trio.CancelScope(deadline=deadline):
            await network.connect(peer, addresses)
            stream = await network.open_stream(peer, PROTOCOL_ID)
            reply = Reply.SILENT
            await _converse(stream, asking, hits)
            reply = Reply.BUSY if asking.outcome in (Outcome.BUSY, Outcome.REFUSED) else Reply.ANSWERED
    except RemoteProtocolError as error:
        log.warning("the answer of %s to a search is dropped: %s", peer, error)
        hits.clear()
        reply = Reply.BROKEN
    except ProtocolRefusedError:
        reply = Reply.UNABLE
    except (ShoalError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
        log.info("%s can't be asked: %s", peer, error)
    finally:
        if stream is not None:
            stream.reset()
    address = stream.remote_address if stream is not None else ""
    return PeerAnswer(reply, tuple(hits), address, asking.outcome is Outcome.MORE)


async def _converse(stream: HalfCloseableStream, asking: Asking, hits: list[Hit]) -> None:
    await stream.send_all(asking.question())
    await stream.send_eof()
    while asking.outcome is None:
        data = await stream.receive_some()
        if not data:
            asking.receive_eof()
        hits += asking.receive_data(data)
