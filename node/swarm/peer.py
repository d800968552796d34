"""One connected peer as the decisions of a download see it.

Rules: bookkeeping only, nothing is decided here but whether there is room for another request. Every request stays
until the peer has ended it, cancelled or not, because until then it counts against what the peer accepts.
"""

from __future__ import annotations

from collections.abc import Iterator

from node.swarm.availability import mask_of
from node.swarm.pipeline import MIN_RANGE, Pipeline
from node.swarm.progress import OpenRequest
from node.swarm.settings import DownloadSettings
from node.swarm.withheld import Withheld
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry

REFILL = 4 << 20
"""Bytes to have room for before a line that was full is filled again, if that isn't more than a quarter of it: each
time that something is asked for wakes the peer, which reads and sends what was asked at once with one effort."""


class Peer:
    """What one peer has, owes us, and how well it answers."""

    def __init__(self, name: str, request_limit: int, geometry: Geometry, settings: DownloadSettings) -> None:
        self.name = name
        self.request_limit = request_limit
        self.bitfield = Bitfield(geometry.chunk_count)
        self.withheld = Withheld()
        self.has_told = False  # its bitfield or a have came
        self.pipeline = Pipeline(geometry.chunk_size, settings.max_pipeline)
        self.requests: dict[int, list[OpenRequest]] = {}  # by chunk, those not ended
        self.request_count = 0
        self.open_bytes = 0  # lengths of all requests not ended: what the peer's limit is about
        self.awaited_bytes = 0  # still to come of those not cancelled: what the pipeline is about
        self.shortlist: list[int] = []  # good chunks to ask for next, best last
        self.shortlist_at = 0.0
        self.is_exhausted = False  # nothing unrequested is left that it has
        self.silences = 0  # times in a row that it owed bytes and sent none
        self.probe_at = 0.0  # a silent peer is asked again then
        self.asked_at = 0.0
        self.is_suspect = False
        self.waited_s = 0.0  # how long it has owed us bytes since it last sent some worth mentioning
        self.heard_bytes = 0  # what it sent in that time
        self.busy_until = 0.0
        self.refusals = 0
        self._is_full = False
        self._settings = settings
        self._mask: int | None = None

    @property
    def mask(self) -> int:
        """The chunks it has, as a set in one long integer."""
        if self._mask is None:
            self._mask = mask_of(self.bitfield)
        return self._mask

    def told(self, bitfield: Bitfield) -> None:
        """It says what it has."""
        self.bitfield = bitfield
        self.has_told = True
        self.withheld.clear()
        self._mask = None

    def has(self, chunk: int) -> bool:
        """It has got a chunk; whether that is new."""
        self.has_told = True
        self._mask = None
        return self.bitfield.set(chunk)

    def lacks(self, chunk: int, now: float) -> None:
        """It turns out not to have a chunk, at least for now."""
        self.withheld.refused(chunk, now)
        self.bitfield.clear(chunk)
        self._mask = None

    def room(self, now: float) -> int:
        """How many bytes the next request to it may have; 0 if none is to be sent now."""
        if self.busy_until > now or self.request_count >= self._settings.max_requests:
            return 0
        # Whom we doubt, in speed or in honesty, gets one request at a time.
        if (self.silences or self.is_suspect) and self.request_count:
            return 0
        if self.silences and now < self.probe_at:
            return 0
        room = self.request_limit - self.open_bytes
        # Not less than a useful range, unless the peer never accepts more.
        if self.awaited_bytes >= self.pipeline.window or room < min(MIN_RANGE, self.request_limit):
            self._is_full = True
        elif not self._is_full or min(room, self.pipeline.window - self.awaited_bytes) >= self._refill:
            self._is_full = False
            return room
        return 0

    @property
    def _refill(self) -> int:
        """How much has to be free in a line that was full, before it is filled again."""
        return min(self.pipeline.window // 4, self.request_limit // 4, REFILL)

    def is_in_order(self, now: float) -> bool:
        """Whether it can be expected to answer: it is neither silent nor busy."""
        return not self.silences and self.busy_until <= now

    def is_entangled(self, chunk: int) -> bool:
        """Whether it still owes an answer about a chunk that isn't counted on: the same bytes can't be asked twice."""
        return any(request.is_cancelled or request.is_released for request in self.requests.get(chunk, ()))

    def range_limit(self) -> int:
        """The longest single request: a quarter of a small limit, so that its pipeline never runs dry."""
        return max(self.request_limit // 4, min(MIN_RANGE, self.request_limit))

    def open_requests(self) -> Iterator[OpenRequest]:
        """Its requests that aren't cancelled, oldest first."""
        for requests in self.requests.values():
            for request in requests:
                if not request.is_cancelled:
                    yield request

    def counted_on(self) -> int:
        """Bytes still to come of the requests that nobody else may be asked for."""
        return sum(request.remaining for request in self.open_requests() if not request.is_released)

    def request_at(self, chunk: int, offset: int) -> OpenRequest | None:
        """The request whose next byte is the one at `offset` of the chunk."""
        for request in self.requests.get(chunk, ()):
            if request.next_offset == offset:
                return request
        return None

    def opened(self, request: OpenRequest, now: float) -> None:
        """A request goes out."""
        self.asked_at = now
        self.requests.setdefault(request.chunk, []).append(request)
        self.request_count += 1
        self.open_bytes += request.length
        self.awaited_bytes += request.length

    def arrived(self, request: OpenRequest, size: int, now: float) -> None:
        """The next bytes of a request came in."""
        first = not request.received
        if first and self.request_count == 1:
            self.pipeline.answered(now - request.issued_at)
        self.pipeline.arrived(size, now, asked_at=request.issued_at if first else None)
        self.heard_bytes += size
        self.refusals = 0
        request.received += size
        if not request.is_cancelled:
            self.awaited_bytes -= size
        if not request.remaining:
            self.ended(request)

    def cancelled(self, request: OpenRequest) -> None:
        """The peer is told that the rest isn't wanted."""
        request.is_cancelled = True
        self.awaited_bytes -= request.remaining

    def ended(self, request: OpenRequest) -> None:
        """The peer has sent the last byte of a request, or refused it."""
        requests = self.requests[request.chunk]
        requests.remove(request)
        if not requests:
            del self.requests[request.chunk]
        self.request_count -= 1
        self.open_bytes -= request.length
        if not request.is_cancelled:
            self.awaited_bytes -= request.remaining
