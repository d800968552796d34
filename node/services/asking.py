"""The peers of one download: their messages become its news, its decisions become messages to them.

Rules: which chunk from whom is `node.swarm.Download`'s decision, and before there is a manifest `ManifestFetch`'s.
Nothing here touches the disk: complete chunks go into `unwritten`. A peer that breaks the protocol or sends wrong
data is banned for this manifest.
"""

from __future__ import annotations

import logging
import math

import trio

from node.services.session import PeerSession
from node.services.swarms import Swarm
from node.services.writing import Arrived, WriteQueue
from node.swarm.candidates import Candidates
from node.swarm.commands import BanPeer, CancelRange, DropChunk, RequestRange
from node.swarm.download import Download
from node.swarm.manifest_fetch import ANSWER_TIMEOUT_S, ManifestFetch
from node.swarm.rates import ActiveAverage
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    Have,
    Message,
    Meta,
    Reject,
    RejectMeta,
    Request,
)

log = logging.getLogger(__name__)

LONGEST_TICK_S = 1.0


class Asking:
    """Whom a download asks, and what comes of it; `machine` is None until the manifest is known."""

    def __init__(self, swarm: Swarm, candidates: Candidates) -> None:
        self.swarm = swarm
        self.candidates = candidates
        self.fetch = ManifestFetch(swarm.cid)
        self.machine: Download | None = None
        self.arrived = Arrived()
        self.unwritten = WriteQueue()
        self.average = ActiveAverage()
        self._waiting: set[trio.CancelScope] = set()  # of sessions that wait for room before the disk
        self._started_at = trio.current_time()
        self._changed = trio.Event()

    # --- news from the sessions -------------------------------------------------------------------------------

    def session_opened(self, session: PeerSession) -> None:
        """A peer has joined the swarm."""
        self.candidates.connected(session.peer, trio.current_time(), is_inbound=not session.outbound)
        self._welcome(session)
        self.wake()

    def session_closed(self, session: PeerSession, error: Exception | None) -> None:
        """A peer has left; one that broke the protocol is not asked again."""
        now = trio.current_time()
        self.fetch.peer_left(session.peer)
        if self.machine:
            self.machine.peer_left(session.peer, now)
        if isinstance(error, RemoteProtocolError):
            self.ban(session.peer, str(error), has_lied=False)
        reason = f"it said: {session.farewell}" if session.farewell else "it hung up"
        has_refused = bool(session.farewell) and session.remote_have is None and not session.down.total
        if self.candidates.ended(session.peer, now, reason, has_refused=has_refused):
            log.info("%s left %s: %s", session.peer, self.swarm.cid, reason)
        self.wake()

    async def heard(self, session: PeerSession, message: Message) -> None:
        """One message for the download; waits only when complete chunks pile up before the disk."""
        now = trio.current_time()
        machine = self.machine
        match message:
            case Data() if machine:
                await self._data(session, message, machine, now)
            case Meta():
                self.fetch.received(session.peer, message)
                self.wake()
            case RejectMeta():
                self.fetch.rejected(session.peer, message.reason, now)
            case BitfieldMessage() if machine and session.remote_have is not None:
                machine.peer_bitfield(session.peer, session.remote_have, now)
            case Have() if machine:
                machine.peer_has(session.peer, message.chunks, now)
            case Reject() if machine:
                range_ = message.chunk, message.offset, message.length
                machine.request_rejected(session.peer, *range_, now, message.reason)
            case Bye():
                session.farewell = message.text or message.reason.name.lower()
                session.bye(ByeReason.FINISHED)
            case _:
                pass  # before the geometry is known the connection keeps what was said
        self.pump()

    async def _data(self, session: PeerSession, data: Data, machine: Download, now: float) -> None:
        length = len(data.data)
        session.down.add(length, now)
        self.average.add(length, now)
        verdict = machine.data_received(session.peer, data.chunk, data.offset, length, now)
        for start, end in verdict.keep:
            part = data.data if end - start == length else data.data[start - data.offset : end - data.offset]
            self.arrived.keep(data.chunk, start, part)
        if verdict.complete:
            # What a peer may send on credit is little until its first chunk is verified, whether it lies or not.
            is_proven = machine.peers[session.peer].pipeline.is_proven
            self.pump()  # keep the peers busy before waiting for the disk
            with trio.CancelScope() as wait:
                self._waiting.add(wait)
                try:
                    await self.unwritten.put(data.chunk, self.arrived.take(data.chunk), is_urgent=not is_proven)
                finally:
                    self._waiting.discard(wait)

    # --- what the download does with it -----------------------------------------------------------------------

    async def run(self) -> None:
        """Begin with the sessions that are there, and have the decisions made in time, until cancelled."""
        self.swarm.listener = self
        for session in tuple(self.swarm.sessions.values()):
            self.session_opened(session)
        while True:
            now = trio.current_time()
            source = self.machine.next_wakeup(now) if self.machine else self.fetch.next_wakeup()
            wait = min(LONGEST_TICK_S, max(0.01, (source if source is not None else math.inf) - now))
            await trio.sleep(wait)
            self.pump()

    def begin(self, machine: Download) -> None:
        """The manifest is known: fetch its chunks."""
        self.machine = machine
        for session in tuple(self.swarm.sessions.values()):
            self._welcome(session)
        self.pump()

    def end(self) -> None:
        """Ask for nothing more: the sessions stay open for the other side."""
        self.swarm.listener = None
        self.pause()

    def pause(self) -> None:
        """Ask for nothing more for now: no session waits for the disk, each goes on reading what its peer asks for."""
        if self.machine:
            self.machine.pause()
            self.pump()
        for wait in tuple(self._waiting):
            wait.cancel()

    def fetch_only_from(self, peer: str) -> None:
        """Ask nobody but this peer from now on, or, if it is "", whoever has something."""
        self.candidates.only = peer
        for session in tuple(self.swarm.sessions.values()):
            if self._may_ask(session):
                self._welcome(session)
            else:  # it may come back to be served
                session.bye(ByeReason.FINISHED, "another peer was chosen")
        self.wake()

    def dismiss_complete(self) -> None:
        """Nothing is wanted any more: say goodbye to those who don't want anything either."""
        for session in tuple(self.swarm.sessions.values()):
            if session.remote_have is not None and session.remote_have.is_complete:
                session.bye(ByeReason.FINISHED, "both sides are complete")

    def ban(self, peer: str, reason: str, *, has_lied: bool = True) -> None:
        """Ask a peer for nothing of this manifest ever again: it sent wrong data, or broke the protocol."""
        self.candidates.ban(peer, reason, trio.current_time(), has_lied=has_lied)
        self.swarm.ban(peer, has_lied=has_lied)
        if session := self.swarm.sessions.get(peer):
            session.bye(ByeReason.BAD_DATA, reason)

    def pardoned(self, peer: str) -> None:
        """A person wants a banned peer to be asked again."""
        self.candidates.pardon(peer, trio.current_time())
        if self.machine:
            self.machine.reputation.pardon(peer)

    def wake(self) -> None:
        """Something happened that `news` waits for."""
        self._changed.set()

    async def news(self) -> None:
        """Wait for something to happen."""
        await self._changed.wait()
        self._changed = trio.Event()

    def pump(self) -> None:
        """Do what the decisions say."""
        now = trio.current_time()
        if self.machine is None:
            if (asked := self.fetch.command(now)) and asked[0] in self.swarm.sessions:
                self.swarm.sessions[asked[0]].queue(asked[1])
            return
        for command in self.machine.commands(now):
            match command:
                case BanPeer():
                    self.ban(command.peer, command.reason)
                case DropChunk():
                    self.arrived.drop(command.chunk)
                case RequestRange() | CancelRange():
                    self._tell(command)
        if self.machine.is_complete:
            self.wake()

    # --- for eyes ---------------------------------------------------------------------------------------------

    @property
    def is_alone(self) -> bool:
        """Whether nobody is in session who may still send anything."""
        return not any(self._may_ask(session) and not session.is_closing for session in self.swarm.sessions.values())

    def stall_reason(self, *, was_looked_up: bool) -> str:
        """Why nothing comes in, in words; "" while something does, or before anybody was looked for."""
        if self.is_alone:
            return self.candidates.why_none() if was_looked_up else ""
        if self.machine is None:
            return self._no_manifest()
        reason = self.machine.stall_reason(trio.current_time()) or ""
        return f"{reason}; only the chosen peer is asked" if reason and self.candidates.only else reason

    # --- inside -----------------------------------------------------------------------------------------------

    def _may_ask(self, session: PeerSession) -> bool:
        return self.candidates.only in ("", session.peer)

    def _welcome(self, session: PeerSession) -> None:
        """Ask a peer from here on, if it may be asked; one that is known already stays as it is."""
        if not self._may_ask(session):
            return
        if self.machine is None:
            self.fetch.peer_joined(session.peer)
        elif session.peer not in self.machine.peers:
            now = trio.current_time()
            self.machine.peer_joined(session.peer, session.connection.remote_request_limit, now)
            if session.remote_have is not None:
                self.machine.peer_bitfield(session.peer, session.remote_have, now)

    def _tell(self, command: RequestRange | CancelRange) -> None:
        session = self.swarm.sessions.get(command.peer)
        if session is None or session.is_closing:
            return
        range_ = command.chunk, command.offset, command.length
        if isinstance(command, RequestRange):
            session.queue(Request(*range_))
        elif session.connection.awaits(*range_):  # its end may have come in the same bytes, not yet got to here
            session.queue(Cancel(*range_))

    def _no_manifest(self) -> str:
        if trio.current_time() - self._started_at < ANSWER_TIMEOUT_S:
            return ""
        peers = len(self.swarm.sessions)
        return f"{peers} {'peer is' if peers == 1 else 'peers are'} connected, none has sent the manifest"
