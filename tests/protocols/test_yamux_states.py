"""Every state of a stream, against every frame of the peer and everything an application can do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.yamux import Session, Stream, StreamOpened, StreamReset, StreamState
from protocols.yamux.frames import ACK, DATA, FIN, GO_AWAY, PING, RST, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import INITIAL_WINDOW
from protocols.yamux.stream import TRANSITIONS, Input
from tests.protocols.yamux_pair import headers

S = StreamState
NOW = 1.0
FLAGS = [0, SYN, ACK, FIN, RST, SYN | ACK, SYN | FIN, SYN | RST, ACK | FIN, ACK | RST, FIN | RST, 15, 0xFFF0]


def frame(type_: int, flags: int, stream_id: int, size: int = 0) -> bytes:
    return encode_header(type_, flags, stream_id, size) + (bytes(size) if type_ == DATA else b"")


def receive_fin(session: Session, stream: Stream) -> None:
    session.receive_data(frame(WINDOW_UPDATE, FIN, stream.id), NOW)


def receive_rst(session: Session, stream: Stream) -> None:
    session.receive_data(frame(WINDOW_UPDATE, RST, stream.id), NOW)


WAYS: dict[StreamState, list[Callable[[Session, Stream], object]]] = {
    S.OPEN: [],
    S.SEND_CLOSED: [Session.finish],
    S.RECEIVE_CLOSED: [receive_fin],
    S.CLOSED: [Session.finish, receive_fin],
    S.RESET_BY_US: [Session.reset],
    S.RESET_BY_PEER: [receive_rst],
}


def stream_in(state: StreamState, *, ours: bool, flushed: bool) -> tuple[Session, Stream]:
    """A client session with one stream in `state`, opened by either side, with or without unsent frames."""
    session = Session(is_client=True, now=NOW)
    if ours:
        stream = session.open_stream()
    else:
        (event,) = session.receive_data(frame(WINDOW_UPDATE, SYN, 2), NOW)
        assert isinstance(event, StreamOpened)
        stream = event.stream
        session.accept(stream)
    for step in WAYS[state]:
        step(session, stream)
    if flushed:
        session.data_to_send(1 << 20)
    assert stream.state is state
    return session, stream


def after(state: StreamState, flags: int, size: int) -> StreamState | None:
    """What a data frame or window update does to a stream that the session knows; None if it is illegal."""
    inputs = [Input.RECEIVE_DATA] * (size > 0) + [Input.RECEIVE_FIN] * bool(flags & FIN)
    if flags & RST:
        inputs = inputs[:1] if inputs[:1] == [Input.RECEIVE_DATA] else []  # a FIN beside a reset says nothing
        inputs.append(Input.RECEIVE_RST)
    for one in inputs:
        if one not in TRANSITIONS[state]:
            return None
        state = TRANSITIONS[state][one]
    return state


@pytest.mark.parametrize(("state", "ours"), list(product(S, (True, False))))
def test_frames_for_a_stream_in_each_state(state: StreamState, ours: bool):
    for type_, flags, size, flushed in product((DATA, WINDOW_UPDATE), FLAGS, (0, 1, INITIAL_WINDOW), (True, False)):
        session, stream = stream_in(state, ours=ours, flushed=flushed)
        is_known = stream in session.streams
        wire = frame(type_, flags, stream.id, size)
        data_size = size if type_ == DATA else 0
        wanted: StreamState | None = after(state, flags, data_size) if is_known else state
        if flags & SYN and (ours or is_known):
            wanted = None  # it is not the peer's to open, or open already
        case = f"{type_=} {flags=} {size=} {flushed=} {state=} {is_known=}"
        if wanted is None:
            with pytest.raises(RemoteProtocolError):
                session.receive_data(wire, NOW)
            assert [h.type for h in headers(session.data_to_send(1 << 20))] == [GO_AWAY], case
            with pytest.raises(LocalProtocolError):
                session.receive_data(b"", NOW)
        else:
            events = session.receive_data(wire, NOW)
            assert stream.state is wanted, case
            assert (StreamReset(stream) in events) == (is_known and bool(flags & RST)), case
            assert any(isinstance(event, StreamOpened) for event in events) == bool(flags & SYN), case
            assert stream.unread == (data_size if is_known and not flags & RST else 0), case


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("what", ["write", "finish", "close", "reset", "read"])
def test_what_an_application_can_do_in_each_state(state: StreamState, what: str):
    session, stream = stream_in(state, ours=True, flushed=True)
    inputs = {"write": Input.SEND_DATA, "finish": Input.SEND_FIN, "close": Input.SEND_FIN, "reset": Input.SEND_RST}
    actions = {
        "write": lambda: session.write(stream, b"x"),
        "finish": lambda: session.finish(stream),
        "close": lambda: session.close(stream, NOW),
        "reset": lambda: session.reset(stream),
        "read": lambda: session.read(stream, 10, NOW),
    }
    is_over = what == "reset" and stream not in session.streams
    wanted = state if what == "read" or is_over else TRANSITIONS[state].get(inputs[what])
    if wanted is None:
        with pytest.raises(LocalProtocolError, match=state.name):
            actions[what]()
        assert stream.state is state
    else:
        actions[what]()
        assert stream.state is wanted


@pytest.mark.parametrize("size", [0, 5])
@pytest.mark.parametrize("type_", [DATA, WINDOW_UPDATE])
def test_frames_for_streams_that_never_were(type_: int, size: int):
    for stream_id in (0, 1, 7):
        for flags in (0, ACK, FIN, RST):
            session = Session(is_client=True, now=NOW)
            with pytest.raises(RemoteProtocolError, match="never opened"):
                session.receive_data(frame(type_, flags, stream_id, size), NOW)


@pytest.mark.parametrize("type_", [PING, GO_AWAY])
def test_frames_for_the_session_must_say_so(type_: int):
    with pytest.raises(RemoteProtocolError, match="for stream 3"):
        Session(is_client=True, now=NOW).receive_data(frame(type_, SYN, 3), NOW)


def test_a_payload_cut_by_a_reset_of_ours_is_skipped():
    session, stream = stream_in(S.OPEN, ours=True, flushed=True)
    wire = frame(DATA, FIN, stream.id, 1000) + frame(WINDOW_UPDATE, SYN, 2)
    session.receive_data(wire[:500], NOW)
    session.reset(stream)
    (event,) = session.receive_data(wire[500:], NOW)
    assert isinstance(event, StreamOpened)
    assert (session.unread, stream.unread) == (0, 0)


def test_a_fin_counts_when_the_payload_before_it_has_arrived():
    session, stream = stream_in(S.OPEN, ours=True, flushed=True)
    wire = frame(DATA, FIN, stream.id, 3)
    session.receive_data(wire[:-1], NOW)
    assert session.read(stream, 10, NOW) == b"\0\0"
    assert not stream.at_eof
    session.receive_data(wire[-1:], NOW)
    assert session.read(stream, 10, NOW) == b"\0"
    assert stream.at_eof
