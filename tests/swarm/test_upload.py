"""Whom a share serves next: fairly, the rarest chunk first, within bounds and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.limits import TokenBucket
from node.swarm.settings import UploadSettings
from node.swarm.upload import BEST_WEIGHT, MAX_LAG, SLICE, Grant, UploadQueue
from protocols.exchange import MAX_DATA, MIN_DATA

MIB = 1 << 20
CHUNKS = 1000


def queue(max_active: int = 2, **bounds: int) -> UploadQueue:
    return UploadQueue(CHUNKS, UploadSettings(max_active=max_active, **bounds))


def grants(uploads: UploadQueue, count: int = 100_000, now: float = 0.0) -> Iterator[Grant]:
    for _ in range(count):
        grant = uploads.next(now)
        if grant is None:
            return
        yield grant


def ask(uploads: UploadQueue, peer: str, *chunks: int) -> None:
    for chunk in chunks:
        assert uploads.push(peer, chunk, 0, MIB)


def test_nobody_waits_nothing_is_sent():
    uploads = queue()
    assert uploads.next(0.0) is None
    assert uploads.next_wakeup(0.0) is None
    assert uploads.active == ()


def test_a_request_is_granted_in_order_and_whole():
    uploads = queue()
    uploads.push("a", 7, 1000, MIB)
    got = list(grants(uploads))
    assert [grant.offset for grant in got] == [1000 + place * SLICE for place in range(4)]
    assert [grant.is_last for grant in got] == [False, False, False, True]
    assert {(grant.peer, grant.chunk) for grant in got} == {("a", 7)}
    assert uploads.queued_bytes("a") == 0


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_byte_asked_for_is_granted_once_and_in_order_unless_given_up(data):
    uploads = queue(max_active=data.draw(st.integers(1, 3)))
    expected: dict[tuple[str, int], list[int]] = {}
    number = 0
    for _ in range(data.draw(st.integers(1, 60))):
        peer = data.draw(st.sampled_from("abcd"))
        match data.draw(
            st.sampled_from(["push", "push", "grant", "grant", "cancel", "leave", "hold", "go on", "give"])
        ):
            case "push":
                number += 1  # each request is for another chunk, so that grants can be told apart
                length = data.draw(st.integers(1, 600_000))
                assert uploads.push(peer, number, 5, length)
                expected[peer, number] = [5, 5 + length]
            case "grant":
                for grant in grants(uploads, 1):
                    span = expected[grant.peer, grant.chunk]
                    assert grant.offset == span[0]
                    assert 0 < grant.length <= SLICE
                    span[0] += grant.length
                    assert grant.is_last == (span[0] == span[1])
            case "cancel" if mine := [key for key, span in expected.items() if key[0] == peer and span[0] < span[1]]:
                chunk = data.draw(st.sampled_from(mine))[1]
                end = expected.pop((peer, chunk))[1]
                assert uploads.cancel(peer, chunk, 5, end - 5)
                assert not uploads.cancel(peer, chunk, 5, end - 5)
            case "leave":
                uploads.peer_left(peer)
                expected = {key: span for key, span in expected.items() if key[0] != peer}
            case "hold":
                uploads.hold(peer)
            case "go-on":
                uploads.go_on(peer)
            case "give":
                uploads.reciprocate({peer: data.draw(st.floats(0, 1e6))})
        for name in "abcd":
            assert uploads.queued_bytes(name) == sum(s[1] - s[0] for key, s in expected.items() if key[0] == name)
        assert len(uploads.active) <= 3
    for peer in "abcd":
        uploads.go_on(peer)
    for grant in grants(uploads):
        expected[grant.peer, grant.chunk][0] += grant.length
    assert all(start == end for start, end in expected.values())
    assert uploads.next_wakeup(0.0) is None


# --- fairness -------------------------------------------------------------------------------------------------


def test_only_a_few_are_served_at_a_time_until_each_has_a_whole_chunk():
    uploads = queue(max_active=2)
    for number in range(6):
        ask(uploads, f"peer {number}", number)
    first = [grant.peer for grant in grants(uploads, 8)]
    assert Counter(first) == {"peer 0": 4, "peer 1": 4}
    assert len(uploads.active) == 2


def test_peers_that_always_ask_get_the_same_bytes():
    uploads = queue(max_active=2)
    served: Counter[str] = Counter()
    chunk = 0
    for _ in range(4000):
        for number in range(8):
            if uploads.queued_bytes(f"peer {number}") < 2 * MIB:
                chunk = (chunk + 1) % CHUNKS
                uploads.push(f"peer {number}", chunk, 0, 100_000 if number % 2 else MIB)
        for grant in grants(uploads, 1):
            served[grant.peer] += grant.length
    assert max(served.values()) - min(served.values()) <= 3 * MIB


def test_whoever_asks_for_the_chunk_that_left_the_fewest_times_goes_first():
    uploads = queue(max_active=1)
    ask(uploads, "a", 1)
    list(grants(uploads))
    ask(uploads, "b", 1)
    ask(uploads, "c", 2)
    assert [grant.peer for grant in grants(uploads)] == ["c"] * 4 + ["b"] * 4


def test_a_chunk_that_many_wait_for_though_it_left_before_goes_before_one_that_one_peer_wants():
    uploads = queue(max_active=1)
    for chunk in (1, 2):
        ask(uploads, "warm-up", chunk)
        list(grants(uploads))
    ask(uploads, "a", 1)
    ask(uploads, "b", 2)
    ask(uploads, "c", 2)
    assert next(grants(uploads)).chunk == 2
    uploads.peer_left("b")
    uploads.peer_left("c")
    assert next(grants(uploads)).chunk == 1


def test_and_so_it_is_within_one_peers_line():
    uploads = queue(max_active=1)
    ask(uploads, "a", 1)
    list(grants(uploads))
    ask(uploads, "b", 1, 2, 3)
    assert [grant.chunk for grant in grants(uploads)][::4] == [2, 3, 1]


def test_a_peer_that_asks_for_what_everybody_has_is_not_starved():
    uploads = queue(max_active=1)
    ask(uploads, "warm-up", 0)
    list(grants(uploads))
    uploads.peer_left("warm-up")
    ask(uploads, "patient", 0)
    sent = 0
    for chunk in range(1, CHUNKS):
        ask(uploads, "eager", chunk)
        peers = {grant.peer for grant in grants(uploads, 4)}
        if "patient" in peers:
            break
        sent += MIB
    assert sent <= MAX_LAG + 2 * MIB


def test_being_away_earns_no_credit():
    uploads = queue(max_active=1)
    ask(uploads, "away", 999)
    list(grants(uploads))
    for chunk in range(100):
        ask(uploads, "here", chunk)
        list(grants(uploads))
    ask(uploads, "away", *range(200, 210))
    ask(uploads, "here", *range(300, 310))
    first = Counter(grant.peer for grant in grants(uploads, 40))
    assert first["here"] >= 12, "they take turns at once"


def test_who_gives_more_gets_more_and_who_gives_nothing_gets_something():
    uploads = queue(max_active=1)
    served: Counter[str] = Counter()
    for peer in ("generous", "half", "mean"):
        ask(uploads, peer, 0)
    uploads.reciprocate({"generous": 1e6, "half": 5e5, "somebody": 2e5})
    for chunk in range(1, CHUNKS):
        for peer in ("generous", "half", "mean"):
            if uploads.queued_bytes(peer) < 2 * MIB:
                ask(uploads, peer, chunk)
        for grant in grants(uploads, 4):
            served[grant.peer] += grant.length
    assert served["generous"] / served["mean"] == pytest.approx(BEST_WEIGHT, rel=0.2)
    assert served["generous"] > 1.3 * served["half"] > 1.3 * served["mean"]


def test_several_turns_share_the_line_byte_by_byte():
    uploads = queue(max_active=3)
    for peer in "abc":
        uploads.push(peer, ord(peer), 0, 4 * MIB)
    assert Counter(grant.peer for grant in grants(uploads, 12)) == {"a": 4, "b": 4, "c": 4}


# --- streams, bounds and limits -------------------------------------------------------------------------------


def test_a_stream_that_takes_no_more_gives_its_turn_away_and_goes_on_where_it_was():
    uploads = queue(max_active=1)
    ask(uploads, "slow", 1)
    ask(uploads, "other", 2, 3)
    assert uploads.next(0.0).peer == "slow"
    uploads.hold("slow")
    assert uploads.next(0.0).peer == "other"
    uploads.go_on("slow")
    rest = [(grant.peer, grant.chunk, grant.offset) for grant in grants(uploads, 6)]
    assert rest[3:] == [("slow", 1, SLICE * place) for place in (1, 2, 3)], "what was begun is finished first"


def test_a_line_is_bounded_in_requests_and_in_bytes():
    uploads = queue(max_queued=3, max_queued_bytes=5 * MIB)
    ask(uploads, "a", 1, 2, 3)
    assert not uploads.push("a", 4, 0, 10)
    assert uploads.push("b", 1, 0, 5 * MIB)
    assert not uploads.push("b", 2, 0, 1)


def test_strangers_are_nothing_to_cancel_hold_or_leave():
    uploads = queue()
    assert not uploads.cancel("nobody", 1, 0, MIB)
    uploads.hold("nobody")
    uploads.go_on("nobody")
    uploads.peer_left("nobody")
    uploads.reciprocate({"nobody": 5.0})
    assert uploads.queued_bytes("nobody") == 0


def test_a_cancelled_request_stops_in_the_middle_and_only_that_one():
    uploads = queue(max_active=1)
    ask(uploads, "a", 1, 2)
    assert uploads.next(0.0).chunk == 1
    assert not uploads.cancel("a", 1, 0, 17)
    assert uploads.cancel("a", 1, 0, MIB)
    assert [grant.chunk for grant in grants(uploads)] == [2] * 4


def test_a_peer_that_leaves_in_its_turn_frees_it():
    uploads = queue(max_active=1)
    ask(uploads, "a", 1)
    ask(uploads, "b", 2)
    uploads.next(0.0)
    uploads.peer_left("a")
    assert [grant.peer for grant in grants(uploads)] == ["b"] * 4


def test_limits_hold_and_say_when_to_come_back():
    uploads = queue()
    own, shared = TokenBucket(100_000, 0.0), TokenBucket(1e9, 0.0)
    uploads.set_limits(own, shared)
    now, sent = 0.0, 0
    while now < 20.0:
        if uploads.queued_bytes("a") < MIB:
            uploads.push("a", 1, 0, MIB)
        for grant in grants(uploads, now=now):
            sent += grant.length
            assert grant.length <= 25_000, "a quarter of a second at once"
        wakeup = uploads.next_wakeup(now)
        assert wakeup > now
        now = wakeup
    assert sent == pytest.approx(2_000_000, rel=0.1)
    own.set_bps(0, now)
    assert uploads.next(now) is None
    assert uploads.next_wakeup(now) == inf
    uploads.set_limits()
    assert uploads.next(now) is not None


def test_departures_are_counted_in_a_byte():
    uploads = queue(max_active=1)
    for _ in range(300):
        uploads.push("a", 1, 0, 1)
        uploads.push("a", 2, 7, 1)  # the rest of a chunk is no departure
        assert len(list(grants(uploads))) == 2
    ask(uploads, "a", 1, 2)
    assert [grant.chunk for grant in grants(uploads)][::4] == [2, 1]


def test_a_peer_is_granted_as_much_at_once_as_is_said_of_it():
    uploads = queue()
    for peer in ("quick", "slow"):
        assert uploads.push(peer, 0, 0, MIB)
    uploads.set_slice("quick", 10 * MAX_DATA)
    uploads.set_slice("slow", 1)
    uploads.set_slice("stranger", MIB)
    grants: dict[str, list[int]] = {"quick": [], "slow": []}
    while grant := uploads.next(0.0):
        grants[grant.peer].append(grant.length)
    assert grants == {"quick": [MAX_DATA], "slow": [MIN_DATA] * (MIB // MIN_DATA)}


def test_long_slices_take_nothing_from_who_gets_short_ones():
    uploads = queue()
    for chunk in range(4):
        for peer in ("quick", "slow"):
            assert uploads.push(peer, chunk, 0, MIB)
    uploads.set_slice("quick", MAX_DATA)
    sent = {"quick": 0, "slow": 0}
    while grant := uploads.next(0.0):
        sent[grant.peer] += grant.length
        if max(sent.values()) < 4 * MIB:
            assert abs(sent["quick"] - sent["slow"]) <= MAX_DATA
