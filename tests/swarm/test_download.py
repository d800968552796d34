"""Stories of one download: whom it asks for what, and what it makes of the answers."""

from __future__ import annotations

import pytest

from node.swarm.commands import Span
from node.swarm.download import FIRST_BACKOFF_S, LAST_BACKOFF_S
from protocols.bitfield import Bitfield
from protocols.exchange import RejectReason
from tests.swarm.story import MESSAGE, MIB, Story


def test_a_share_is_fetched_from_one_seeder():
    story = Story(10 * MIB + 5)
    story.join("seeder")
    story.fetch_all("seeder")
    assert story.have.is_complete
    assert story.download.is_complete
    assert story.download.missing_bytes == 0
    assert story.download.wasted_bytes == 0
    assert story.download.next_wakeup(story.now) is None


def test_a_share_without_chunks_is_complete_at_once():
    assert Story(0).download.is_complete
    assert Story().download.is_complete


def test_a_new_peer_is_asked_for_two_whole_chunks():
    story = Story(10 * MIB)
    story.join("a")
    assert [request.length for request in story.open("a")] == [MIB, MIB]
    assert story.download.in_flight == frozenset(story.chunks("a"))


def test_different_peers_are_asked_for_different_chunks():
    story = Story(20 * MIB)
    story.join("a", "b", "c")
    asked = story.chunks("a") + story.chunks("b") + story.chunks("c")
    assert len(set(asked)) == 6


def test_only_missing_chunks_are_asked_for():
    story = Story(10 * MIB, have=range(7))
    story.join("a")
    story.fetch_all("a")
    assert story.download.is_complete
    assert story.download.rate.total == 3 * MIB


def test_a_chunk_is_hashed_when_its_last_byte_is_here_and_only_then():
    story = Story(1 * MIB)
    story.join("a")
    assert story.send("a", MESSAGE) == ((Span(0, MESSAGE),), False)
    assert story.send("a", MESSAGE).complete is False
    last = story.send("a", 2 * MESSAGE)
    assert last == ((Span(2 * MESSAGE, MIB),), True)
    assert not story.download.is_complete, "it isn't verified yet"
    story.hash(0)
    assert story.download.is_complete


def test_a_leecher_is_asked_for_what_it_announces():
    story = Story(4 * MIB)
    story.join("a", has=[])
    assert story.open("a") == []
    story.announce("a", 2)
    assert story.chunks("a") == [2]
    story.announce("a", 2, 3)
    assert story.chunks("a") == [2, 3]


def test_a_peer_with_a_full_pipeline_is_not_asked_for_what_it_announces_at_once():
    story = Story(8 * MIB)
    story.join("a", has=range(4))
    before = story.open("a")
    story.announce("a", 6)
    assert story.open("a") == before
    story.fetch_all("a")
    assert story.have[6]


def test_what_a_peer_owed_is_asked_of_others_when_it_leaves():
    story = Story(2 * MIB)
    story.join("a")
    story.send("a", MESSAGE)
    story.join("b")
    assert story.open("b") == [], "everything is asked for, and nobody is late"
    story.leave("a")
    lengths = sorted(request.length for request in story.open("b"))
    assert lengths == [MIB - MESSAGE, MIB], "what came before is kept"
    story.fetch_all("b")
    assert story.download.is_complete


@pytest.mark.parametrize("messages", range(9))
def test_a_peer_may_leave_between_any_two_messages(messages):
    story = Story(2 * MIB)
    story.join("a")
    for _ in range(messages):
        request = story.asked["a"][0]
        if story.send("a", MESSAGE, request).complete:
            story.hash(request.chunk)
    story.leave("a")
    story.join("b")
    story.fetch_all("b")
    assert story.download.is_complete
    assert story.download.rate.total == 2 * MIB, "nothing is fetched twice"


def test_all_seeders_leave_just_before_the_end_and_another_comes_an_hour_later():
    story = Story(100 * MIB)
    story.join("a", "b", has=range(99))
    story.fetch_all("a", "b")
    assert story.have.count == 99
    story.leave("a")
    story.leave("b")
    story.wait(3600.0)
    assert story.download.stall_reason(story.now) == "no peers connected"
    story.join("late")
    story.fetch_all("late")
    assert story.download.is_complete
    assert story.download.rate.total == 100 * MIB


def test_news_of_peers_that_are_not_there_are_ignored():
    story = Story(4 * MIB)
    story.download.peer_left("nobody", story.now)
    story.download.peer_has("nobody", [1], story.now)
    story.download.peer_bitfield("nobody", Bitfield.full(4), story.now)
    story.download.request_rejected("nobody", 0, 0, MIB, story.now)
    assert story.download.data_received("nobody", 0, 0, 10, story.now) == ((), False)
    assert story.download.commands(story.now) == []
    assert story.download.availability(1) == 0


def test_joining_twice_changes_nothing():
    story = Story(4 * MIB)
    story.join("a")
    before = story.open("a")
    story.download.peer_joined("a", 16 * MIB, story.now)
    assert story.download.commands(story.now) == []
    assert story.open("a") == before


def test_a_second_bitfield_replaces_the_first():
    story = Story(8 * MIB)
    story.join("a", has=[0, 1])
    story.download.peer_bitfield("a", Bitfield.full(8), story.now)
    assert [story.download.availability(chunk) for chunk in range(8)] == [1] * 8


def test_a_chunk_outside_the_share_is_an_error():
    story = Story(4 * MIB)
    story.join("a", has=[])
    with pytest.raises(IndexError):
        story.announce("a", 4)


def test_verdicts_on_chunks_that_are_not_complete_are_ignored():
    story = Story(4 * MIB)
    story.join("a")
    chunk = story.chunks("a")[0]
    story.hash(chunk)
    assert story.hash(chunk, good=False) == frozenset()
    assert story.have.count == 0


def test_data_nobody_asked_for_is_not_kept():
    story = Story(4 * MIB)
    story.join("a")
    request = story.open("a")[0]
    assert story.download.data_received("a", request.chunk, 17, 100, story.now) == ((), False)
    assert story.download.wasted_bytes == 100


# --- refusals -------------------------------------------------------------------------------------------------


def test_a_busy_peer_is_left_alone_longer_and_longer():
    story = Story(4 * MIB)
    story.join("a")
    pauses = []
    for _ in range(8):
        began = story.now
        while story.open("a"):
            story.refuse("a")
        while not story.open("a"):
            story.wait(0.25)
        pauses.append(story.now - began)
    assert pauses[0] <= FIRST_BACKOFF_S + 1.25
    assert pauses == sorted(pauses)
    assert LAST_BACKOFF_S <= pauses[-1] <= LAST_BACKOFF_S + 1.25


def test_requests_refused_together_count_once_and_data_makes_good_again():
    story = Story(40 * MIB)
    story.join("a")
    story.refuse("a")
    story.refuse("a")
    story.wait(FIRST_BACKOFF_S + 1.0)
    assert story.open("a"), "two refusals at once are one"
    story.deliver("a")
    while story.open("a"):
        story.refuse("a")
    story.wait(FIRST_BACKOFF_S + 1.0)
    assert story.open("a"), "it has sent something since"


def test_what_a_busy_peer_refuses_is_asked_of_another():
    story = Story(2 * MIB)
    story.join("a")
    story.join("b")
    story.refuse("a")
    story.refuse("a")
    assert sorted(story.chunks("b")) == [0, 1]


def test_an_unavailable_chunk_is_not_asked_of_that_peer_again_soon():
    story = Story(2 * MIB)
    story.join("a")
    story.refuse("a", RejectReason.UNAVAILABLE)
    story.wait(5.0)
    assert len(story.open("a")) == 1
    assert sorted(story.download.availability(chunk) for chunk in (0, 1)) == [0, 1]


def test_a_refusal_of_what_was_not_asked_is_ignored():
    story = Story(2 * MIB)
    story.join("a")
    story.download.request_rejected("a", 0, 5, 5, story.now)
    story.download.request_rejected("a", 1, 0, 5, story.now)
    assert len(story.open("a")) == 2
    assert story.download.peers["a"].request_count == 2


# --- news before decisions ------------------------------------------------------------------------------------


def duplicated() -> Story:
    """The first half of a chunk is coming from `first`, the rest from `second`, and nobody listens to decisions."""
    story = Story(1 * MIB)
    story.join("first")
    story.now += 4.0
    story.send("first", MESSAGE)
    story.join("second")
    story.wait(3.0)
    assert story.open("second")
    story.is_deaf = True
    assert story.send("first").complete
    return story


def test_a_request_that_ended_before_its_cancel_was_said_is_not_cancelled():
    story = duplicated()
    story.send("second")
    story.is_deaf = False
    story.pump()
    assert story.cancelled == []


def test_nor_is_one_that_was_refused():
    story = duplicated()
    story.refuse("second")
    story.is_deaf = False
    story.pump()
    assert story.cancelled == []


def test_but_one_that_goes_on_is():
    story = duplicated()
    story.send("second", 1000)
    story.is_deaf = False
    story.pump()
    assert [request.peer for request in story.cancelled] == ["second"]


def test_nothing_is_said_to_who_has_left_not_even_when_it_is_back():
    story = duplicated()
    story.leave("second")
    story.join("second")
    story.is_deaf = False
    story.pump()
    assert story.cancelled == []
