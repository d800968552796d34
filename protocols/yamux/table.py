"""The streams of a session: which exist, who opened them, who waits for whom, and how much lies unread in all.

Rules of this file:
- An id is even or odd by who dialled, and is checked here and nowhere else.
- A stream is forgotten when no frame for it can matter and what came was read: when both sides have ended it, or the
  peer has reset it; at once when this side resets it. Frames that still arrive for it are ignored; frames for a
  stream that never was are an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer
from protocols.yamux.frames import MAX_STREAM_ID, SESSION_ID
from protocols.yamux.limits import MAX_INBOUND_STREAMS, MAX_UNACKNOWLEDGED
from protocols.yamux.linger import Lingering
from protocols.yamux.stream import Stream
from protocols.yamux.window import WindowBudget


class StreamTable:
    """All streams of one session that are not over."""

    def __init__(self, *, is_client: bool) -> None:
        self.lingering = Lingering()
        self._budget = WindowBudget()
        self._next_id = 1 if is_client else 2
        self._streams: dict[int, Stream] = {}
        self._theirs = 0  # how many of them the peer opened
        self._unacknowledged: set[int] = set()  # opened by us, not accepted there yet
        self._unaccepted: set[int] = set()  # opened by the peer, not accepted here yet
        self._unread = 0

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, stream: Stream) -> bool:
        return self._streams.get(stream.id) is stream

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._streams.values())

    @property
    def unread(self) -> int:
        """Bytes received and not yet read, of all streams."""
        return self._unread

    @property
    def is_exhausted(self) -> bool:
        """Whether there is no id left for a stream of ours."""
        return self._next_id > MAX_STREAM_ID

    @property
    def is_backlogged(self) -> bool:
        """Whether so many streams of ours wait to be accepted that none may be added."""
        return len(self._unacknowledged) >= MAX_UNACKNOWLEDGED

    def add_ours(self) -> Stream:
        """Opens a stream of ours."""
        stream = self._streams[self._next_id] = Stream(self._next_id, self._budget)
        self._unacknowledged.add(stream.id)
        self._next_id += 2
        return stream

    def add_theirs(self, stream_id: int) -> Stream | None:
        """Opens a stream of the peer's; None if it has too many. Raises RemoteProtocolError for an id it can't use."""
        if stream_id == SESSION_ID or self._is_ours(stream_id) or stream_id in self._streams:
            raise RemoteProtocolError(f"the peer opened yamux stream {stream_id}, which is not its to open")
        if len(self._unaccepted) >= MAX_UNACKNOWLEDGED or self._theirs >= MAX_INBOUND_STREAMS:
            return None
        stream = self._streams[stream_id] = Stream(stream_id, self._budget)
        self._unaccepted.add(stream_id)
        self._theirs += 1
        return stream

    def find(self, stream_id: int) -> Stream | None:
        """The stream, or None if it is over. Raises RemoteProtocolError if it can't ever have been."""
        stream = self._streams.get(stream_id)
        if stream is None and (stream_id == SESSION_ID or (self._is_ours(stream_id) and stream_id >= self._next_id)):
            raise RemoteProtocolError(f"a frame for yamux stream {stream_id}, which was never opened")
        return None if stream is None or stream.is_reset else stream

    def accepted(self, stream: Stream) -> bool:
        """This side takes a stream of the peer's; False if it was reset or taken before."""
        if stream not in self or not self._is_new(stream):
            return False
        self._unaccepted.discard(stream.id)
        return True

    def acknowledged(self, stream: Stream) -> None:
        """The peer has taken a stream of ours."""
        self._unacknowledged.discard(stream.id)

    def received(self, stream: Stream, payload: memoryview) -> None:
        """Keeps payload until it is read, if somebody will."""
        if not stream.is_unwanted:
            stream.received.append(payload)
            self._unread += len(payload)

    def read(self, stream: Stream, limit: int) -> list[Buffer]:
        """Takes up to `limit` of the bytes kept, as the pieces they lie in."""
        pieces = stream.received.take_pieces(limit)
        size = sum(map(len, pieces))
        stream.progress += size
        self._unread -= size
        self.forget_if_over(stream)
        return pieces

    def stop_reading(self, stream: Stream) -> None:
        """Drops what came on the stream, and what is still to come."""
        stream.is_unwanted = True
        if stream in self:
            self._unread -= stream.unread
        stream.received.clear()
        self.forget_if_over(stream)

    def fullest(self) -> Stream:
        """The stream with most unread; there must be one."""
        return max(self._streams.values(), key=lambda stream: stream.unread)

    def forget_if_over(self, stream: Stream) -> None:
        """Drops a stream that is over and was read to its end, or that nobody here has ever seen."""
        if stream in self and stream.is_over and (not stream.unread or (stream.is_reset and self._is_new(stream))):
            self.forget(stream)

    def forget(self, stream: Stream) -> None:
        """Drops a stream and all that is queued in it."""
        del self._streams[stream.id]
        self._unread -= stream.unread
        stream.drop()
        stream.window.close()
        self.lingering.discard(stream)
        self._unacknowledged.discard(stream.id)
        self._unaccepted.discard(stream.id)
        if not self._is_ours(stream.id):
            self._theirs -= 1

    def _is_new(self, stream: Stream) -> bool:
        return stream.id in self._unaccepted

    def _is_ours(self, stream_id: int) -> bool:
        return stream_id % 2 == self._next_id % 2
