"""Peers that stop, trickle or are slow: what they owe comes from others, and nobody is banned for it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from node.swarm.timeouts import SNUB_BYTES, SNUB_S
from protocols.exchange import RejectReason
from tests.swarm.story import KIB, MESSAGE, MIB, Story


def trickle(story: Story, peer: str, bps: int, seconds: float, step: float = 1.0) -> None:
    """A peer sends its oldest request at a low rate."""
    for _ in range(int(seconds / step)):
        story.wait(step)
        send(story, peer, int(bps * step))


def send(story: Story, peer: str, size: int) -> None:
    """A peer sends some bytes of its oldest request, if it has any; the chunk is hashed if that completes it."""
    if story.open(peer):
        request = story.open(peer)[0]
        if story.send(peer, size, request).complete:
            story.hash(request.chunk)


def test_a_silent_peers_chunks_are_asked_of_others():
    story = Story(2 * MIB)
    story.join("silent")
    story.wait(SNUB_S + 1.0)
    assert story.cancelled == []
    story.join("other")
    assert sorted(story.chunks("other")) == [0, 1]
    assert [request.peer for request in story.cancelled] == ["silent"] * 2
    assert story.bans == {}


def test_as_long_as_nobody_else_has_it_a_silent_peer_is_still_welcome():
    story = Story(2 * MIB)
    story.join("silent")
    story.wait(10 * SNUB_S)
    assert story.cancelled == []
    assert story.deliver("silent") in (0, 1)
    assert story.have.count == 1


def test_a_silent_peer_that_has_not_answered_is_not_asked_for_more():
    story = Story(20 * MIB)
    story.join("silent")
    story.join("other")
    story.wait(SNUB_S + 2.0)
    while story.open("other"):
        story.deliver("other", seconds=0.05)
    assert story.download.is_complete
    assert story.open("silent") == []


def test_a_silent_peer_gets_one_request_when_it_has_answered_the_cancels():
    story = Story(20 * MIB)
    story.join("silent")
    story.join("other")
    story.wait(SNUB_S + 2.0)
    for _ in range(3):
        story.deliver("other", seconds=0.05)
    for request in tuple(story.cancelled):
        story.refuse("silent", RejectReason.CANCELLED, request)
    assert len(story.open("silent")) == 1
    story.deliver("silent", seconds=0.05)
    story.deliver("silent", seconds=0.05)
    assert len(story.open("silent")) > 1, "and more when it sends again"


def test_a_peer_that_stays_silent_is_probed_less_and_less():
    story = Story(1000 * 64 * KIB, chunk_size=64 * KIB)
    story.join("silent", "other")
    asked_at = []
    for _ in range(500):
        before = len(story.asked["silent"])
        story.wait(1.0)
        asked_at += [story.now] * (len(story.asked["silent"]) > before)
        if story.open("other"):
            story.deliver("other")
        for request in [request for request in story.cancelled if request.peer == "silent"]:
            story.refuse("silent", RejectReason.CANCELLED, request)
    pauses = [after - before for before, after in pairwise(asked_at)]
    assert max(pauses) > 100.0
    assert pauses == sorted(pauses)


def test_what_is_late_already_is_not_left_to_a_silent_peer_again():
    story = Story(2 * MIB)
    story.join("silent")
    story.wait(SNUB_S + 1.0)
    story.join("b", has=[0])
    story.join("c", limit=MIB)
    for request in tuple(story.cancelled):
        story.refuse("silent", RejectReason.CANCELLED, request)
    story.send("b", MESSAGE)
    story.refuse("b")
    assert set(story.chunks("c")) == {1}, "who has no room for more now"
    assert story.open("silent") == []
    story.deliver("c")
    assert (0, MESSAGE) in [(request.chunk, request.offset) for request in story.open("c")]


def test_what_a_silent_peer_owes_is_counted_on_again_when_it_speaks():
    story = Story(2 * MIB)
    story.join("silent")
    story.wait(SNUB_S + 2.0)
    for request in story.open("silent"):
        story.send("silent", MESSAGE, request)
    story.join("other")
    assert story.open("other") == []


def test_a_trickle_of_bytes_is_silence():
    story = Story(1 * MIB)
    story.join("trickle")
    trickle(story, "trickle", SNUB_BYTES // 20, SNUB_S + 1.0)
    story.join("other")
    (request,) = story.open("other")
    assert request.offset + request.length == MIB
    assert 0 < request.offset < SNUB_BYTES, "what came of it is kept"
    story.deliver("other")
    assert story.download.is_complete


def test_a_slow_peer_is_asked_for_small_ranges():
    story = Story(20 * MIB)
    story.join("slow")
    trickle(story, "slow", 30 * KIB, 80.0)
    sizes = {request.length for request in story.open("slow")}
    assert sizes <= {128 * KIB, 144 * KIB}, "about five seconds' worth"


def test_a_slow_peer_never_holds_more_than_it_can_send_in_ten_seconds():
    story = Story(4 * MIB)
    story.join("slow")
    trickle(story, "slow", 30 * KIB, 3.0)
    story.join("fast")
    story.wait(1.5)
    assert sum(request.length for request in story.open("slow")) <= 300 * KIB, "two whole chunks take it a minute"
    began = story.now
    while not story.download.is_complete:
        trickle(story, "slow", 30 * KIB, 0.25, step=0.25)
        if story.open("fast"):
            story.deliver("fast", seconds=0.1)
    assert story.now - began < 5.0
    assert story.download.wasted_bytes < 64 * KIB, "what the slow one had sent is not fetched twice"


def test_one_small_range_is_left_to_a_slow_peer_however_slow():
    story = Story(20 * MIB)
    story.join("slow")
    trickle(story, "slow", 6 * KIB, 400.0)
    story.join("fast", has=[])
    before = story.open("slow")
    assert before[0].length == 64 * KIB
    story.wait(2.0)
    assert story.open("slow")[0] == before[0]


def test_a_slow_peer_does_not_hold_up_the_last_chunk():
    story = Story(3 * MIB)
    story.join("slow", "fast")
    began = story.now
    while not story.download.is_complete:
        trickle(story, "slow", 20 * KIB, 0.25, step=0.25)
        send(story, "fast", MESSAGE)
    assert story.now - began < 8.0, "three seconds' work for the fast one, fifty for the slow one"


@pytest.mark.parametrize("seconds", [0.5, 30.0])
def test_a_peer_that_waits_for_its_turn_elsewhere_keeps_its_requests(seconds):
    story = Story(40 * MIB)
    story.join("busy")
    for _ in range(5):
        story.deliver("busy", seconds=0.5)
        story.wait(seconds)
    assert {request.length for request in story.open("busy")} == {MIB}
    assert story.cancelled == []
