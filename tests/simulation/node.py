"""A node of the simulation: the driver's part around the real `Download` and `UploadQueue`.

Rules: only what the driver in node/services does is done here, without streams, disks and hashes: whether a chunk is
right is known from who sent its bytes.
"""

from __future__ import annotations

from random import Random

from node.swarm.commands import BanPeer, CancelRange, DropChunk, RequestRange
from node.swarm.download import Download
from node.swarm.settings import DownloadSettings, UploadSettings
from node.swarm.upload import UploadQueue
from protocols.bitfield import Bitfield
from protocols.exchange import RejectReason
from protocols.geometry import Geometry
from tests.simulation.network import Line, Network

REQUEST_LIMIT = 16 << 20
RECIPROCATE_S = 10.0


class Node:
    """One peer: `lies` sends wrong bytes and claims to have everything, `is_mean` takes and never gives."""

    def __init__(
        self,
        line: Line,
        network: Network,
        geometry: Geometry,
        have: Bitfield,
        rng: Random,
        *,
        lies: bool = False,
        is_mean: bool = False,
        download_settings: DownloadSettings | None = None,
        upload_settings: UploadSettings | None = None,
    ) -> None:
        self.line = line
        self.name = line.name
        self.geometry = geometry
        self.have = have
        self.lies = lies
        self.is_mean = is_mean
        self.neighbours: dict[str, Node] = {}
        self.joined_at = 0.0
        self.finished_at: float | None = None
        self.nearly_at: float | None = None  # when 98 % of the chunks were there
        self.received = 0
        self.sent = 0
        self.bans: dict[str, str] = {}
        self.wrong: dict[int, list[tuple[int, int]]] = {}  # spans of wrong bytes, by chunk in flight
        self._network = network
        self._events = network.events
        self._rng = rng
        self._download_settings = download_settings
        self._is_sending = False
        self._timer_at: float | None = None
        self.upload = UploadQueue(geometry.chunk_count, upload_settings)
        self.download = self._new_download()

    def _new_download(self) -> Download:
        return Download(self.geometry, self.have, rng=self._rng, now=self._events.now, settings=self._download_settings)

    # --- coming and going -------------------------------------------------------------------------------------

    def connect(self, other: Node) -> None:
        """Open a session with another node, if there is none."""
        is_new = other is not self and other.name not in self.neighbours
        is_banned = other.name in self.bans or self.name in other.bans
        if is_new and not is_banned and self.line.is_up and other.line.is_up:
            self._joined(other)
            other._joined(self)

    def _joined(self, other: Node) -> None:
        self.neighbours[other.name] = other
        self.download.peer_joined(other.name, REQUEST_LIMIT, self._events.now)
        claim = Bitfield.full(self.geometry.chunk_count) if self.lies else self.have.copy()
        self._network.tell(self.line, other.line, other.on_bitfield, self, claim)

    def disconnect(self, other: Node) -> None:
        """The session with another node is over."""
        for one, two in ((self, other), (other, self)):
            if one.neighbours.pop(two.name, None):
                one.download.peer_left(two.name, one._events.now)
                one.upload.peer_left(two.name)
                one._pump()

    def leave(self) -> None:
        """Go offline: all sessions break."""
        self.line.is_up = False
        for other in tuple(self.neighbours.values()):
            self.disconnect(other)

    def come_back(self) -> None:
        """Come online again with what was verified before."""
        self.line.is_up = True
        self.upload = UploadQueue(self.geometry.chunk_count)
        self.download = self._new_download()

    # --- messages ---------------------------------------------------------------------------------------------

    def _knows(self, sender: Node) -> bool:
        return self.line.is_up and sender.name in self.neighbours

    def on_bitfield(self, sender: Node, bitfield: Bitfield) -> None:
        if self._knows(sender):
            self.download.peer_bitfield(sender.name, bitfield, self._events.now)
            self._pump()

    def on_have(self, sender: Node, chunk: int) -> None:
        if sender.name in self.neighbours:
            self.download.peer_has(sender.name, (chunk,), self._events.now)
            self._pump()

    def on_request(self, sender: Node, request: RequestRange) -> None:
        if not self._knows(sender):
            return
        chunk, offset, length = request.chunk, request.offset, request.length
        if not (self.have[chunk] or self.lies):
            self._reject(sender, chunk, offset, length, RejectReason.UNAVAILABLE)
        elif not self.upload.push(sender.name, chunk, offset, length):
            self._reject(sender, chunk, offset, length, RejectReason.BUSY)
        self._send()

    def on_cancel(self, sender: Node, cancel: CancelRange) -> None:
        if self._knows(sender) and self.upload.cancel(sender.name, cancel.chunk, cancel.offset, cancel.length):
            self._reject(sender, cancel.chunk, cancel.offset, cancel.length, RejectReason.CANCELLED)

    def _reject(self, other: Node, chunk: int, offset: int, length: int, reason: RejectReason) -> None:
        self._network.tell(self.line, other.line, other.on_reject, self, chunk, offset, length, reason)

    def on_reject(self, sender: Node, chunk: int, offset: int, length: int, reason: RejectReason) -> None:
        if self._knows(sender):
            self.download.request_rejected(sender.name, chunk, offset, length, self._events.now, reason)
            self._pump()

    def on_data(self, sender: Node, chunk: int, offset: int, length: int) -> None:
        if not self._knows(sender):
            return
        self.received += length
        verdict = self.download.data_received(sender.name, chunk, offset, length, self._events.now)
        if sender.lies:
            self.wrong.setdefault(chunk, []).extend((span.start, span.end) for span in verdict.keep)
        if verdict.complete:
            self._check(chunk)
        self._pump()

    def _check(self, chunk: int) -> None:
        now = self._events.now
        wrong = self.wrong.pop(chunk, None)
        if wrong:
            self.download.chunk_failed(chunk, now, self._bytes(chunk, wrong))
            return
        self.download.chunk_verified(chunk, now, self._bytes(chunk, ()) if self.download.reputation.cases else b"")
        if self.have.count >= 0.98 * self.have.length and self.nearly_at is None:
            self.nearly_at = now
        if self.have.is_complete:
            self.finished_at = now
        if not self.lies:
            self._events.after(0.03, self._announce, chunk)

    def _announce(self, chunk: int) -> None:
        for other in tuple(self.neighbours.values()):
            other.on_have(self, chunk)

    def _bytes(self, chunk: int, wrong: object) -> bytearray:
        data = bytearray(self.geometry.chunk_length(chunk))
        for start, end in wrong:  # type: ignore[attr-defined]  # pairs
            data[start:end] = b"!" * (end - start)
        return data

    # --- doing what was decided -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to serve and fetch, and to look at who gives what."""
        self.joined_at = self._events.now
        self._pump()
        self._events.after(self._rng.uniform(0.0, RECIPROCATE_S), self._reciprocate)

    def _reciprocate(self) -> None:
        now = self._events.now
        self.upload.reciprocate({name: peer.pipeline.average.bps(now) for name, peer in self.download.peers.items()})
        self._events.after(RECIPROCATE_S, self._reciprocate)

    def _pump(self) -> None:
        now = self._events.now
        if not self.line.is_up:
            return
        for command in self.download.commands(now):
            match command:
                case BanPeer():
                    self.bans[command.peer] = command.reason
                    if other := self.neighbours.get(command.peer):
                        self.disconnect(other)
                case RequestRange() | CancelRange():
                    if other := self.neighbours.get(command.peer):
                        call = other.on_request if isinstance(command, RequestRange) else other.on_cancel
                        self._network.tell(self.line, other.line, call, self, command)
                case DropChunk():
                    self.wrong.pop(command.chunk, None)
        wakeup = self.download.next_wakeup(now)
        if wakeup is not None and (self._timer_at is None or wakeup < self._timer_at):
            self._timer_at = max(wakeup, now)
            self._events.at(self._timer_at, self._timer, self._timer_at)

    def _timer(self, when: float) -> None:
        if self._timer_at == when:
            self._timer_at = None
            self._pump()

    def _send(self) -> None:
        if self._is_sending or self.is_mean or not self.line.is_up:
            return
        grant = self.upload.next(self._events.now)
        if grant is None:
            return
        self._is_sending = True
        self.sent += grant.length
        other = self.neighbours[grant.peer]
        self._network.carry(
            self.line,
            other.line,
            grant.length,
            self._sent,
            other.on_data,
            self,
            grant.chunk,
            grant.offset,
            grant.length,
        )

    def _sent(self) -> None:
        self._is_sending = False
        self._send()
