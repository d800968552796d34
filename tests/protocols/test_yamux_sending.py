"""What a session sends next: credit and control first, then the streams in turn, in frames as large as they can be."""

from __future__ import annotations

from protocols.yamux.frames import ACK, DATA, FIN, PING, RST, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import (
    INITIAL_WINDOW,
    TURN,
)
from tests.protocols.yamux_pair import BIG, Link, headers


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
