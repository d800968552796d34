"""One stream: which of its two directions is open, and what waits in each.

Rule 1: every change of a stream's state is in `TRANSITIONS`; an input that has no entry there is illegal.
Rule 2: nothing here knows of other streams or of the wire. `Session` owns every stream: applications look at one,
and do things with it through the session.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final

from protocols.byte_queue import ByteQueue
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.yamux.limits import INITIAL_WINDOW
from protocols.yamux.window import ReceiveWindow, WindowBudget


class StreamState(IntEnum):  # not Enum, whose hash is Python code: this is looked up for every frame
    """Which directions are open."""

    OPEN = auto()
    SEND_CLOSED = auto()  # we have said FIN, or will when what is queued has gone
    RECEIVE_CLOSED = auto()  # the peer has said FIN
    CLOSED = auto()  # both have
    RESET_BY_US = auto()
    RESET_BY_PEER = auto()


class Input(IntEnum):
    """What can happen to a stream."""

    SEND_DATA = auto()
    SEND_FIN = auto()
    SEND_RST = auto()
    RECEIVE_DATA = auto()
    RECEIVE_FIN = auto()
    RECEIVE_RST = auto()


_S, _I = StreamState, Input
_RESETS: Final = {_I.SEND_RST: _S.RESET_BY_US, _I.RECEIVE_RST: _S.RESET_BY_PEER}

TRANSITIONS: Final[dict[StreamState, dict[Input, StreamState]]] = {
    _S.OPEN: {
        _I.SEND_DATA: _S.OPEN,
        _I.SEND_FIN: _S.SEND_CLOSED,
        _I.RECEIVE_DATA: _S.OPEN,
        _I.RECEIVE_FIN: _S.RECEIVE_CLOSED,
        **_RESETS,
    },
    _S.SEND_CLOSED: {
        _I.SEND_FIN: _S.SEND_CLOSED,  # closing twice is closing
        _I.RECEIVE_DATA: _S.SEND_CLOSED,
        _I.RECEIVE_FIN: _S.CLOSED,
        **_RESETS,
    },
    _S.RECEIVE_CLOSED: {
        _I.SEND_DATA: _S.RECEIVE_CLOSED,
        _I.SEND_FIN: _S.CLOSED,
        _I.RECEIVE_FIN: _S.RECEIVE_CLOSED,
        **_RESETS,
    },
    _S.CLOSED: {
        _I.SEND_FIN: _S.CLOSED,
        _I.RECEIVE_FIN: _S.CLOSED,
        **_RESETS,  # our last data may still wait for window, and the peer may not want it
    },
    # No frame reaches a stream that was reset: what still comes for it was under way.
    _S.RESET_BY_US: {_I.SEND_RST: _S.RESET_BY_US},
    _S.RESET_BY_PEER: {_I.SEND_RST: _S.RESET_BY_PEER},
}

_FROM_PEER: Final = frozenset({_I.RECEIVE_DATA, _I.RECEIVE_FIN, _I.RECEIVE_RST})
_RESET_STATES: Final = frozenset({_S.RESET_BY_US, _S.RESET_BY_PEER})
_RECEIVE_ENDED: Final = frozenset({_S.RECEIVE_CLOSED, _S.CLOSED})
_RECEIVING: Final = frozenset({_S.OPEN, _S.SEND_CLOSED})
_SEND_ENDED: Final = frozenset({_S.SEND_CLOSED, _S.CLOSED})


class Stream:
    """One stream of a session. Applications read its properties; its methods and queues are the session's."""

    def __init__(self, stream_id: int, budget: WindowBudget) -> None:
        self.id: Final = stream_id
        self.state = StreamState.OPEN
        self.window: Final = ReceiveWindow(budget)
        self.received: Final = ByteQueue()
        self.queued: Final = ByteQueue()
        self.send_window = INITIAL_WINDOW
        self.is_fin_sent = False
        self.is_unwanted = False  # nobody here will read any more
        self.handle: object = None  # the driver's own: what it wants to find again when an event names this stream
        self.progress = 0

    def __repr__(self) -> str:
        return f"<Stream {self.id} {self.state.name}, {self.unread} unread, {self.unsent} unsent>"

    @property
    def is_reset(self) -> bool:
        """Whether either side has reset it; what had come before the peer's reset can still be read."""
        return self.state in _RESET_STATES

    @property
    def at_eof(self) -> bool:
        """Whether the peer has said FIN and everything before that has been read."""
        return self.state in _RECEIVE_ENDED and not self.received

    @property
    def is_send_closed(self) -> bool:
        """Whether this side has said that it will send no more."""
        return self.state in _SEND_ENDED

    @property
    def unread(self) -> int:
        """Bytes received and not yet read."""
        return len(self.received)

    @property
    def unsent(self) -> int:
        """Bytes written and not yet put into a frame."""
        return len(self.queued)

    @property
    def window_size(self) -> int:
        """Of the receive window: what may be under way or unread at once."""
        return self.window.size

    # For the session

    @property
    def has_frame(self) -> bool:
        """Whether there is anything that may be sent now."""
        return (len(self.queued) > 0 and self.send_window > 0) or self.owes_fin

    @property
    def owes_fin(self) -> bool:
        """Whether FIN is what is left to send."""
        return self.state in _SEND_ENDED and not self.queued and not self.is_fin_sent

    @property
    def is_over(self) -> bool:
        """Whether the two sides have nothing more to tell each other; there may still be something to read."""
        return (self.state is StreamState.CLOSED and self.is_fin_sent) or self.is_reset

    @property
    def can_receive(self) -> bool:
        """Whether the peer may still send, so that credit is of use to it."""
        return self.state in _RECEIVING and not self.is_unwanted

    @property
    def is_in_vain(self) -> bool:
        """Whether the peer has used up its window on a stream that nobody reads, and has had everything from us."""
        return self.is_unwanted and self.is_fin_sent and self.state in _RECEIVING and not self.window.credit

    def enter(self, what: Input) -> None:
        """Changes state. Raises by whose fault it is that it can't."""
        state = TRANSITIONS[self.state].get(what)
        if state is None:
            error = RemoteProtocolError if what in _FROM_PEER else LocalProtocolError
            raise error(f"{what.name} on a yamux stream that is {self.state.name}")
        self.state = state

    def drop(self) -> None:
        """Forgets what is queued in both directions."""
        self.received.clear()
        self.queued.clear()
