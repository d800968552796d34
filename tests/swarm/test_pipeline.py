"""How much is kept requested at peers of different speed, and in what pieces."""

from __future__ import annotations

import pytest

from node.swarm.pipeline import MAX_SLOW_RANGE, MIN_RANGE, Pipeline

MIB = 1 << 20
KIB = 1 << 10


def stream(pipeline: Pipeline, bps: float, seconds: float, start: float = 0.0, size: int = 64 * KIB) -> float:
    """The peer sends steadily, in answers of a chunk each; the time at the end."""
    now, sent = start, 0
    while now < start + seconds:
        now += size / bps
        pipeline.arrived(size, now, asked_at=None if sent % MIB else start)
        sent += size
    return now


def pipeline(*, proven: bool = True) -> Pipeline:
    pipeline = Pipeline(MIB, 16 * MIB)
    pipeline.is_proven = proven
    return pipeline


def test_a_new_peer_starts_with_two_whole_chunks():
    assert pipeline().window == 2 * MIB
    assert pipeline().range_size(MIB) == MIB
    assert Pipeline(16 * MIB, 16 * MIB).window == 16 * MIB, "never more than the most"


def test_a_fast_peer_gets_a_deep_pipeline_within_seconds():
    fast = pipeline()
    stream(fast, 20 * MIB, 2.0)
    assert fast.window == 16 * MIB


def test_the_pipeline_settles_at_three_seconds_of_the_rate():
    steady = pipeline()
    stream(steady, 2 * MIB, 30.0)
    assert steady.window == pytest.approx(6 * MIB, rel=0.1)


def test_a_long_round_trip_is_added():
    far = pipeline()
    far.answered(1.0)
    far.answered(2.0)  # the shortest counts
    stream(far, 2 * MIB, 30.0)
    assert far.window == pytest.approx(8 * MIB, rel=0.1)
    far.answered(0.5)
    assert far.round_trip_s == 0.5


def test_before_its_first_verified_chunk_a_peer_is_not_trusted_with_more():
    unproven = pipeline(proven=False)
    stream(unproven, 20 * MIB, 5.0)
    assert unproven.window == 2 * MIB


def test_a_peer_that_gets_slow_gets_a_short_pipeline_of_small_ranges():
    slow = pipeline()
    now = stream(slow, 10 * MIB, 5.0)
    stream(slow, 20 * KIB, 60.0, now, size=4 * KIB)
    assert slow.range_size(MIB) == 96 * KIB, "five seconds' worth in steps of 16 KiB"
    assert slow.window < 2 * slow.range_size(MIB)
    assert slow.affordable() == pytest.approx(200 * KIB, rel=0.1)


@pytest.mark.parametrize(("bps", "size"), [(1 * KIB, MIN_RANGE), (100 * KIB, MAX_SLOW_RANGE), (110 * KIB, MIB)])
def test_ranges_are_never_too_small_and_whole_where_a_chunk_takes_under_ten_seconds(bps, size):
    peer = pipeline()
    stream(peer, bps, 60.0, size=2 * KIB)
    assert peer.range_size(MIB) == size


def test_small_chunks_are_never_cut():
    slow = pipeline()
    stream(slow, 1 * KIB, 30.0, size=1 * KIB)
    assert slow.range_size(3000) == 3000


def test_waiting_in_a_peers_line_does_not_make_it_slow():
    busy, now = pipeline(), 0.0
    for _ in range(10):
        now = stream(busy, 2 * MIB, 0.5, now + 60.0)
    assert busy.rate.bps(now + 30.0) < 100 * KIB
    assert busy.range_size(MIB) == MIB


def test_a_peer_is_prompt_unless_its_last_answer_waited_in_a_line():
    peer = pipeline()
    assert peer.is_prompt, "until the contrary is seen"
    now = stream(peer, 2 * MIB, 2.0)
    assert peer.is_prompt, "the third answer waited for the two before it, and for nothing else"
    peer.arrived(1000, now + 10.0, asked_at=now)
    assert not peer.is_prompt
    peer.arrived(1000, now + 11.0, asked_at=now)
    assert peer.is_prompt


def test_after_a_silence_it_begins_with_one_chunk_again():
    silent = pipeline()
    stream(silent, 20 * MIB, 2.0)
    silent.restart()
    assert silent.window == MIB


def test_what_a_peer_can_afford_is_unknown_before_it_has_sent_anything():
    assert pipeline().affordable() is None
