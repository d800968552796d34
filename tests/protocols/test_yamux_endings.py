"""How a stream ends: by FIN, by a reset, or because nobody reads it; and what becomes of data that came before."""

from __future__ import annotations

import pytest

from protocols.yamux import StreamReset, StreamState
from protocols.yamux.frames import DATA, PING, RST, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import (
    LINGER_S,
)
from tests.protocols.yamux_pair import BIG, Link, headers


def test_a_stream_with_unread_data_stays_until_it_is_read():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"last words")
    link.client.finish(ours)
    link.server.finish(theirs)
    link.settle()
    assert link.server.streams == (theirs,)
    assert link.server.read(theirs, 4, link.now) == b"last"
    assert link.server.streams == (theirs,)
    assert link.server.read(theirs, 100, link.now) == b" words"
    assert link.server.streams == ()
    assert theirs.at_eof


def test_a_stream_that_is_over_may_be_left_unread_and_later_still():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"unread")
    link.client.finish(ours)
    link.server.finish(theirs)
    link.settle()
    assert link.server.streams == (theirs,)
    for _ in range(2):
        link.server.stop_reading(theirs)
        assert (link.server.streams, link.server.unread) == ((), 0)


def test_a_reset_drops_what_is_under_way_in_both_directions():
    link = Link()
    ours, theirs = link.open()
    link.server.write(theirs, b"unread")
    link.settle()
    link.server.write(theirs, bytes(BIG))
    link.client.write(ours, b"unsent")
    link.client.reset(ours)
    assert (ours.unread, ours.unsent, link.client.unread) == (0, 0, 0)
    assert link.settle()[link.server] == [StreamReset(theirs)]
    assert (theirs.unread, theirs.unsent) == (0, 0)
    link.client.reset(ours)
    assert not link.client.has_data_to_send


def test_what_came_before_a_reset_of_the_peer_can_be_read():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"last words")
    link.settle()
    link.server.write(theirs, bytes(BIG))
    link.client.reset(ours)
    link.settle()
    assert (theirs.is_reset, theirs.unsent, theirs.unread) == (True, 0, 10)
    late = encode_header(WINDOW_UPDATE, 0, ours.id, 5) + encode_header(DATA, 0, ours.id, 3) + b"abc"
    assert link.server.receive_data(late, link.now) == []
    assert link.server.read(theirs, 4, link.now) == b"last"
    assert link.server.streams == (theirs,)
    assert link.server.read(theirs, 100, link.now) == b" words"
    assert link.server.streams == ()
    assert not theirs.at_eof
    assert not link.server.has_data_to_send


@pytest.mark.parametrize("how", ["reset", "time"])
def test_what_came_before_a_reset_of_the_peer_is_dropped_if_nobody_wants_it(how: str):
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"last words")
    link.settle()
    link.client.reset(ours)
    link.settle()
    if how == "reset":
        link.server.reset(theirs)
    else:
        link.server.tick(link.now)
        link.server.receive_data(b"", link.now)
        link.settle()
        assert link.server.tick(link.now + LINGER_S) == [StreamReset(theirs)]
        assert {header.type for header in headers(link.server.data_to_send(BIG))} == {PING}
    assert not link.server.has_data_to_send
    assert (link.server.streams, link.server.unread, theirs.unread) == ((), 0, 0)


def test_payload_that_comes_with_a_reset_is_skipped():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"before")
    link.settle()
    wire = encode_header(DATA, RST, ours.id, 5) + b"never" + encode_header(PING, SYN, 0, 1)
    assert link.server.receive_data(wire, link.now) == [StreamReset(theirs)]
    assert link.server.read(theirs, 100, link.now) == b"before"


def test_a_stream_reset_before_it_was_accepted_leaves_nothing():
    link = Link()
    ours = link.client.open_stream()
    link.client.write(ours, b"never mind")
    link.settle()
    link.client.reset(ours)
    link.settle()
    assert (link.server.streams, link.server.unread) == ((), 0)


def test_what_nobody_wants_to_read_is_dropped_as_it_comes():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, b"unread")
    link.settle()
    link.server.stop_reading(theirs)
    assert (theirs.unread, link.server.unread) == (0, 0)
    link.client.write(ours, b"to come")
    link.client.finish(ours)
    link.settle()
    assert (theirs.unread, link.server.unread) == (0, 0)
    link.server.write(theirs, b"we still talk")
    link.server.finish(theirs)
    link.settle()
    assert link.client.read(ours, 100, link.now) == b"we still talk"
    assert link.client.streams == link.server.streams == ()


@pytest.mark.parametrize("order", ["filled, stop, end", "filled, end, stop", "stop, end, filled"])
def test_a_peer_that_fills_the_window_of_a_stream_nobody_reads_is_told_to_stop(order: str):
    link = Link()
    ours, theirs = link.open()
    steps = {
        "filled": lambda: link.client.write(ours, bytes(BIG)),
        "stop": lambda: link.server.stop_reading(theirs),
        "end": lambda: link.server.finish(theirs),
    }
    for step in order.split(", "):
        assert not theirs.is_reset
        steps[step]()
        link.settle()
    assert ours.state is StreamState.RESET_BY_PEER
    assert link.client.streams == link.server.streams == ()
