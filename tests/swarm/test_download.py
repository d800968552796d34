"""Stories of one download: whom it asks for what, and what it makes of the answers."""

from __future__ import annotations

import pytest

from node.swarm.commands import RequestRange, Span
from node.swarm.download import FIRST_BACKOFF_S, LAST_BACKOFF_S, MAX_TRIES
from node.swarm.selection import Priority
from node.swarm.timeouts import SNUB_S
from protocols.bitfield import Bitfield
from protocols.exchange import MAX_REQUESTS, RejectReason
from tests.swarm.story import KIB, MESSAGE, MIB, Story


def fetch_all(story: Story, *peers: str, limit: int = 10_000) -> None:
    """The peers answer in turn until nothing is asked of them any more."""
    for _ in range(limit):
        busy = [peer for peer in peers if story.open(peer)]
        if not busy:
            return
        for peer in busy:
            if story.open(peer):
                story.deliver(peer, seconds=0.01)
    raise AssertionError("it never ends")


def test_a_share_is_fetched_from_one_seeder():
    story = Story(10 * MIB + 5)
    story.join("seeder")
    fetch_all(story, "seeder")
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
    fetch_all(story, "a")
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


def test_the_pipeline_is_refilled_at_every_message_and_stays_within_the_peers_limit():
    story = Story(100 * MIB)
    story.join("a", limit=3 * MIB)
    for _ in range(80):
        story.now += 0.01
        story.deliver("a")
        assert sum(request.length for request in story.asked["a"]) <= 3 * MIB
    assert len(story.open("a")) > 2, "a fast peer is asked for more than at first, in ranges that fit"


def test_a_folder_of_small_files_is_asked_for_hundreds_at_a_time():
    story = Story(*[3000] * 1000)
    story.join("a")
    assert len(story.open("a")) == MAX_REQUESTS
    fetch_all(story, "a")
    assert story.download.is_complete


def test_one_call_makes_a_bounded_number_of_requests():
    story = Story(*[3000] * 1000)
    story.download.peer_joined("a", 16 * MIB, story.now)
    story.download.peer_bitfield("a", Bitfield.full(1000), story.now)
    assert len(story.download.commands(story.now)) == MAX_TRIES
    assert story.download.next_wakeup(story.now) == story.now


def test_what_a_peer_owed_is_asked_of_others_when_it_leaves():
    story = Story(2 * MIB)
    story.join("a")
    story.send("a", MESSAGE)
    story.join("b")
    assert story.open("b") == [], "everything is asked for, and nobody is late"
    story.leave("a")
    lengths = sorted(request.length for request in story.open("b"))
    assert lengths == [MIB - MESSAGE, MIB], "what came before is kept"
    fetch_all(story, "b")
    assert story.download.is_complete


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


def test_an_unavailable_chunk_is_not_asked_of_that_peer_again():
    story = Story(2 * MIB)
    story.join("a")
    story.refuse("a", RejectReason.UNAVAILABLE)
    story.wait(60.0)
    assert len(story.open("a")) == 1
    assert sorted(story.download.availability(chunk) for chunk in (0, 1)) == [0, 1]


def test_a_refusal_of_what_was_not_asked_is_ignored():
    story = Story(2 * MIB)
    story.join("a")
    story.download.request_rejected("a", 0, 5, 5, story.now)
    story.download.request_rejected("a", 1, 0, 5, story.now)
    assert len(story.open("a")) == 2
    assert story.download.peers["a"].request_count == 2


# --- wishes ---------------------------------------------------------------------------------------------------


def test_pausing_cancels_everything_and_resuming_goes_on_where_it_was():
    story = Story(3 * MIB)
    story.join("a")
    story.send("a", MESSAGE)
    story.download.pause()
    story.pump()
    assert story.open("a") == []
    assert len(story.cancelled) == 2
    assert story.download.next_wakeup(story.now) is None
    assert story.send("a", MESSAGE).keep == (), "what is still on its way is dropped"
    for request in tuple(story.cancelled):
        story.refuse("a", RejectReason.CANCELLED, request)
    assert story.open("a") == []
    story.download.resume(story.now)
    story.pump()
    assert sum(request.length for request in story.open("a")) == 3 * MIB - MESSAGE
    fetch_all(story, "a")
    assert story.download.is_complete


def test_a_chunk_that_is_being_hashed_when_paused_still_counts():
    story = Story(1 * MIB)
    story.join("a")
    assert story.send("a").complete
    story.download.pause()
    story.pump()
    story.hash(0)
    assert story.download.is_complete


def test_the_same_bytes_are_not_asked_of_a_peer_that_has_not_ended_the_cancelled_request():
    story = Story(1 * MIB)
    story.join("a")
    story.download.pause()
    story.pump()
    story.download.resume(story.now)
    story.wait(3.0)
    assert story.open("a") == []
    story.refuse("a", RejectReason.CANCELLED)
    assert story.chunks("a") == [0]


def test_sequential_mode_goes_in_order_and_can_be_switched():
    story = Story(20 * MIB, sequential=True)
    story.join("a")
    assert story.chunks("a") == [0, 1]
    order = [story.deliver("a") for _ in range(5)]
    assert order == [0, 1, 2, 3, 4]
    story.download.set_sequential(False)
    story.pump()
    later = [story.deliver("a") for _ in range(10)]
    assert later != sorted(later)


def test_skipped_files_are_not_fetched_and_the_rest_is_all_there_is():
    story = Story(2 * MIB, 3 * MIB, 1 * MIB)
    story.download.set_priorities({1: Priority.SKIP})
    assert story.download.missing_bytes == 3 * MIB
    story.join("a")
    fetch_all(story, "a")
    assert story.download.is_complete
    assert list(story.have) == [0, 1, 5]
    story.download.set_priorities({})
    story.pump()
    assert not story.download.is_complete
    fetch_all(story, "a")
    assert story.have.is_complete


def test_skipping_a_file_on_its_way_drops_what_came_of_it():
    story = Story(1 * MIB, 1 * MIB)
    story.join("a")
    first, second = story.chunks("a")
    story.send("a", MESSAGE)
    story.download.set_priorities({first: Priority.SKIP})
    story.pump()
    assert story.chunks("a") == [second]
    assert story.dropped == [first]
    assert story.download.missing_bytes == MIB


def test_a_file_skipped_while_it_is_hashed_is_there_all_the_same():
    story = Story(1 * MIB, 1 * MIB)
    story.join("a")
    chunk = story.open("a")[0].chunk
    assert story.send("a").complete
    story.download.set_priorities({0: Priority.SKIP, 1: Priority.SKIP})
    story.pump()
    story.hash(chunk)
    assert story.download.is_complete
    assert story.download.missing_bytes == 0


def test_a_file_skipped_while_it_is_hashed_is_not_missed_if_it_was_wrong():
    story = Story(1 * MIB, 1 * MIB)
    story.join("a", has=[0])
    assert story.send("a").complete
    story.download.set_priorities({0: Priority.SKIP})
    story.hash(0, good=False)
    assert story.download.missing_bytes == MIB
    assert story.download.in_flight == frozenset()


def test_the_estimate_is_what_is_missing_at_the_rate_so_far():
    story = Story(100 * MIB)
    assert story.download.eta_s(story.now) is None
    story.join("a")
    for _ in range(30):
        story.deliver("a", seconds=1.0)
    assert story.download.eta_s(story.now) == pytest.approx(70.0, rel=0.1)
    assert story.download.eta_s(story.now + 1000.0) is None


# --- many at once ---------------------------------------------------------------------------------------------


def test_the_buffers_of_all_chunks_in_flight_are_bounded():
    story = Story(100 * MIB, max_in_flight=5 * MIB)
    story.join("a", "b", "c", "d")
    assert len(story.download.in_flight) == 5
    for _ in range(20):
        story.deliver(next(peer for peer in "abcd" if story.open(peer)))
        assert len(story.download.in_flight) == 5


def test_a_peer_that_was_kept_waiting_is_the_next_when_there_is_room():
    story = Story(100 * MIB, max_in_flight=2 * MIB)
    story.join("a", "b", "c")
    assert [len(story.open(peer)) for peer in "abc"] == [2, 0, 0]
    story.deliver("a")
    assert [len(story.open(peer)) for peer in "abc"] == [1, 1, 0]
    story.leave("c")
    story.deliver("a")
    assert sum(len(story.open(peer)) for peer in "ab") == 2


def test_leftovers_nobody_sends_make_room_for_chunks_somebody_has():
    story = Story(10 * MIB, max_in_flight=2 * MIB)
    story.join("a", has=[0, 1])
    for request in tuple(story.open("a")):
        story.send("a", MESSAGE, request)
    story.leave("a")
    story.join("b", has=range(2, 10))
    assert len(story.open("b")) == 2
    assert sorted(story.dropped) == [0, 1]
    fetch_all(story, "b")
    story.join("c")
    fetch_all(story, "b", "c")
    assert story.download.is_complete


def test_what_a_silent_peer_may_still_send_is_not_what_makes_room():
    story = Story(3 * MIB, max_in_flight=2 * MIB)
    story.join("silent", has=[0])
    story.join("gone", has=[1])
    story.send("silent", MESSAGE)
    story.wait(SNUB_S + 1.0)
    story.send("gone", MESSAGE)
    story.leave("gone")
    story.join("b", has=[2])
    assert story.dropped == [1]
    assert story.send("silent").complete


def test_in_a_slow_swarm_no_more_is_asked_ahead_than_comes_in_ten_seconds():
    story = Story(2000 * MIB)
    peers = [f"peer {number}" for number in range(24)]
    story.join(*peers)
    for peer in peers:
        story.deliver(peer, seconds=0.6)
    refilled = [len(story.open(peer)) == 2 for peer in peers]
    assert all(refilled[:8]), "at first there is little to wait for"
    assert not any(refilled[16:]), "then sixteen chunks are on their way"


def test_requests_are_the_same_again_with_the_same_seed_and_news():
    def play(seed: int) -> list[RequestRange]:
        story = Story(50 * MIB, seed=seed)
        story.join("a", "b")
        for _ in range(10):
            story.deliver("a", seconds=0.1)
            story.deliver("b", seconds=0.2)
        return story.open("a") + story.open("b")

    assert play(3) == play(3) != play(4)


def test_ranges_fit_a_peer_that_accepts_little():
    story = Story(20 * MIB, chunk_size=4 * MIB)
    story.join("a", limit=MIB)
    assert [request.length for request in story.open("a")] == [256 * KIB] * 4
    fetch_all(story, "a")
    assert story.download.is_complete
