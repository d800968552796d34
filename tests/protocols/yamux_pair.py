"""Two yamux sessions and the bytes between them."""

from __future__ import annotations

from collections.abc import Iterable

from protocols.yamux import Event, Session, Stream, StreamOpened
from protocols.yamux.frames import FrameDecoder, Header

BIG = 1 << 24
"""Bytes: more than any window, and than all that a session has to send at once."""


class Link:
    """A client and a server; bytes move when a test says so. `now` is the time of both."""

    def __init__(self) -> None:
        self.now = 100.0
        self.client = Session(is_client=True, now=self.now)
        self.server = Session(is_client=False, now=self.now)
        self.to: dict[Session, bytearray] = {self.client: bytearray(), self.server: bytearray()}

    def other(self, session: Session) -> Session:
        """The session at the other end."""
        return self.server if session is self.client else self.client

    def send(self, session: Session, limit: int = 1 << 20) -> None:
        """Puts what the session has to send on the link."""
        self.to[self.other(session)] += session.data_to_send(limit)

    def deliver(self, session: Session, size: int | None = None) -> list[Event]:
        """Takes up to `size` bytes off the link."""
        wire = self.to[session]
        data = bytes(wire[:size])
        del wire[: len(data)]
        return session.receive_data(data, self.now)

    def settle(self) -> dict[Session, list[Event]]:
        """Moves bytes until neither side has anything to say."""
        events: dict[Session, list[Event]] = {self.client: [], self.server: []}
        while any(session.has_data_to_send or self.to[session] for session in events):
            for session, seen in events.items():
                self.send(self.other(session))
                seen += self.deliver(session) if self.to[session] else []
        return events

    def open(self) -> tuple[Stream, Stream]:
        """A stream opened by the client and accepted by the server, as each sees it."""
        ours = self.client.open_stream()
        self.send(self.client)
        (theirs,) = opened(self.deliver(self.server))
        assert self.server.accept(theirs)
        self.settle()
        return ours, theirs

    def read_all(self, session: Session, stream: Stream) -> bytes:
        """Reads and settles until nothing more comes."""
        data = b""
        while piece := session.read(stream, 1 << 20, self.now):
            data += piece
            self.settle()
        return data


def opened(events: Iterable[Event]) -> list[Stream]:
    """The streams that the events say were opened."""
    return [event.stream for event in events if isinstance(event, StreamOpened)]


def headers(wire: bytes) -> list[Header]:
    """The headers of whole frames."""
    return [item for item in FrameDecoder().receive_data(wire) if isinstance(item, Header)]
