"""The asking side of Kademlia: one held stream per peer, one question at a time on it.

Rules: a stream carries many questions, each answered before the next is asked, so that no answer can be taken for
another one's. A stream that timed out, broke or said something odd is reset and never used again. A held stream may
have been ended by its server in the meantime; that shows on its next use, which then goes to a new stream, once.
Peers that didn't answer in time are left alone for a while: the network goes on naming the dead for hours.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.errors import ShoalError
from node.net.kad_messages import MAX_ANSWER, Contact, Kind
from node.net.kad_stream import KadStream
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

ANSWER_S = 4.0  # to dial, negotiate and answer: seven round trips of half a second each
HOLD_S = 45.0  # of idleness; servers, go's too, reset a stream after 60 s
MAX_HELD = 256  # streams; the routing table's peers and a few lookups' worth of others
SHUN_S = 5.0  # after a first failure, doubled after each further one: it may only have been busy, or we
MAX_SHUN_S = 300.0  # the dead are named by others for a day, and a search must not pay for them each time
MAX_SHUNNED = 1024  # peers remembered; forgetting one costs a timeout


class QueryError(Exception):
    """A peer didn't answer: it is away, no Kademlia server, too slow, or broke a rule."""


class Dialler(Protocol):
    """What the client asks of the host."""

    async def connect(self, target: str, hints: Iterable[str] = ()) -> str:
        """Connect to a peer unless it is connected already; ShoalError if no address leads to it."""

    async def open_stream(self, peer_id: str, protocol_id: str) -> PeerStream:
        """Open a stream to a connected peer; ShoalError if that fails."""


@dataclass(slots=True)
class _Line:
    """What connects this node with one peer: a stream, if one is held, and the queue of those who want to use it."""

    lock: trio.Lock = field(default_factory=trio.Lock)
    stream: KadStream | None = None
    unread_echoes: int = 0  # ADD_PROVIDERs sent on the stream that py-libp2p would have echoed
    used_at: float = 0.0

    def drop(self) -> None:
        if self.stream is not None:
            self.stream.reset()
        self.stream = None
        self.unread_echoes = 0


@dataclass(frozen=True, slots=True)
class _Shunned:
    until: float
    pause_s: float


class KadClient:
    """Asks peers over streams of `protocol_id`; safe to use from many tasks and to cancel."""

    def __init__(self, dialler: Dialler, protocol_id: str) -> None:
        self._dialler = dialler
        self._protocol_id = protocol_id
        self._lines: OrderedDict[str, _Line] = OrderedDict()  # least recently used first
        self._shunned: OrderedDict[str, _Shunned] = OrderedDict()  # the latest last

    @property
    def streams(self) -> int:
        """How many streams are held open now."""
        return sum(1 for line in self._lines.values() if line.stream is not None)

    async def ask(self, contact: Contact, request: Message) -> Message:
        """Return the peer's answer to `request`; QueryError if none comes."""
        reply = await self._use(contact, (request,), wants_reply=True)
        assert reply is not None
        return reply

    async def tell(self, contact: Contact, *messages: Message) -> None:
        """Send messages that have no answer; QueryError if they surely didn't arrive."""
        await self._use(contact, messages, wants_reply=False)

    def forgive(self, peer_id: str) -> None:
        """Forget that a peer failed: it has just shown that it is alive."""
        self._shunned.pop(peer_id, None)

    def drop_idle(self) -> None:
        """Reset the streams that nobody has used for HOLD_S, before their servers do."""
        oldest = trio.current_time() - HOLD_S
        for peer_id, line in list(self._lines.items()):
            if line.used_at < oldest and not line.lock.locked():
                self._forget(peer_id, line)

    def reset_streams(self) -> None:
        """Abandon every stream."""
        for line in self._lines.values():
            line.drop()

    async def _use(self, contact: Contact, messages: Sequence[Message], *, wants_reply: bool) -> Message | None:
        line = self._line(contact.peer_id)
        async with line.lock:
            self._check_shunned(contact.peer_id)
            try:
                with trio.fail_after(ANSWER_S):
                    reply = await self._exchange(line, contact, messages, wants_reply)
            except (ShoalError, trio.TooSlowError) as error:
                self._shun(contact.peer_id)
                raise QueryError(str(error) or f"no answer in {ANSWER_S:.0f} s") from error
            except (trio.BrokenResourceError, trio.ClosedResourceError, RemoteProtocolError) as error:
                log.debug("kad: %s failed: %s", contact.peer_id, error)
                raise QueryError(str(error) or "the stream broke") from error
            if wants_reply:
                self.forgive(contact.peer_id)
            return reply

    async def _exchange(
        self, line: _Line, contact: Contact, messages: Sequence[Message], wants_reply: bool
    ) -> Message | None:
        if line.stream is not None:
            try:
                return await self._talk(line, line.stream, messages, wants_reply)
            except trio.BrokenResourceError:
                log.debug("kad: the held stream of %s has ended, opening another", contact.peer_id)
        await self._dialler.connect(contact.peer_id, contact.addresses)
        line.stream = KadStream(await self._dialler.open_stream(contact.peer_id, self._protocol_id), MAX_ANSWER)
        return await self._talk(line, line.stream, messages, wants_reply)

    async def _talk(
        self, line: _Line, stream: KadStream, messages: Sequence[Message], wants_reply: bool
    ) -> Message | None:
        done = False
        try:
            await stream.send(*messages)
            reply = await self._reply(line, stream, messages[-1]) if wants_reply else None
            line.unread_echoes += sum(message.type == Kind.ADD_PROVIDER for message in messages)
            line.used_at = trio.current_time()
            done = True
            return reply
        finally:
            if not done:  # cancelled, too: the answer would be taken for that of the next question
                line.drop()

    async def _reply(self, line: _Line, stream: KadStream, request: Message) -> Message:
        while True:
            reply = await stream.receive()
            if reply is None:
                raise trio.BrokenResourceError("the peer ended the stream instead of answering")
            # py-libp2p's server answers ADD_PROVIDER too, before anything asked later; go's and ours don't.
            if reply.type == Kind.ADD_PROVIDER and line.unread_echoes:
                line.unread_echoes -= 1
                continue
            if reply.type != request.type or (reply.key and reply.key != request.key):
                raise RemoteProtocolError("an answer to another question")
            return reply

    def _line(self, peer_id: str) -> _Line:
        line = self._lines.setdefault(peer_id, _Line())
        self._lines.move_to_end(peer_id)
        if len(self._lines) > MAX_HELD:
            for oldest_id, oldest in list(self._lines.items())[: len(self._lines) - MAX_HELD]:
                if not oldest.lock.locked():
                    self._forget(oldest_id, oldest)
        return line

    def _forget(self, peer_id: str, line: _Line) -> None:
        line.drop()
        del self._lines[peer_id]

    def _shun(self, peer_id: str) -> None:
        before = self._shunned.pop(peer_id, None)
        pause_s = min(MAX_SHUN_S, before.pause_s * 2) if before else SHUN_S
        self._shunned[peer_id] = _Shunned(trio.current_time() + pause_s, pause_s)
        if len(self._shunned) > MAX_SHUNNED:
            self._shunned.popitem(last=False)

    def _check_shunned(self, peer_id: str) -> None:
        shunned = self._shunned.get(peer_id)
        if shunned and shunned.until > trio.current_time():
            raise QueryError("it didn't answer lately")
