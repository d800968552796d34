"""What bounds a download: memory, what is asked ahead, what a peer accepts, what one call does."""

from __future__ import annotations

from node.swarm.commands import RequestRange
from node.swarm.rounds import MAX_TRIES
from node.swarm.timeouts import SNUB_S
from protocols.bitfield import Bitfield
from protocols.exchange import MAX_REQUESTS
from tests.swarm.story import KIB, MESSAGE, MIB, Story


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


def test_a_peer_that_found_something_meanwhile_does_not_hold_up_the_next():
    story = Story(100 * MIB, max_in_flight=2 * MIB)
    story.join("a")
    story.join("b", limit=MIB)
    story.join("c")
    assert story.open("b") == story.open("c") == []
    story.refuse("a")
    assert len(set(story.chunks("b"))) == 1
    story.deliver("a")
    assert len(story.open("c")) == 1


def test_leftovers_nobody_sends_make_room_for_chunks_somebody_has():
    story = Story(10 * MIB, max_in_flight=2 * MIB)
    story.join("a", has=[0, 1])
    for request in tuple(story.open("a")):
        story.send("a", MESSAGE, request)
    story.leave("a")
    story.join("b", has=range(2, 10))
    assert len(story.open("b")) == 2
    assert sorted(story.dropped) == [0, 1]
    story.fetch_all("b")
    story.join("c")
    story.fetch_all("b", "c")
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


def test_silent_peers_do_not_keep_all_the_room_from_those_that_send():
    story = Story(10 * MIB, max_in_flight=2 * MIB)
    story.join("silent", has=[0, 1])
    story.join("b", has=range(2, 10))
    assert story.open("b") == []
    story.wait(SNUB_S + 1.0)
    story.fetch_all("b")
    assert story.have.count == 8
    story.join("late", has=[0, 1])
    story.fetch_all("late")
    assert story.download.is_complete


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
        story.join("leecher", has=[])
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
    story.fetch_all("a")
    assert story.download.is_complete


def test_a_line_that_was_full_is_filled_a_quarter_at_a_time():
    story = Story(500 * MIB)
    story.join("a", limit=16 * MIB)
    while len(story.open("a")) < 16:
        story.now += 0.001
        story.deliver("a")
    lengths = []
    for _ in range(40):
        story.now += 0.001
        story.deliver("a")
        lengths.append(len(story.open("a")))
    assert lengths[:8] == [15, 14, 13, 16, 15, 14, 13, 16]
    assert min(lengths) >= 12


def test_the_pipeline_is_kept_full_and_within_the_peers_limit():
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
    story.fetch_all("a")
    assert story.download.is_complete


def test_one_call_makes_a_bounded_number_of_requests():
    story = Story(*[3000] * 1000)
    story.download.peer_joined("a", 16 * MIB, story.now)
    story.download.peer_bitfield("a", Bitfield.full(1000), story.now)
    assert len(story.download.commands(story.now)) == MAX_TRIES
    assert story.download.next_wakeup(story.now) == story.now
