"""The stream multiplexer `/yamux/1.0.0`: many streams over one connection, without IO or clocks."""

from __future__ import annotations

from protocols.yamux.batch import BatchSize
from protocols.yamux.events import Event, PeerSilent, StreamOpened, StreamReadable, StreamReset, WentAway
from protocols.yamux.frames import INTERNAL_ERROR, NORMAL, PROTOCOL_ERROR
from protocols.yamux.limits import INITIAL_WINDOW, MAX_STREAM_WINDOW
from protocols.yamux.session import Session
from protocols.yamux.stream import Stream, StreamState

__all__ = [
    "INITIAL_WINDOW",
    "INTERNAL_ERROR",
    "MAX_STREAM_WINDOW",
    "NORMAL",
    "PROTOCOL_ERROR",
    "BatchSize",
    "Event",
    "PeerSilent",
    "Session",
    "Stream",
    "StreamOpened",
    "StreamReadable",
    "StreamReset",
    "StreamState",
    "WentAway",
]
