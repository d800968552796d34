"""The exchange protocol's service: who is in session with us about which manifest.

Rules: one session per peer and manifest (of two opened at once the one of the smaller peer id stays); every session
runs in this service's nursery, so that it outlives the download that opened it and goes on serving; whatever a peer
does ends that session and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol
from weakref import WeakValueDictionary

import trio

from node.services.content import Content
from node.services.limiting import Limits
from node.services.serving import Serving
from node.services.session import HELLO_TIMEOUT_S, ExchangeStream, PeerSession
from node.services.swarms import Swarm, announce
from protocols.bitfield import Bitfield
from protocols.cid import DIGEST_LENGTH, Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    PROTOCOL_ID,
    Bye,
    ByeReason,
    Cancel,
    Connection,
    GetMeta,
    Hello,
    Message,
    Peers,
    Request,
    State,
    UnsupportedVersionError,
)
from protocols.manifest import MAX_MANIFEST_SIZE, PAGE_DIGESTS

log = logging.getLogger(__name__)

REQUEST_LIMIT = 16 << 20
"""Bytes of unanswered requests we let one peer have: 160 ms at 100 MB/s, and nothing is read before its turn."""

MAX_SESSIONS = 512
"""Sessions of all manifests together; each costs two tasks and at most a few MiB while it is busy."""

IDLE_SWARMS = 64
"""Manifests without a session whose digests and ledger stay in memory: at 1,000 shares most are never asked for."""

MAX_SESSIONS_PER_PEER = 64
"""Manifests one peer may be in session about: far more than it downloads at once, an eighth of all there are."""

GOODBYE_S = 3.0
"""How long the last words may take to leave."""

PARTING_S = 30.0
"""How long they may wait behind what is on its way already: a peer that doesn't take even that has stopped reading."""

_WHY_BANNED = {
    True: (ByeReason.BAD_DATA, "wrong data was sent for this manifest"),
    False: (ByeReason.PROTOCOL_ERROR, "the protocol was broken about this manifest"),
}
"""What a banned peer is told, by whether it sent wrong data."""


class Network(Protocol):
    """What this service needs of the host."""

    @property
    def peer_id(self) -> str: ...
    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...
    async def open_stream(self, peer_id: str, protocol_id: str) -> ExchangeStream: ...


FindContent = Callable[[Cid], Awaitable[Content | None]]
"""What this node seeds of a manifest, None if it doesn't."""


class RefusedError(RemoteProtocolError):
    """The peer answered with BYE: it doesn't want to talk about this manifest."""


class Exchange:
    """All sessions of this node."""

    def __init__(self, network: Network, find_content: FindContent, agent: str, limits: Limits | None = None) -> None:
        self._network = network
        self.limits = limits or Limits()
        self.find_content = find_content
        self._agent = agent
        self._nursery: trio.Nursery | None = None
        self._count = 0
        self._closings = 0  # of swarms
        self._emptied = trio.Event()
        self.swarms: dict[Cid, Swarm] = {}
        self._opening: WeakValueDictionary[tuple[str, Cid], trio.Lock] = WeakValueDictionary()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the sessions' nursery open."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    def swarm(self, cid: Cid) -> Swarm:
        """The swarm of a manifest, made when it is first asked for."""
        if cid not in self.swarms:
            self.swarms[cid] = Swarm(cid, self.limits.up(cid))
        return self.swarms[cid]

    def heard_from(self, cid: Cid, peer: str) -> tuple[int, Bitfield | None] | None:
        """Bytes of a manifest that the open session with a peer has brought, and what it says it has, if it said so.

        None if there is no such session.
        """
        swarm = self.swarms.get(cid)
        session = swarm.sessions.get(peer) if swarm else None
        return (session.down.total, session.remote_have) if session else None

    async def accept(self, stream: ExchangeStream) -> None:
        """Serve a stream that a peer opened, until it ends."""
        session = self._session(stream, None)
        hello = await self._first_hello(session)
        if hello is None:
            return
        swarm = self.swarms.get(hello.cid)
        content = swarm.content if swarm else None
        if content is None and (swarm is None or swarm.listener is None):
            content = await self._shared_now(hello.cid)
            if content is None:
                await self._refuse(session, ByeReason.NOT_FOUND, "no such manifest is shared here")
                return
            swarm = self.swarm(hello.cid)
            if swarm.content is None:
                swarm.set_content(content)
        assert swarm is not None
        if session.peer in swarm.banned:
            await self._refuse(session, *_WHY_BANNED[session.peer in swarm.liars])
        elif self._count >= MAX_SESSIONS or self._count_of(session.peer) >= MAX_SESSIONS_PER_PEER:
            await self._refuse(session, ByeReason.BUSY, "too many sessions")
        elif not self._admit(swarm, session):
            await self._refuse(session, ByeReason.DUPLICATE, "a session about this manifest is open already")
        else:
            await self._greet_and_run(swarm, session)

    async def _shared_now(self, cid: Cid) -> Content | None:
        """What is seeded of a manifest, looked at again if that ended somewhere meanwhile."""
        while True:
            closings = self._closings
            content = await self.find_content(cid)
            if closings == self._closings:
                return content

    async def open(self, peer: str, addresses: tuple[str, ...], cid: Cid) -> None:
        """Open a session and start it in the background; returns once the peer has said HELLO and has joined the swarm.

        Who is asked while another opens one waits for that: of two, the peer would end one, and not say which in time.
        Raises RemoteProtocolError when the peer refuses or misbehaves, ShoalError when it can't be reached and
        trio.BrokenResourceError when the stream ends too early.
        """
        async with self._opening.setdefault((peer, cid), trio.Lock()):
            swarm = self.swarms.get(cid)
            existing = swarm.sessions.get(peer) if swarm else None
            if existing is None or existing.is_closing:
                await self._open(peer, addresses, cid)

    async def _open(self, peer: str, addresses: tuple[str, ...], cid: Cid) -> None:
        await self._network.connect(peer, addresses)
        stream = await self._network.open_stream(peer, PROTOCOL_ID)
        session = self._session(stream, cid)
        try:
            await session.greet(self._agent)
            await self._await_hello(session)
        except RefusedError:
            await self._refuse(session, ByeReason.FINISHED, "")
            raise
        except UnsupportedVersionError as error:
            await self._refuse(session, ByeReason.UNSUPPORTED_VERSION, str(error))
            raise
        except RemoteProtocolError as error:
            await self._refuse(session, ByeReason.PROTOCOL_ERROR, str(error))
            raise
        except BaseException:
            stream.reset()
            raise
        swarm = self.swarm(cid)
        if not self._admit(swarm, session):
            await self._refuse(session, ByeReason.DUPLICATE, "a session about this manifest is open already")
            return
        assert self._nursery is not None
        await self._nursery.start(self._run, swarm, session)

    def _count_of(self, peer: str) -> int:
        return sum(peer in swarm.sessions for swarm in self.swarms.values())

    def close_swarm(self, cid: Cid, reason: ByeReason, text: str) -> None:
        """Say goodbye to everybody about one manifest: it is no longer shared here."""
        swarm = self.swarms.pop(cid, None)
        self._closings += 1
        for session in tuple(swarm.sessions.values()) if swarm else ():
            session.bye(reason, text)

    async def close(self) -> None:
        """Say goodbye to everybody, and wait until they have heard it."""
        for cid in tuple(self.swarms):
            self.close_swarm(cid, ByeReason.STOPPING, "this node stops")
        while self._count:
            self._emptied = trio.Event()
            await self._emptied.wait()

    def _session(self, stream: ExchangeStream, cid: Cid | None) -> PeerSession:
        connection = Connection(
            cid,
            request_limit=REQUEST_LIMIT,
            max_manifest_size=MAX_MANIFEST_SIZE,
            max_page_size=PAGE_DIGESTS * DIGEST_LENGTH,
        )
        return PeerSession(stream, connection, outbound=cid is not None, now=trio.current_time())

    def _admit(self, swarm: Swarm, session: PeerSession) -> bool:
        existing = swarm.sessions.get(session.peer)
        if existing is None:
            return True
        ours_stays = self._network.peer_id < session.peer
        if existing.outbound != session.outbound and existing.outbound == ours_stays and not existing.is_closing:
            return False
        existing.bye(ByeReason.DUPLICATE, "a newer session took its place")
        self._removed(swarm, existing)
        return True

    async def _first_hello(self, session: PeerSession) -> Hello | None:
        try:
            return await self._await_hello(session)
        except UnsupportedVersionError as error:
            await self._refuse(session, ByeReason.UNSUPPORTED_VERSION, str(error))
            return None
        except (RemoteProtocolError, trio.BrokenResourceError) as error:
            log.info("%s opened a session and %s", session.peer, error or "was gone")
            session.stream.reset()
            return None

    async def _await_hello(self, session: PeerSession) -> Hello:
        with trio.move_on_after(HELLO_TIMEOUT_S):
            messages = await session.receive()
            if messages and isinstance(messages[0], Hello):
                session.early = messages[1:]
                session.agent = messages[0].agent
                return messages[0]
            if messages and isinstance(messages[0], Bye):
                raise RefusedError(f"it refused: {messages[0].text or messages[0].reason.name.lower()}")
            raise RemoteProtocolError("it hung up before HELLO")
        raise RemoteProtocolError(f"it said nothing for {HELLO_TIMEOUT_S:.0f} s")

    async def _refuse(self, session: PeerSession, reason: ByeReason, text: str) -> None:
        has_left = False
        try:
            with trio.move_on_after(GOODBYE_S):
                if session.connection.local_state is State.IDLE:
                    await session.greet(self._agent)
                session.bye(reason, text)
                await session.write()
                await session.stream.aclose()
                has_left = True  # and the stream sees to a peer that doesn't close; a reset now would overtake our BYE
        except trio.BrokenResourceError:
            pass
        finally:
            if not has_left:
                session.stream.reset()

    async def _greet_and_run(self, swarm: Swarm, session: PeerSession) -> None:
        try:
            await session.greet(self._agent)
        except trio.BrokenResourceError:
            return
        await self._run(swarm, session)

    async def _run(
        self, swarm: Swarm, session: PeerSession, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        refusal = None
        if self.swarms.get(swarm.cid) is not swarm:  # it was closed while this one said HELLO
            refusal = ByeReason.STOPPING, "no longer shared here"
        elif not self._admit(swarm, session):  # another one began meanwhile
            refusal = ByeReason.DUPLICATE, "a session about this manifest is open already"
        if refusal:
            task_status.started()
            await self._refuse(session, *refusal)
            return
        serving = Serving(session, swarm.uploads)
        swarm.sessions[session.peer] = session
        self._join(swarm, session)
        self._count += 1
        task_status.started()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, session)
                await self._converse(swarm, session, serving)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            log.debug("the session with %s about %s broke", session.peer, swarm.cid)
        except* Exception:  # the border: whatever goes wrong about one peer ends that peer's session alone
            log.exception("the session with %s about %s failed", session.peer, swarm.cid)
        finally:
            self._count -= 1
            self._emptied.set()
            self._removed(swarm, session)
            if not session.said_goodbye:
                session.stream.reset()

    def _join(self, swarm: Swarm, session: PeerSession) -> None:
        """Give the session a place in its manifest's line, which is served while there is anybody."""
        assert self._nursery is not None
        swarm.uploads.join(session)
        if not swarm.uploads.is_running:
            swarm.uploads.is_running = True
            self._nursery.start_soon(swarm.uploads.run)

    async def _converse(self, swarm: Swarm, session: PeerSession, serving: Serving) -> None:
        """Talk until one side says BYE or the peer breaks the protocol, and answer with our BYE."""
        try:
            if swarm.content:
                announce(session, swarm.content)
            if swarm.listener:
                swarm.listener.session_opened(session)
            await self._read(swarm, session, serving)
            session.bye(ByeReason.FINISHED)
        except RemoteProtocolError as broken:
            log.warning("%s broke the protocol and loses its session: %s", session.peer, broken)
            session.fault = broken
            session.bye(ByeReason.PROTOCOL_ERROR, str(broken))
        with trio.move_on_after(GOODBYE_S):
            await session.written.wait()
            await session.stream.aclose()
            session.said_goodbye = True

    async def _write(self, session: PeerSession) -> None:
        """Write until our BYE has left, then give the peer a moment to leave by itself."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.write)
            await session.closing.wait()
            with trio.move_on_after(PARTING_S):
                await session.written.wait()
                await trio.sleep(GOODBYE_S)
            session.stream.reset()

    async def _read(self, swarm: Swarm, session: PeerSession, serving: Serving) -> None:
        messages: list[Message] = session.early
        while True:
            for message in messages:
                match message:
                    case GetMeta():
                        serving.get_meta(message)
                    case Request():
                        serving.request(message)
                    case Cancel():
                        serving.cancel(message)
                    case Peers():
                        if swarm.on_told:
                            swarm.on_told(session, message)
                    case _ if swarm.listener and swarm.sessions.get(session.peer) is session:
                        await swarm.listener.heard(session, message)
                    case Bye():
                        session.farewell = message.text
                        return
                    case _:
                        pass  # what a finished share needs not know: bitfields and haves of its leechers
            messages = await session.receive()
            if not messages:
                return

    def _removed(self, swarm: Swarm, session: PeerSession) -> None:
        if swarm.sessions.get(session.peer) is session:
            del swarm.sessions[session.peer]
            try:
                swarm.settle(session)
                swarm.uploads.leave(session)
                if swarm.listener:
                    swarm.listener.session_closed(session, session.fault)
            except Exception:  # the same border as in `_run`: what is done about one peer that left costs no other
                log.exception("the end of the session with %s about %s failed", session.peer, swarm.cid)
            self._forget_idle()

    def _forget_idle(self) -> None:
        """Let go of what was read for a swarm that nobody is in any more, the least recently joined first."""
        idle = [cid for cid, swarm in self.swarms.items() if not swarm.sessions and not swarm.listener]
        for cid in idle[: max(0, len(idle) - IDLE_SWARMS)]:
            del self.swarms[cid]
