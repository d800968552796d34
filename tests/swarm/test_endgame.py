"""The last chunks: duplicates of what others are slow with, no byte written twice, nothing wasted before the end."""

from __future__ import annotations

from node.swarm.commands import Span
from node.swarm.endgame import MAX_DUPLICATES, MAX_SOURCES
from node.swarm.requesting import NEW_OVERDUE_S, OVERDUE_S
from tests.swarm.story import KIB, MESSAGE, MIB, Story


def test_there_are_no_duplicates_while_anything_is_left_to_ask_for():
    story = Story(10 * MIB)
    story.join("a", "b")
    story.join("c", has=range(9))
    story.wait(5.0)
    asked = [chunk for peer in "abc" for chunk in story.chunks(peer)]
    assert len(asked) == len(set(asked))


def test_nor_while_a_busy_peer_alone_has_something_that_is_not_asked_for():
    story = Story(5 * MIB)
    story.join("seeder")
    held = story.chunks("seeder")
    for request in story.open("seeder"):
        story.send("seeder", 64 * KIB, request)
    story.join("leecher", has=held)
    story.wait(10.0)
    assert story.open("leecher") == []


def begin_slowly(story: Story, peer: str, messages: int, seconds: float = 4.0) -> None:
    """A peer sends some of its oldest request, a message every few seconds."""
    for _ in range(messages):
        story.now += seconds
        story.send(peer, MESSAGE)


def test_what_nobody_has_does_not_prevent_an_endgame():
    story = Story(3 * MIB)
    story.join("slow", has=[1])
    begin_slowly(story, "slow", 1)
    story.join("idle", has=[0, 1])
    story.deliver("idle")
    story.wait(2.0)
    assert story.chunks("idle") == [1]


def test_what_waits_in_one_peers_line_changes_over_to_an_idle_peer():
    story = Story(3 * MIB)
    story.join("busy", has=[0, 1])
    story.send("busy", MIB)
    (waiting,) = story.open("busy")
    story.join("idle", has=[waiting.chunk])
    story.wait(OVERDUE_S - 1.0)
    assert story.open("idle") == [], "give it a moment"
    story.wait(2.0)
    assert story.open("busy") == []
    assert story.open("idle")[0].length == MIB


def test_in_the_endgame_a_peer_that_never_sent_anything_is_waited_for_less():
    story = Story(1 * MIB)
    story.join("new")
    story.join("idle")
    story.wait(NEW_OVERDUE_S + 1.0)
    assert story.open("new") == []
    assert story.open("idle")[0].length == MIB
    assert story.deliver("idle") == 0
    assert story.download.is_complete


def test_changing_over_takes_only_what_has_not_begun():
    story = Story(2 * MIB)
    story.join("busy")
    begun, waiting = story.open("busy")
    story.send("busy", MESSAGE)
    story.join("idle", has=[waiting.chunk])
    story.wait(OVERDUE_S + 1.0)
    assert story.chunks("idle") == [waiting.chunk]
    assert story.open("busy") == [begun]
    assert story.cancelled == [waiting]


def test_two_peers_meet_in_the_middle_of_a_chunk():
    story = Story(1 * MIB)
    story.join("first")
    begin_slowly(story, "first", 2)
    story.join("second")
    story.wait(1.0)
    (duplicate,) = story.open("second")
    assert duplicate.offset + duplicate.length == MIB, "from the far end"
    assert duplicate.offset > 2 * MESSAGE, "not what the first one is about to send"
    assert story.send("second").keep == (Span(duplicate.offset, MIB),)
    verdict = story.send("first", MIB - 2 * MESSAGE, story.asked["first"][0])
    assert verdict == ((Span(2 * MESSAGE, duplicate.offset),), True), "only what isn't here is kept"
    assert story.download.wasted_bytes == duplicate.length


def test_bytes_that_came_twice_belong_to_whoever_was_first():
    story = Story(1 * MIB)
    story.join("first")
    begin_slowly(story, "first", 1)
    story.join("second")
    story.wait(3.0)
    (duplicate,) = story.open("second")
    story.send("first", duplicate.offset - MESSAGE - 1000)
    story.send("second", 1000)
    verdict = story.send("first")
    around = (Span(duplicate.offset - 1000, duplicate.offset), Span(duplicate.offset + 1000, MIB))
    assert verdict == (around, True), "one message, of which the middle is here already"
    assert story.hash(0, good=False) == {"first", "second"}
    assert story.download.wasted_bytes == MIB + 1000


def test_whoever_has_nothing_new_left_to_send_is_cancelled():
    story = Story(1 * MIB)
    story.join("first")
    begin_slowly(story, "first", 1)
    story.join("second")
    story.wait(3.0)
    duplicate = story.open("second")[0]
    story.send("first", MIB - MESSAGE, story.asked["first"][0])
    assert story.cancelled == [duplicate]
    assert story.send("second").keep == ()


def test_a_chunk_is_asked_of_three_peers_at_most():
    story = Story(1 * MIB)
    story.join("slow")
    begin_slowly(story, "slow", 1, seconds=9.0)
    story.join("b", "c", "d", "e")
    for peer in "bcde":
        if story.open(peer):
            story.send(peer, 1000)
    story.wait(1.0)
    for _ in range(3):
        for peer in "bcde":
            if story.open(peer):
                story.send(peer, 1000)
        story.wait(1.0)
    assert sum(bool(story.open(peer)) for peer in ("slow", *"bcde")) == MAX_SOURCES


def test_duplicates_are_bounded_in_number():
    story = Story(*[MIB] * 60)
    slow = [f"slow {number}" for number in range(30)]
    story.join(*slow)
    for _ in range(3):
        story.now += 1.0
        for peer in slow:
            story.send(peer, 105 * KIB)
    story.join(*(f"idle {number}" for number in range(80)))
    story.wait(1.5)
    assert story.download._in_flight.duplicate_requests == MAX_DUPLICATES


def test_a_duplicate_that_would_not_be_faster_is_not_asked_for():
    story = Story(1 * MIB)
    story.join("steady")
    for _ in range(2):
        story.now += 0.25
        story.send("steady", MESSAGE)
    story.join("unknown")
    story.wait(1.0)
    assert story.open("unknown") == []


def test_a_duplicate_left_alone_still_brings_its_part():
    story = Story(1 * MIB)
    story.join("first")
    story.now += 1.0
    story.send("first", MESSAGE)
    story.join("second")
    story.wait(2.0)
    (duplicate,) = story.open("second")
    story.leave("first")
    rest = [(request.offset, request.length) for request in story.open("second")]
    assert (MESSAGE, duplicate.offset - MESSAGE) in rest
    while story.open("second"):
        story.deliver("second")
    assert story.download.is_complete
