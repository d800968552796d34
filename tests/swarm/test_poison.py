"""Peers that send wrong bytes: how they are found out, and how little they can spoil."""

from __future__ import annotations

import pytest

from node.swarm.timeouts import SNUB_S
from protocols.exchange import RejectReason
from tests.swarm.story import KIB, MESSAGE, MIB, Story

GOOD = bytes(MIB)


def spoilt(start: int, end: int) -> bytes:
    return bytes(start) + b"\xff" * (end - start) + bytes(MIB - end)


def mix(story: Story, first: str, second: str) -> int:
    """One chunk of which the first peer sends a quarter and the second the rest; it is complete but not hashed."""
    chunk = story.open(first)[0].chunk
    story.send(first, MESSAGE)
    story.refuse(first)
    (rest,) = [request for request in story.open(second) if request.chunk == chunk]
    while not story.send(second, MESSAGE, rest).complete:
        pass
    return chunk


def mixed_story(chunks: int = 1) -> tuple[Story, int]:
    """A chunk from `a` and `b` is complete; the rest of the share is still missing."""
    story = Story(chunks * MIB)
    story.join("a")
    story.join("b", has=[story.open("a")[0].chunk])
    return story, mix(story, "a", "b")


def test_a_peer_whose_own_chunk_is_wrong_is_banned_and_the_chunk_fetched_elsewhere():
    story = Story(2 * MIB)
    story.join("liar")
    story.join("honest")
    chunk = story.deliver("liar", good=False)
    assert list(story.bans) == ["liar"]
    assert chunk in story.chunks("honest")
    assert story.download.wasted_bytes == story.download.failed_bytes == MIB


def test_a_banned_peer_is_banned_again_when_it_comes_back():
    story = Story(2 * MIB)
    story.join("liar")
    story.deliver("liar", good=False)
    story.bans.clear()
    story.download.peer_joined("liar", 16 * MIB, story.now)
    assert story.download.next_wakeup(story.now) == story.now
    story.pump()
    assert list(story.bans) == ["liar"]
    assert story.download.peers == {}


def test_a_liar_spoils_at_most_two_chunks_before_it_is_known():
    story = Story(100 * MIB)
    story.join("liar")
    arrived = 0
    while "liar" not in story.bans:
        for request in tuple(story.open("liar")):  # as fast as it can, before the first hash is done
            arrived += request.length
            assert story.send("liar", MIB, request).complete
        story.hash(next(iter(story.download.in_flight)), good=False)
    assert arrived <= 4 * MIB, "two in the pipeline, two asked for while those are hashed"


def test_of_a_mixed_wrong_chunk_both_are_suspects_and_neither_is_banned():
    story, chunk = mixed_story()
    assert story.hash(chunk, good=False) == {"a", "b"}
    assert story.bans == {}
    assert story.download.peers["a"].is_suspect
    assert story.download.peers["b"].is_suspect


def test_a_wrong_mixed_chunk_is_fetched_from_one_peer_alone_and_not_from_a_suspect():
    story, chunk = mixed_story()
    story.join("c", "d")
    story.hash(chunk, good=False)
    story.wait(1.5)
    (sole,) = [peer for peer in "abcd" if story.open(peer)]
    assert sole in "cd"
    assert story.open(sole)[0].length == MIB
    story.wait(10.0)
    assert sum(len(story.open(peer)) for peer in "abcd") == 1, "and nobody else is asked for any of it"


def test_a_suspect_is_asked_when_nobody_else_has_the_chunk():
    story, chunk = mixed_story()
    story.join("c", has=[])
    story.hash(chunk, good=False)
    story.wait(1.5)
    assert [len(story.open(peer)) for peer in "abc"] in ([1, 0, 0], [0, 1, 0])


def test_one_that_trickles_does_not_keep_a_chunk_from_the_suspects():
    story = Story(4 * MIB)
    story.join("a", "b", has=[0])
    chunk = mix(story, "a", "b")
    story.join("trickles")
    story.hash(chunk, good=False)
    story.leave("a")
    for _ in range(12):
        story.wait(5.0)
        for request in [request for request in story.cancelled if request.peer == "trickles"]:
            story.refuse("trickles", RejectReason.CANCELLED, request)
        story.send("trickles", 4 * KIB)
        if story.open("b"):
            story.deliver("b")
    assert story.have[chunk]


def test_the_right_bytes_convict_the_liar_and_clear_the_other():
    story, chunk = mixed_story()
    story.join("c")
    story.hash(chunk, good=False, data=spoilt(5, 6))
    story.wait(1.5)
    while story.open("c"):
        if story.send("c", MESSAGE).complete:
            story.hash(chunk, data=GOOD)
    assert list(story.bans) == ["a"]
    assert not story.download.peers["b"].is_suspect
    assert story.download.is_complete


def test_without_the_bytes_a_suspects_next_lie_names_it():
    story, chunk = mixed_story(chunks=4)
    story.hash(chunk, good=False)
    story.wait(2.0)
    story.deliver("a", good=False)
    assert list(story.bans) == ["a"]


def test_a_suspect_gets_one_whole_chunk_at_a_time_that_nobody_joins():
    story, chunk = mixed_story(chunks=6)
    story.hash(chunk, good=False)
    story.join("c")
    story.wait(2.0)
    assert [request.length for request in story.open("a")] == [MIB]
    sole = story.chunks("a")[0]
    story.send("a", MESSAGE)
    while story.open("c"):
        assert story.deliver("c") != sole
    story.wait(5.0)
    assert story.open("c") == [], "not even in the endgame"


def test_a_suspect_that_stops_loses_its_chunk_with_what_came_of_it():
    story, chunk = mixed_story(chunks=6)
    story.hash(chunk, good=False)
    story.wait(2.0)
    sole = story.chunks("a")[0]
    story.send("a", MESSAGE)
    story.wait(2 * SNUB_S + 1.0)
    story.join("c")
    while story.open("c"):
        story.deliver("c")
    assert sole in story.dropped
    assert story.download.is_complete


@pytest.mark.parametrize("how", ["leaves", "is busy", "lost it"])
def test_a_suspects_chunk_goes_to_others_when_it_cannot_finish(how):
    story, chunk = mixed_story(chunks=6)
    story.hash(chunk, good=False)
    story.wait(2.0)
    sole = story.chunks("a")[0]
    story.send("a", MESSAGE)
    if how == "leaves":
        story.leave("a")
    else:
        story.refuse("a", RejectReason.BUSY if how == "is busy" else RejectReason.UNAVAILABLE)
    story.join("c")
    assert sole in story.dropped
    for _ in range(5):
        story.deliver("c")
    assert story.have[sole]


def test_a_suspect_goes_on_alone_where_its_answer_was_cut_short():
    story, chunk = mixed_story(chunks=6)
    story.hash(chunk, good=False)
    story.wait(2.0)
    sole = story.chunks("a")[0]
    story.send("a", MESSAGE)
    story.refuse("a")
    story.wait(3.0)
    assert [(request.chunk, request.offset) for request in story.open("a")] == [(sole, MESSAGE)]
    story.send("a")
    story.hash(sole)
    assert story.have[sole]


def test_a_suspect_that_serves_its_time_shares_chunks_again():
    story, chunk = mixed_story(chunks=20)
    story.hash(chunk, good=False)
    story.wait(2.0)
    story.deliver("a")
    assert story.download.peers["a"].is_suspect
    story.deliver("a")
    assert not story.download.peers["a"].is_suspect
    assert len(story.open("a")) > 1


def big_chunks() -> Story:
    """Two peers that accept little fetch big chunks together; the first one is wrong."""
    story = Story(12 * MIB, chunk_size=4 * MIB, sequential=True)
    story.join("a", "b", limit=MIB)
    while not story.download.is_complete:
        for peer in "ab":
            story.now += 0.1
            if story.send(peer).complete:
                assert {request.chunk for name in "ab" for request in story.open(name)} == {1}
                assert story.hash(0, good=False) == {"a", "b"}
                return story
    raise AssertionError("no chunk was completed")


def test_what_new_suspects_share_already_is_cancelled():
    story = big_chunks()
    assert {request.chunk for request in story.cancelled} == {1}
    for peer in "ab":
        for request in [request for request in story.cancelled if request.peer == peer]:
            story.refuse(peer, RejectReason.CANCELLED, request)
    story.wait(1.0)
    assert story.chunks("a")
    assert story.chunks("b")
    assert not set(story.chunks("a")) & set(story.chunks("b"))


def test_a_suspect_asks_for_a_big_chunk_in_ranges_that_nobody_else_fills():
    story = big_chunks()
    for request in tuple(story.cancelled):
        story.refuse(request.peer, RejectReason.CANCELLED, request)
    story.wait(1.0)
    sole = story.chunks("a")[0]
    story.join("c")
    for _ in range(8):
        story.now += 0.1
        assert story.chunks("a") == [sole]
        assert sole not in story.chunks("c")
        story.send("a")
        while story.open("c"):
            if story.send("c").complete:
                story.hash(min(story.download.in_flight - {sole}))


def test_a_suspect_that_comes_back_is_still_one():
    story, chunk = mixed_story(chunks=6)
    story.hash(chunk, good=False)
    story.leave("a")
    story.join("a")
    assert len(story.open("a")) == 1


def test_a_swarm_of_liars_and_one_honest_peer_ends_well():
    story = Story(10 * MIB)
    liars = [f"liar {number}" for number in range(9)]
    story.join(*liars, "honest")
    for _ in range(200):
        for peer in (*liars, "honest"):
            if peer not in story.bans and story.open(peer):
                story.deliver(peer, good=peer == "honest")
    assert story.download.is_complete
    assert set(story.bans) == set(liars)
    assert story.download.failed_bytes <= len(liars) * MIB
