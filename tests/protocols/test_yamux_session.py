"""A session as its driver sees it: opening, moving data, ending, and what a peer can't make it hold."""

from __future__ import annotations

import pytest

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.yamux import NORMAL, PROTOCOL_ERROR, Session, StreamReadable, StreamReset, StreamState, WentAway
from protocols.yamux.frames import ACK, DATA, FIN, GO_AWAY, MAX_STREAM_ID, PING, RST, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import (
    INITIAL_WINDOW,
    LINGER_S,
    MAX_ANSWERS,
    MAX_INBOUND_STREAMS,
    MAX_UNACKNOWLEDGED,
    MAX_UNREAD,
    TURN,
)
from tests.protocols.yamux_pair import Link, headers, opened

BIG = 1 << 24


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


def test_a_peer_that_opens_more_than_may_wait_is_refused_each_one_more():
    link = Link()
    link.server.receive_data(b"".join(encode_header(WINDOW_UPDATE, SYN, 1 + 2 * n, 0) for n in range(300)), link.now)
    assert len(link.server.streams) == MAX_UNACKNOWLEDGED
    refused = headers(link.server.data_to_send(BIG))
    assert {header.flags for header in refused} == {RST}
    assert len(refused) == 300 - MAX_UNACKNOWLEDGED


def test_a_peer_that_opens_too_many_streams_is_refused_each_one_more():
    link = Link()
    for number in range(MAX_INBOUND_STREAMS):
        for stream in opened(link.server.receive_data(encode_header(DATA, SYN, 1 + 2 * number, 0), link.now)):
            assert link.server.accept(stream)
    link.server.data_to_send(BIG)
    wire = encode_header(DATA, SYN, 9999, 3) + b"abc" + encode_header(PING, SYN, 0, 7)
    assert link.server.receive_data(wire, link.now) == []
    assert [(header.flags, header.stream_id) for header in headers(link.server.data_to_send(BIG))] == [
        (RST, 9999),
        (ACK, 0),
    ]
    link.server.receive_data(encode_header(WINDOW_UPDATE, RST, 1, 0), link.now)
    assert opened(link.server.receive_data(encode_header(DATA, SYN, 9999, 0), link.now))


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


def test_a_peer_that_asks_without_reading_loses_the_session():
    link = Link()
    ping = encode_header(PING, SYN, 0, 1)
    link.server.receive_data(ping * MAX_ANSWERS, link.now)
    with pytest.raises(RemoteProtocolError, match="faster than it reads"):
        link.server.receive_data(ping, link.now)


def test_a_peer_that_reads_may_ask_for_ever():
    link = Link()
    for _ in range(10):
        link.server.receive_data(encode_header(PING, SYN, 0, 1) * MAX_ANSWERS, link.now)
        assert len(headers(link.server.data_to_send(BIG))) == MAX_ANSWERS


def test_pings_that_are_neither_question_nor_answer_are_ignored():
    link = Link()
    assert link.server.receive_data(encode_header(PING, 0, 0, 1), link.now) == []
    assert not link.server.has_data_to_send


def test_a_stream_nobody_reads_costs_its_initial_window():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, bytes(BIG))
    link.settle()
    assert theirs.unread == link.server.unread == INITIAL_WINDOW
    assert ours.unsent == BIG - INITIAL_WINDOW


def test_a_connection_whose_streams_nobody_reads_loses_the_fullest():
    link = Link()
    pairs = []
    while (len(pairs) + 1) * INITIAL_WINDOW <= MAX_UNREAD:
        pairs.append(link.open())
        link.client.write(pairs[-1][0], bytes(INITIAL_WINDOW - (len(pairs) > 1)))
        assert StreamReset not in map(type, link.settle()[link.server])
    pairs.append(link.open())
    link.client.write(pairs[-1][0], bytes(INITIAL_WINDOW - 1))
    events = link.settle()
    assert StreamReset(pairs[0][1]) in events[link.server]
    assert StreamReset(pairs[0][0]) in events[link.client]
    assert link.server.unread <= MAX_UNREAD
    assert len(link.server.streams) == len(pairs) - 1


def test_a_window_update_lets_a_blocked_stream_go_on():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, bytes(INITIAL_WINDOW) + b"rest")
    link.client.finish(ours)
    link.settle()
    assert not link.client.has_data_to_send
    assert link.read_all(link.server, theirs) == bytes(INITIAL_WINDOW) + b"rest"
    assert theirs.at_eof


def test_no_credit_is_sent_to_a_peer_that_has_ended_its_side():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, bytes(INITIAL_WINDOW))
    link.client.finish(ours)
    link.settle()
    link.server.read(theirs, INITIAL_WINDOW, link.now)
    assert not link.server.has_data_to_send


def test_credit_that_waits_is_dropped_with_its_stream_and_added_up_otherwise():
    link = Link()
    pairs = [link.open(), link.open()]
    for ours, _ in pairs:
        link.client.write(ours, bytes(INITIAL_WINDOW))
    link.settle()
    for _, theirs in pairs:
        while link.server.read(theirs, INITIAL_WINDOW // 4, link.now):
            pass
    link.server.reset(pairs[0][1])
    sent = headers(link.server.data_to_send(BIG))
    assert [(header.flags, header.stream_id) for header in sent] == [(RST, 1), (0, 3)]
    assert sent[1].length >= INITIAL_WINDOW


def test_streams_take_turns_of_one_frame():
    link = Link()
    pairs = [link.open() for _ in range(3)]
    for ours, _ in pairs:
        link.client.write(ours, bytes(3 * TURN))
    sent = headers(link.client.data_to_send(BIG))
    assert [header.stream_id for header in sent] == [1, 3, 5] * 3
    assert {header.length for header in sent} == {TURN}


def test_a_small_message_waits_for_one_frame_of_each_other_stream():
    link = Link()
    bulk, small = link.open()[0], link.open()[0]
    link.client.write(bulk, bytes(BIG))
    link.client.data_to_send(13)
    link.client.write(small, b"quick")
    sent = headers(link.client.data_to_send(BIG))
    assert [header.stream_id for header in sent] == [bulk.id, small.id, bulk.id]
    assert sent[0].length == TURN


def test_control_frames_go_before_data():
    link = Link()
    ours, theirs = link.open()
    link.server.write(theirs, bytes(INITIAL_WINDOW))
    link.settle()
    link.client.write(ours, bytes(BIG))
    link.client.read(ours, INITIAL_WINDOW, link.now)
    link.client.receive_data(encode_header(PING, SYN, 0, 7), link.now)
    sent = [(header.type, header.flags) for header in headers(link.client.data_to_send(BIG))]
    assert sent[:3] == [(PING, ACK), (WINDOW_UPDATE, 0), (DATA, 0)]


def test_a_stream_that_is_alone_fills_a_batch_with_one_frame():
    link = Link()
    ours, _ = link.open()
    link.client.write(ours, bytes(INITIAL_WINDOW))
    sizes = []
    while link.client.has_data_to_send:
        sizes.append(len(link.client.data_to_send(100_000)))
    assert sum(sizes) > INITIAL_WINDOW
    assert sizes == [100_000, 100_000, INITIAL_WINDOW + 3 * 12 - 200_000]


def test_small_writes_share_a_frame():
    link = Link()
    ours, theirs = link.open()
    for number in range(100):
        link.client.write(ours, bytes([number]))
    wire = link.client.data_to_send(BIG)
    assert [header.length for header in headers(wire)] == [100]
    link.server.receive_data(wire, link.now)
    assert link.server.read(theirs, 1000, link.now) == bytes(range(100))


def test_the_end_follows_the_last_data():
    link = Link()
    ours, _ = link.open()
    link.client.write(ours, b"x" * 10)
    link.client.finish(ours)
    assert [(header.type, header.flags) for header in headers(link.client.data_to_send(BIG))] == [
        (DATA, 0),
        (WINDOW_UPDATE, FIN),
    ]
    assert not link.client.has_data_to_send


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


def test_ids_end(monkeypatch: pytest.MonkeyPatch):
    session = Session(is_client=True, now=0.0)
    monkeypatch.setattr(session._streams, "_next_id", MAX_STREAM_ID)
    assert session.can_open
    assert session.open_stream().id == MAX_STREAM_ID
    assert session.is_ending
    assert not session.can_open


def test_streams_say_what_they_are():
    link = Link()
    ours, _ = link.open()
    link.client.write(ours, b"abc")
    assert repr(ours) == "<Stream 1 OPEN, 0 unread, 3 unsent>"


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
