"""A peer that couldn't give a chunk is asked for it again after a while, less and less often."""

from __future__ import annotations

from itertools import pairwise

from node.swarm.withheld import FIRST_PAUSE_S, LAST_PAUSE_S, MAX_WITHHELD, Withheld
from protocols.exchange import RejectReason
from tests.swarm.story import MIB, Story


def test_after_a_passing_read_error_the_only_seeder_is_asked_again_and_the_download_completes():
    story = Story(3 * MIB)
    story.join("a")
    chunk = story.asked["a"][0].chunk
    for _ in range(3):
        while story.open("a"):
            if story.asked["a"][0].chunk == chunk:
                story.refuse("a", RejectReason.UNAVAILABLE)
            else:
                story.deliver("a")
        story.wait(1.0)  # who has just refused something is left alone for a moment
    assert list(story.have.missing()) == [chunk]
    assert story.download.availability(chunk) == 0
    story.wait(FIRST_PAUSE_S - 5)
    assert not story.open("a")
    story.wait(FIRST_PAUSE_S)
    assert story.chunks("a") == [chunk]
    assert story.download.availability(chunk) == 1
    story.deliver("a")
    assert story.download.is_complete


def test_what_is_refused_again_and_again_is_asked_for_less_and_less():
    story = Story(MIB)
    story.join("a")
    times = []
    for _ in range(3600):
        while story.open("a"):
            times.append(story.now)
            story.refuse("a", RejectReason.UNAVAILABLE)
        story.wait(1.0)
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert 10 <= pauses[0] <= 12
    assert pauses == sorted(pauses)
    assert LAST_PAUSE_S <= pauses[-1] <= LAST_PAUSE_S + 2


def test_a_peer_that_says_so_itself_is_asked_at_once():
    story = Story(MIB)
    story.join("a")
    story.refuse("a", RejectReason.UNAVAILABLE)
    story.wait(3.0)
    story.announce("a", 0)
    assert story.chunks("a") == [0]
    story.wait(LAST_PAUSE_S)
    assert story.download.availability(0) == 1, "it isn't counted twice"


def test_a_chunk_is_named_once_after_each_refusal_and_not_after_a_new_bitfield():
    withheld = Withheld()
    withheld.refused(7, 0.0)
    withheld.refused(8, 1.0)
    assert withheld.due(9.9) == []
    assert withheld.due(10.0) == [7]
    assert withheld.due(20.0) == [8]
    assert withheld.due(1e9) == []
    withheld.refused(7, 20.0)
    assert withheld.due(39.9) == []
    withheld.clear()
    assert withheld.due(1e9) == []


def test_a_peer_that_refuses_everything_costs_little_memory():
    withheld = Withheld()
    for chunk in range(MAX_WITHHELD + 10):
        withheld.refused(chunk, 0.0)
    assert withheld.due(10.0) == list(range(10, MAX_WITHHELD + 10))
