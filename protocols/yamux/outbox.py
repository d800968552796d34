"""What waits to be sent, and in which order.

Rules of this file:
- Control frames go first, so that none waits behind bulk data longer than the batch that is being written.
- Data goes round: one frame of bounded size per stream and turn, so that no stream starves another. A stream that is
  alone fills the batch with one frame, since each frame costs both sides more than most of its bytes.
- Credit for one stream is added up until it is sent, so a connection that can't be written to holds one number per
  stream. Frames that the peer can ask for without limit are counted, and too many of them are its fault.
"""

from __future__ import annotations

from collections import deque

from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer
from protocols.yamux.frames import DATA, FIN, HEADER_SIZE, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import MAX_ANSWERS, TURN
from protocols.yamux.stream import Stream


class Outbox:
    """The send side of a session."""

    def __init__(self) -> None:
        self._control: list[bytes] = []
        self._answers = 0
        self._credit: dict[Stream, int] = {}
        self._turns: deque[Stream] = deque()
        self._waiting: set[int] = set()  # ids of the streams in _turns

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that may be sent now."""
        return not (self._control or self._credit or self._turns)

    def add_control(self, frame: bytes) -> None:
        """Queues a frame without payload that this side chose to send."""
        self._control.append(frame)

    def add_answer(self, frame: bytes) -> None:
        """Queues a frame that the peer made this side send. Raises RemoteProtocolError when too many wait."""
        if self._answers >= MAX_ANSWERS:
            raise RemoteProtocolError("the yamux peer asks for answers faster than it reads them")
        self._answers += 1
        self._control.append(frame)

    def add_credit(self, stream: Stream, size: int) -> None:
        """Queues a window update."""
        self._credit[stream] = self._credit.get(stream, 0) + size

    def add_stream(self, stream: Stream) -> None:
        """Gives the stream a turn, if it has something that may be sent and has none yet."""
        if stream.has_frame and stream.id not in self._waiting:
            self._waiting.add(stream.id)
            self._turns.append(stream)

    def take(self, limit: int) -> tuple[list[Buffer], list[Stream]]:
        """Removes frames: all that control and credit have, then data until there are `limit` bytes.

        Gives them in pieces, and the streams whose FIN is among them.
        """
        parts: list[Buffer] = [*self._control]
        for stream, size in self._credit.items():
            if stream.can_receive:  # still
                parts.append(encode_header(WINDOW_UPDATE, 0, stream.id, size))
        self._control.clear()
        self._credit.clear()
        self._answers = 0
        finished: list[Stream] = []
        room = limit - HEADER_SIZE * len(parts)
        while room > HEADER_SIZE and self._turns:
            stream = self._turns.popleft()
            self._waiting.discard(stream.id)
            size = min(stream.unsent, stream.send_window, room - HEADER_SIZE)
            if self._turns:
                size = min(size, TURN)
            if size:
                parts.append(encode_header(DATA, 0, stream.id, size))
                parts += stream.queued.take_pieces(size)
                stream.send_window -= size
                stream.progress += size
            if stream.owes_fin:
                parts.append(encode_header(WINDOW_UPDATE, FIN, stream.id, 0))
                stream.is_fin_sent = True
                finished.append(stream)
            self.add_stream(stream)
            room -= size + HEADER_SIZE
        return parts, finished
