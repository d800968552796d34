"""What a person wants of a download: pause it, skip files, see the beginning first, know how long it takes."""

from __future__ import annotations

import pytest

from node.swarm.picker import SEEDERS_S
from node.swarm.selection import Priority
from protocols.exchange import RejectReason
from tests.swarm.story import MESSAGE, MIB, Story


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
    story.fetch_all("a")
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
    story.join("leecher", has=[])
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
    story.fetch_all("a")
    assert story.download.is_complete
    assert list(story.have) == [0, 1, 5]
    story.download.set_priorities({})
    story.pump()
    assert not story.download.is_complete
    story.fetch_all("a")
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


def test_from_seeders_alone_chunks_soon_come_in_order_and_in_a_swarm_the_rarest_come_first():
    story = Story(200 * MIB)
    story.join("a", "b")
    early = set(story.chunks("a") + story.chunks("b"))
    story.wait(SEEDERS_S)
    order = [chunk for chunk in (story.deliver("a") for _ in range(8)) if chunk not in early]
    assert order == sorted(order)
    assert max(order) < 10
    story.join("leecher", has=[])
    later = [story.deliver("a") for _ in range(30)]
    assert later != sorted(later)
