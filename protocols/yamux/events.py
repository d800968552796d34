"""What a session tells the one who drives it. Past tense, frozen; the streams themselves hold the details."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.yamux.stream import Stream


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The peer opened a stream, which waits for `Session.accept`."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class StreamReadable:
    """There is something to read: data, or the end of it."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The stream was reset: by the peer, or by this side for one of its limits."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class WentAway:
    """The peer opens and accepts no more streams, and will end the session soon."""

    code: int


@dataclass(frozen=True, slots=True)
class PeerSilent:
    """Nothing has arrived for so long that the connection must be taken for dead."""


Event = StreamOpened | StreamReadable | StreamReset | WentAway | PeerSilent
