"""A session as its driver sees it: streams opened, accepted and refused, and how the session itself ends."""

from __future__ import annotations

import pytest

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.yamux import NORMAL, PROTOCOL_ERROR, Session, StreamReadable, StreamReset, StreamState, WentAway
from protocols.yamux.frames import GO_AWAY, MAX_STREAM_ID, PING, encode_header
from protocols.yamux.limits import (
    MAX_UNACKNOWLEDGED,
)
from tests.protocols.yamux_pair import BIG, Link, headers, opened


def test_a_stream_is_usable_before_the_peer_has_heard_of_it():
    link = Link()
    stream = link.client.open_stream()
    link.client.write(stream, b"hello")
    link.send(link.client)
    events = link.deliver(link.server)
    (theirs,) = opened(events)
    assert events[1:] == [StreamReadable(theirs)]
    assert link.server.read(theirs, 100, link.now) == b"hello"


def test_ids_are_odd_for_the_client_and_even_for_the_server():
    link = Link()
    assert [link.client.open_stream().id for _ in range(3)] == [1, 3, 5]
    assert [link.server.open_stream().id for _ in range(3)] == [2, 4, 6]


def test_data_both_ways_and_an_end_each_way():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"question")
    link.client.finish(ours)
    link.settle()
    assert link.server.read(theirs, 100, link.now) == b"question"
    assert theirs.at_eof
    link.server.write(theirs, b"answer")
    link.server.finish(theirs)
    link.settle()
    assert link.client.read(ours, 100, link.now) == b"answer"
    assert ours.at_eof
    assert ours.state is theirs.state is StreamState.CLOSED
    assert link.client.streams == link.server.streams == ()


def test_an_end_alone_makes_a_stream_readable():
    link = Link()
    ours, theirs = link.open()
    link.client.finish(ours)
    assert link.settle()[link.server] == [StreamReadable(theirs)]


def test_streams_say_what_they_are():
    link = Link()
    ours, _ = link.open()
    link.client.write(ours, b"abc")
    assert repr(ours) == "<Stream 1 OPEN, 0 unread, 3 unsent>"


def test_opening_waits_for_the_peer_to_accept():
    link = Link()
    streams = [link.client.open_stream() for _ in range(MAX_UNACKNOWLEDGED)]
    assert not link.client.can_open
    assert not link.client.is_ending
    events = link.settle()[link.server]
    assert not link.client.can_open
    assert link.server.accept(opened(events)[0])
    link.settle()
    assert link.client.can_open
    link.client.open_stream()
    assert not link.client.can_open
    link.client.reset(streams[5])
    assert link.client.can_open


def test_accepting_what_was_reset_meanwhile_says_so():
    link = Link()
    link.client.reset(link.client.open_stream())
    (stream,) = opened(link.settle()[link.server])
    assert not link.server.accept(stream)
    assert not link.server.has_data_to_send


def test_accepting_twice_is_accepting_once():
    link = Link()
    link.client.open_stream()
    (stream,) = opened(link.settle()[link.server])
    assert link.server.accept(stream)
    assert not link.server.accept(stream)


def test_ids_end(monkeypatch: pytest.MonkeyPatch):
    session = Session(is_client=True, now=0.0)
    monkeypatch.setattr(session._streams, "_next_id", MAX_STREAM_ID)
    assert session.can_open
    assert session.open_stream().id == MAX_STREAM_ID
    assert session.is_ending
    assert not session.can_open


def test_a_refused_stream_hears_of_it_and_the_others_go_on():
    link = Link()
    ours, theirs = link.open()
    link.server.go_away()
    late = link.client.open_stream()
    link.client.write(late, b"lost")
    link.client.write(ours, b"kept")
    events = link.settle()
    assert events[link.client] == [WentAway(NORMAL), StreamReset(late)]
    assert link.server.read(theirs, 10, link.now) == b"kept"
    with pytest.raises(LocalProtocolError, match="no yamux stream can be opened"):
        link.client.open_stream()
    assert link.client.is_ending
    assert link.server.is_ending
    assert not link.client.is_over
    link.client.reset(ours)
    assert link.client.is_over
    assert not link.server.is_over


def test_going_away_is_said_once():
    link = Link()
    link.client.go_away()
    link.client.go_away()
    assert [header.type for header in headers(link.client.data_to_send(BIG))] == [GO_AWAY]


def test_a_broken_protocol_is_answered_with_its_code_and_nothing_else():
    link = Link()
    ours, _ = link.open()
    link.client.write(ours, b"never sent")
    link.client.go_away()
    with pytest.raises(RemoteProtocolError):
        link.client.receive_data(b"\xff" * 12, link.now)
    assert link.client.data_to_send(BIG) == encode_header(GO_AWAY, 0, 0, PROTOCOL_ERROR)


def test_pings_that_are_neither_question_nor_answer_are_ignored():
    link = Link()
    assert link.server.receive_data(encode_header(PING, 0, 0, 1), link.now) == []
    assert not link.server.has_data_to_send
