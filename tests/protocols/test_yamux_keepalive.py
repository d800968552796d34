"""Pings, the round trip, and when a peer is taken for gone."""

from __future__ import annotations

from protocols.yamux import PeerSilent, StreamReset
from protocols.yamux.frames import PING, SYN
from protocols.yamux.keepalive import FIRST_ROUND_TRIPS, ROUND_TRIPS_KEPT, Keepalive
from protocols.yamux.limits import LINGER_S, PING_INTERVAL_S, PING_TIMEOUT_S
from tests.protocols.yamux_pair import Link, headers


def test_a_half_open_peer_is_noticed_within_thirty_seconds():
    for heard_for in range(100):
        link = Link()
        last_heard = link.now + heard_for / 4
        while True:
            link.now = min(link.client.next_deadline, max(link.now + 0.25, last_heard))
            events = link.client.tick(link.now)
            link.client.data_to_send(1 << 20)
            if events:
                break
            if link.now <= last_heard:
                link.client.receive_data(b"", link.now)
        assert events == [PeerSilent()]
        assert link.now - last_heard <= 30


def test_any_byte_counts_as_life():
    keepalive = Keepalive(0.0)
    for second in range(100):
        keepalive.ping_due(float(second))
        keepalive.heard()
        assert not keepalive.is_silent(float(second))


def test_a_ping_that_has_waited_long_is_no_proof_by_itself():
    keepalive = Keepalive(0.0)
    keepalive.ping_due(0.0)
    assert not keepalive.is_silent(PING_TIMEOUT_S - 0.1)
    assert keepalive.is_silent(PING_TIMEOUT_S)
    keepalive.heard()
    assert not keepalive.is_silent(PING_TIMEOUT_S)


def test_the_smallest_of_the_last_round_trips_counts():
    keepalive, now = Keepalive(0.0), 0.0
    assert keepalive.round_trip_s == 0.0
    for delay in [0.5, 0.1] + [0.3] * (ROUND_TRIPS_KEPT - 1):
        now = max(now, keepalive.next_deadline)
        number = keepalive.ping_due(now)
        assert number is not None
        now += delay
        keepalive.pong(number, now)
        keepalive.heard()
        assert abs(keepalive.round_trip_s - (0.5 if delay == 0.5 else 0.1)) < 1e-9
    number = keepalive.ping_due(now + PING_INTERVAL_S)
    assert number is not None
    keepalive.pong(number, now + PING_INTERVAL_S + 0.3)
    assert abs(keepalive.round_trip_s - 0.3) < 1e-9


def test_the_first_round_trips_are_measured_at_once_and_the_others_in_their_time():
    link = Link()
    started = link.now
    pings = 0
    while link.now < started + 2 * PING_INTERVAL_S:
        link.client.tick(link.now)
        pings += sum(
            header.type == PING and header.flags == SYN for header in headers(bytes(link.client.data_to_send(999)))
        )
        link.now += 0.5
        link.server.receive_data(b"", link.now)
        link.client.receive_data(bytes.fromhex("00020002 00000000") + pings.to_bytes(4, "big"), link.now)
    assert pings == FIRST_ROUND_TRIPS + 1
    assert link.client.round_trip_s == 0.5


def test_answers_nobody_waits_for_say_nothing():
    keepalive = Keepalive(0.0)
    keepalive.pong(0, 1.0)
    number = keepalive.ping_due(1.0)
    assert number is not None
    keepalive.pong(number + 1, 2.0)
    assert keepalive.round_trip_s == 0.0
    keepalive.pong(number, 3.0)
    keepalive.pong(number, 9.0)
    assert keepalive.round_trip_s == 2.0


def test_both_sides_answer_each_other():
    link = Link()
    link.client.tick(link.now)
    link.server.tick(link.now)
    link.now += 0.25
    link.settle()
    assert (link.client.round_trip_s, link.server.round_trip_s) == (0.25, 0.25)


def test_a_closed_stream_whose_peer_says_nothing_is_reset_in_time():
    link = Link()
    ours, theirs = link.open()
    link.client.close(ours, link.now)
    link.settle()
    assert link.client.tick(link.now + LINGER_S - 1) == []
    link.client.receive_data(b"", link.now)
    assert link.client.tick(link.now + LINGER_S) == [StreamReset(ours)]
    assert link.settle()[link.server] == [StreamReset(theirs)]
    assert link.client.streams == link.server.streams == ()


def test_a_closed_stream_on_which_something_moves_is_left_alone():
    link = Link()
    ours, theirs = link.open()
    link.client.write(ours, bytes(1 << 20))
    link.client.close(ours, link.now)
    for _ in range(6):  # 128 KiB each, after the initial window
        link.settle()
        assert link.server.read(theirs, 1 << 17, link.now)
        link.settle()
        link.now += LINGER_S
        link.client.receive_data(b"", link.now)
        assert link.client.tick(link.now) == []
    link.read_all(link.server, theirs)
    link.server.close(theirs, link.now)
    link.settle()
    assert link.client.streams == link.server.streams == ()
    link.now += LINGER_S
    link.client.receive_data(b"", link.now)
    assert link.client.tick(link.now) == []


def test_closing_twice_doesnt_extend_the_time():
    link = Link()
    ours, _ = link.open()
    link.client.close(ours, link.now)
    link.client.tick(link.now)
    link.client.close(ours, link.now + 20)
    link.client.receive_data(b"", link.now)
    assert link.client.tick(link.now + LINGER_S) == [StreamReset(ours)]
