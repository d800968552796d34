"""Who is found out when a chunk is wrong: alone, among others, with and without the bytes as evidence."""

from __future__ import annotations

import pytest

from node.swarm.progress import ChunkProgress
from node.swarm.reputation import MAX_CASES, MAX_LEDGER, PAROLE_CHUNKS, Reputation

GOOD = bytes(range(40))


def chunk(number: int, *parts: tuple[str, int, int], sole: str | None = None) -> ChunkProgress:
    progress = ChunkProgress(number, 40, sole)
    for peer, start, end in parts:
        progress.accept(peer, start, end)
    return progress


def whole(number: int, peer: str) -> ChunkProgress:
    return chunk(number, (peer, 0, 40))


def mixed(number: int = 0, *peers: str) -> ChunkProgress:
    step = 40 // len(peers)
    return chunk(number, *((peer, place * step, (place + 1) * step) for place, peer in enumerate(peers)))


def spoilt(*spans: tuple[int, int]) -> bytes:
    data = bytearray(GOOD)
    for start, end in spans:
        data[start:end] = b"\xff" * (end - start)
    return bytes(data)


def names(bans) -> list[str]:
    return [ban.peer for ban in bans]


def test_the_only_source_of_a_wrong_chunk_is_banned_at_once():
    reputation = Reputation()
    (ban,) = reputation.chunk_failed(whole(7, "liar"), b"")
    assert (ban.peer, ban.reason) == ("liar", "chunk 7 was wrong and all of it came from this peer")
    assert reputation.banned == {"liar": ban.reason}
    assert not reputation.has_suspects


def test_several_sources_are_suspects_until_one_is_caught_alone():
    reputation = Reputation()
    assert reputation.chunk_failed(mixed(0, "liar", "honest"), b"") == []
    assert reputation.is_suspect("liar")
    assert reputation.is_suspect("honest")
    assert names(reputation.chunk_failed(whole(3, "liar"), b"")) == ["liar"]
    for number in range(PAROLE_CHUNKS):
        assert reputation.is_suspect("honest")
        reputation.chunk_verified(whole(10 + number, "honest"), b"")
    assert not reputation.is_suspect("honest")


def test_a_shared_chunk_that_is_right_clears_nobody():
    reputation = Reputation()
    reputation.chunk_failed(mixed(0, "a", "b"), b"")
    for number in range(10):
        reputation.chunk_verified(mixed(number, "a", "c"), b"")
    assert reputation.is_suspect("a")


def test_parole_gets_longer_each_time():
    reputation = Reputation()
    served = []
    for turn in range(4):
        reputation.chunk_failed(mixed(turn, "a", f"b{turn}"), b"")
        served.append(0)
        while reputation.is_suspect("a"):
            reputation.chunk_verified(whole(100, "a"), b"")
            served[-1] += 1
    assert served == [2, 4, 8, 16]


def test_the_right_bytes_convict_exactly_those_whose_bytes_differed():
    reputation = Reputation()
    assert reputation.chunk_failed(mixed(0, "a", "liar", "b", "c"), spoilt((12, 13))) == []
    (ban,) = reputation.chunk_verified(whole(0, "d"), GOOD)
    assert (ban.peer, ban.reason) == ("liar", "its part of chunk 0 was wrong")
    assert not reputation.has_suspects, "the others are cleared"
    assert not reputation.cases


def test_several_liars_in_one_chunk_are_all_convicted():
    reputation = Reputation()
    reputation.chunk_failed(mixed(0, "a", "b", "c", "d"), spoilt((0, 1), (39, 40)))
    assert names(reputation.chunk_verified(whole(0, "b"), bytearray(GOOD))) == ["a", "d"]


def test_being_cleared_in_one_case_does_not_close_another():
    reputation = Reputation()
    reputation.chunk_failed(mixed(0, "a", "b"), spoilt((30, 31)))
    reputation.chunk_failed(mixed(1, "a", "c"), spoilt((0, 1)))
    assert names(reputation.chunk_verified(whole(0, "d"), GOOD)) == ["b"]
    assert reputation.is_suspect("a")
    assert names(reputation.chunk_verified(whole(1, "d"), GOOD)) == ["a"]


@pytest.mark.parametrize(("then", "now"), [(b"", GOOD), (spoilt((0, 1)), b"")])
def test_without_the_bytes_of_both_times_nobody_is_convicted(then, now):
    reputation = Reputation()
    reputation.chunk_failed(mixed(0, "a", "b"), then)
    assert reputation.chunk_verified(whole(0, "c"), now) == []
    assert reputation.is_suspect("a")


def test_evidence_is_kept_when_the_chunk_fails_again_without_bytes():
    reputation = Reputation()
    reputation.chunk_failed(mixed(0, "a", "b"), spoilt((0, 1)))
    reputation.chunk_failed(mixed(0, "c", "d"), b"")
    assert names(reputation.chunk_verified(whole(0, "e"), GOOD)) == ["a"]


def test_what_is_remembered_is_bounded():
    reputation = Reputation()
    for number in range(MAX_CASES + 5):
        reputation.chunk_failed(mixed(number, "a", "b"), spoilt((0, 1)))
    assert len(reputation.cases) == MAX_CASES
    assert 0 not in reputation.cases
    for number in range(MAX_LEDGER + 5):
        reputation.chunk_failed(whole(number, f"liar {number}"), b"")
    assert len(reputation.banned) == MAX_LEDGER
    assert "liar 0" not in reputation.banned
    for number in range(MAX_LEDGER):
        reputation.chunk_failed(mixed(number, f"x {number}", f"y {number}"), b"")
    assert not reputation.is_suspect("x 0")
    assert reputation.is_suspect(f"y {MAX_LEDGER - 1}")


def test_a_pardoned_peer_is_banned_again_by_its_next_lie():
    reputation = Reputation()
    assert names(reputation.chunk_failed(whole(0, "liar"), b"")) == ["liar"]
    reputation.pardon("liar")
    reputation.pardon("nobody")
    assert not reputation.banned
    assert names(reputation.chunk_failed(whole(1, "liar"), b"")) == ["liar"]
