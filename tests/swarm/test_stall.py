"""Why nothing comes in, in words."""

from __future__ import annotations

from protocols.exchange import RejectReason
from tests.swarm.story import MESSAGE, MIB, Story


def reason(story: Story, after: float = 10.0) -> str | None:
    story.wait(after)
    return story.download.stall_reason(story.now)


def test_a_download_that_gets_something_is_not_stalled():
    story = Story(10 * MIB)
    story.join("a")
    story.send("a", MESSAGE)
    assert reason(story, 4.0) is None


def test_a_finished_download_is_not_stalled():
    story = Story(1 * MIB)
    story.join("a")
    story.deliver("a")
    story.leave("a")
    assert reason(story) is None


def test_paused():
    story = Story(1 * MIB)
    story.download.pause()
    assert reason(story) == "paused"


def test_no_peers():
    assert reason(Story(1 * MIB)) == "no peers connected"


def test_peers_that_have_said_nothing():
    story = Story(1 * MIB)
    story.download.peer_joined("a", 16 * MIB, story.now)
    assert reason(story) == "1 peer connected, none has said what it has yet"


def test_peers_that_owe_and_do_not_send():
    story = Story(8 * MIB)
    story.join("a", "b")
    assert reason(story, 12.0) == "2 peers connected, none has sent anything for 12 s"


def test_a_chunk_that_nobody_has():
    story = Story(20 * MIB)
    story.join("a", "b", has=range(17))
    while story.open("a") or story.open("b"):
        for peer in "ab":
            if story.open(peer):
                story.deliver(peer)
    assert reason(story) == "2 peers connected, none has chunk 17"


def test_peers_that_are_busy():
    story = Story(4 * MIB)
    story.join("a")
    for _ in range(8):
        while not story.open("a"):
            story.wait(1.0)
        while story.open("a"):
            story.refuse("a", RejectReason.BUSY)
    assert reason(story) == "1 peer connected, all of them busy"


def test_waiting_for_the_last_hash_is_no_stall():
    story = Story(1 * MIB)
    story.join("a")
    story.send("a")
    assert reason(story) is None
