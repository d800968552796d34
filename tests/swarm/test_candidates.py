"""Whom a download dials next: stories of peers that answer, fail, lie and come back."""

from __future__ import annotations

import pytest

from node.swarm.candidates import LAST_RETRY_S, MAX_ADDRESSES, MAX_CANDIDATES, Candidates


@pytest.fixture
def candidates() -> Candidates:
    return Candidates("me")


def names(found) -> list[str]:
    return [candidate.peer for candidate in found]


def test_a_new_provider_is_due_at_once_and_only_once(candidates):
    assert candidates.add("a", ("/ip4/127.0.0.1/tcp/1",), now=5.0)
    assert names(candidates.due(5.0, 10)) == ["a"]
    assert candidates.due(5.0, 10) == []
    assert not candidates.add("a", ("/ip4/127.0.0.1/tcp/2",), now=6.0), "it is being dialled already"


def test_the_node_never_dials_itself(candidates):
    assert not candidates.add("me", ("/ip4/127.0.0.1/tcp/1",), now=0.0)
    assert len(candidates) == 0


def test_only_as_many_as_wanted_and_those_with_fewest_failures_first(candidates):
    for peer in "abc":
        candidates.add(peer, (), now=0.0)
    candidates.due(0.0, 1)
    candidates.ended("a", 0.0, "refused")
    assert names(candidates.due(100.0, 2)) == ["b", "c"]
    assert names(candidates.due(100.0, 2)) == ["a"]


def test_pauses_double_up_to_the_longest(candidates):
    candidates.add("a", (), now=0.0)
    now, pauses = 0.0, []
    for _ in range(9):
        candidates.due(now, 1)
        candidates.ended("a", now, "refused")
        wakeup = candidates.next_wakeup()
        pauses.append(wakeup - now)
        now = wakeup
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[-1] == LAST_RETRY_S


def test_a_peer_that_comes_back_starts_afresh(candidates):
    candidates.add("a", (), now=0.0)
    for _ in range(5):
        candidates.ended("a", 0.0, "refused")
    candidates.connected("a", 10.0)
    assert candidates.next_wakeup() is None, "in session: nothing to dial"
    candidates.ended("a", 20.0, "it hung up")
    assert candidates.next_wakeup() == 22.0


def test_a_banned_peer_is_never_dialled_again(candidates):
    candidates.ban("liar", "wrong data", 0.0)
    assert not candidates.add("liar", ("/ip4/127.0.0.1/tcp/1",), now=1.0)
    candidates.ended("liar", 1.0)
    assert candidates.due(1e9, 10) == []
    assert candidates.is_banned("liar")
    assert candidates.banned == {"liar"}
    assert not candidates.is_banned("somebody")


def test_fresh_addresses_come_first_and_are_bounded(candidates):
    candidates.add("a", tuple(f"/ip4/127.0.0.1/tcp/{n}" for n in range(MAX_ADDRESSES)), now=0.0)
    candidates.add("a", ("/ip4/127.0.0.1/tcp/9999", "/ip4/127.0.0.1/tcp/3"), now=0.0)
    (found,) = candidates.due(0.0, 1)
    assert found.addresses[0] == "/ip4/127.0.0.1/tcp/9999"
    assert len(found.addresses) == MAX_ADDRESSES == len(set(found.addresses))


def test_a_flood_of_names_is_bounded(candidates):
    for n in range(MAX_CANDIDATES + 50):
        candidates.add(f"peer{n}", (), now=0.0)
    assert len(candidates) == MAX_CANDIDATES
    candidates.connected("one too many", 0.0)
    candidates.ban("another", "wrong data", 0.0)
    candidates.ended("a third", 0.0)
    assert len(candidates) == MAX_CANDIDATES


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "no provider answered"),
        ([("add", "a")], ""),
        ([("add", "a"), ("ended", "a", "connection refused")], "1 known, none reachable: connection refused"),
        ([("add", "a"), ("ended", "a", "")], ""),
        ([("ban", "a")], "the only peer sent wrong data and is banned"),
        ([("ban", "a"), ("ban", "b")], "all 2 peers sent wrong data and are banned"),
    ],
)
def test_why_nobody_is_here_in_words(candidates, events, said):
    for event in events:
        match event:
            case ("add", peer):
                candidates.add(peer, (), now=0.0)
            case ("ended", peer, reason):
                candidates.ended(peer, 1.0, reason)
            case ("ban", peer):
                candidates.ban(peer, "wrong data", 0.0)
    assert candidates.why_none() == said
