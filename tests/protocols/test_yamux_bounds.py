"""What a peer can't make a session hold: streams, answers, and bytes that nobody reads."""

from __future__ import annotations

import pytest

from protocols.errors import RemoteProtocolError
from protocols.yamux import StreamReset
from protocols.yamux.frames import ACK, DATA, PING, RST, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import (
    INITIAL_WINDOW,
    MAX_ANSWERS,
    MAX_INBOUND_STREAMS,
    MAX_UNACKNOWLEDGED,
    MAX_UNREAD,
)
from tests.protocols.yamux_pair import BIG, Link, headers, opened


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
