"""A download under bandwidth limits, its own and one it shares with others."""

from __future__ import annotations

import pytest

from node.swarm.limits import TokenBucket
from tests.swarm.story import KIB, MIB, Story


def run(story: Story, peer: str, seconds: float) -> int:
    """The peer answers at once whatever it is asked; the bytes that came in so many seconds."""
    before = story.download.rate.total
    until = story.now + seconds
    while story.now < until:
        while story.open(peer):
            story.deliver(peer)
        story.wait(0.05)
    return story.download.rate.total - before


def test_a_limit_holds_on_average():
    story = Story(100 * MIB)
    story.download.set_limits(TokenBucket(200_000, story.now))
    story.join("a")
    assert run(story, "a", 30.0) == pytest.approx(30 * 200_000, rel=0.1)


def test_a_low_limit_is_asked_for_in_small_ranges():
    story = Story(100 * MIB)
    story.download.set_limits(TokenBucket(50_000, story.now))
    story.join("a")
    assert [request.length for request in story.open("a")] == [16 * KIB] * 2


def test_the_lowest_of_several_limits_counts_and_they_may_be_lifted():
    story = Story(100 * MIB)
    story.download.set_limits(TokenBucket(10 * MIB, story.now), TokenBucket(100_000, story.now))
    story.join("a")
    assert run(story, "a", 20.0) == pytest.approx(20 * 100_000, rel=0.1)
    story.download.set_limits()
    story.pump()
    run(story, "a", 1.0)
    assert story.download.is_complete


def test_two_downloads_share_one_bucket():
    bucket = TokenBucket(200_000, 100.0)
    stories = [Story(100 * MIB, seed=seed) for seed in (1, 2)]
    for story in stories:
        story.download.set_limits(bucket)
        story.join("a")
    came = [0, 0]
    for turn in range(200):
        for number in (0, 1) if turn % 2 else (1, 0):  # tasks that wake at the same time run in any order
            story = stories[number]
            while story.open("a"):
                came[number] += story.open("a")[0].length
                story.deliver("a")
            story.wait(0.1)
    assert sum(came) == pytest.approx(20 * 200_000, rel=0.1)
    assert min(came) > 0.3 * sum(came)


def test_a_limit_of_zero_is_a_reason_and_raising_a_shared_bucket_is_noticed():
    story = Story(10 * MIB)
    bucket = TokenBucket(0, story.now)
    story.download.set_limits(bucket)
    story.join("a")
    story.wait(30.0)
    assert story.open("a") == []
    assert story.download.stall_reason(story.now) == "the download limit is 0"
    bucket.set_bps(None, story.now)
    story.wait(1.5)
    assert story.open("a")
    assert story.download.stall_reason(story.now) != "the download limit is 0"
