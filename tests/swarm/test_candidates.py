"""Whom a download dials next: stories of peers that answer, fail, lie and come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.swarm.candidates import (
    DEAD_FOR_NOTHING,
    DEAD_PER_LIVE,
    DEAD_TRIES,
    LAST_RETRY_S,
    MAX_ADDRESSES,
    MAX_CANDIDATES,
    MAX_SOURCES,
    MAX_TOLD,
    MAX_TOLD_BY_ONE,
    TOLD_TRIES,
    Candidates,
)


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


def refuse(candidates, peer: str, now: float) -> bool:
    """A dial that is answered, and comes to nothing."""
    candidates.due(now, 10)
    candidates.connected(peer, now)
    return candidates.ended(peer, now, "it said: no such manifest is shared here", has_refused=True)


def test_a_peer_that_answers_and_gives_nothing_is_left_alone_longer_and_longer(candidates):
    candidates.add("a", (), now=0.0)
    now, pauses, news = 0.0, [], []
    for _ in range(9):
        news.append(refuse(candidates, "a", now))
        pauses.append(candidates.next_wakeup() - now)
        now = candidates.next_wakeup()
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[-1] == LAST_RETRY_S
    assert news == [True] + 8 * [False], "what is said again is no news"


def refused_often(candidates) -> None:
    candidates.add("a", ("/ip4/127.0.0.1/tcp/1",), now=0.0)
    for _ in range(5):
        refuse(candidates, "a", 0.0)
    assert not candidates.due(1.0, 1)


def test_an_announcement_makes_up_for_what_was_refused(candidates):
    refused_often(candidates)
    assert not candidates.add("a", (), now=1.0), "an old record is none"
    assert candidates.announced("a", (), now=1.0)
    refuse(candidates, "a", 1.0)
    assert candidates.next_wakeup() == 3.0


def test_a_peer_that_opens_a_session_itself_makes_up_for_what_it_refused(candidates):
    refused_often(candidates)
    candidates.connected("a", 1.0, is_inbound=True)
    assert not candidates.announced("a", (), now=1.0), "in session: nothing to dial"
    candidates.ended("a", 1.0, "it said: no such manifest is shared here", has_refused=True)
    assert candidates.next_wakeup() == 3.0


def test_a_peer_that_was_of_use_makes_up_for_what_it_refused(candidates):
    refused_often(candidates)
    candidates.connected("a", 1.0)
    assert candidates.ended("a", 1.0, "it said: this node stops"), "another reason is news"
    assert candidates.next_wakeup() == 3.0


def test_an_announcement_of_an_absent_peer_is_worth_one_dial(candidates):
    candidates.add("a", (), now=0.0)
    fail(candidates, "a", 4)
    assert candidates.announced("a", (), now=1.0)
    candidates.due(1.0, 1)
    candidates.ended("a", 1.0, "connection refused")
    assert candidates.next_wakeup() == 1.0 + 32.0, "else the records of the dead would keep it in mind for good"


def test_a_banned_peer_is_never_dialled_again(candidates):
    candidates.ban("liar", "wrong data", 0.0)
    assert not candidates.add("liar", ("/ip4/127.0.0.1/tcp/1",), now=1.0)
    candidates.ended("liar", 1.0)
    assert candidates.due(1e9, 10) == []
    assert "liar" in candidates
    assert "somebody" not in candidates
    assert candidates.is_banned("liar")
    assert candidates.banned == {"liar"}
    assert not candidates.is_banned("somebody")


def test_a_pardoned_peer_is_dialled_at_once_and_judged_anew(candidates):
    candidates.add("liar", ("/ip4/127.0.0.1/tcp/1",), now=0.0)
    candidates.ban("liar", "wrong data", 0.0)
    candidates.pardon("liar", 5.0)
    candidates.pardon("somebody", 5.0)
    assert "somebody" not in candidates
    assert not candidates.banned
    assert [each.peer for each in candidates.due(5.0, 10)] == ["liar"]
    candidates.ban("liar", "wrong data", 6.0, has_lied=False)
    assert "broke" in candidates.why_none()


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


def test_the_records_of_the_dead_do_not_keep_out_who_comes_later(candidates):
    for n in range(MAX_CANDIDATES):
        candidates.add(f"dead{n}", (), now=0.0)
        fail(candidates, f"dead{n}", DEAD_TRIES)
    fail(candidates, "dead7", 1)
    assert candidates.add("new", (), now=1.0)
    assert names(candidates.due(1.0, 10)) == ["new"]
    assert "dead7" not in candidates.addresses()
    assert len(candidates) == MAX_CANDIDATES


def test_neither_the_banned_nor_the_chosen_nor_who_may_come_back_makes_room(candidates):
    candidates.only = "chosen"
    candidates.add("chosen", (), now=0.0)
    fail(candidates, "chosen", DEAD_TRIES)
    candidates.add("restarting", (), now=0.0)
    fail(candidates, "restarting", DEAD_TRIES - 1)
    for n in range(MAX_CANDIDATES - 2):
        candidates.ban(f"liar{n}", "wrong data", 0.0)
        fail(candidates, f"liar{n}", DEAD_TRIES)
    assert not candidates.add("new", (), now=1.0)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "no provider answered"),
        ([("add", "a")], ""),
        ([("add", "a"), ("ended", "a", "connection refused")], "1 known, none reachable: connection refused"),
        ([("add", "a"), ("ended", "a", "")], ""),
        ([("add", "a"), ("refused", "a", "it said: no")], "1 peer known, none has it now: it said: no"),
        (
            [("add", "a"), ("add", "b"), ("refused", "a", "it said: no"), ("refused", "b", "it said: no")],
            "2 peers known, none has it now: it said: no",
        ),
        (
            [("add", "a"), ("add", "b"), ("refused", "a", "it said: no"), ("ended", "b", "gone")],
            "2 peers known, 1 not reachable, none has it now: it said: no",
        ),
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
            case ("refused", peer, reason):
                candidates.ended(peer, 1.0, reason, has_refused=True)
            case ("ban", peer):
                candidates.ban(peer, "wrong data", 0.0)
    assert candidates.why_none() == said


# --- what other peers tell ------------------------------------------------------------------------------------------


def told_of(candidates, source, *peers, now=0.0) -> bool:
    return candidates.told(source, [(peer, (f"/ip4/192.0.2.1/tcp/{4001 + n}",)) for n, peer in enumerate(peers)], now)


def fail(candidates, peer, times, now=0.0) -> None:
    for _ in range(times):
        candidates.ended(peer, now, "refused")


def test_who_is_told_of_is_dialled_after_those_the_dht_names(candidates):
    assert told_of(candidates, "hub", "told")
    candidates.add("named", (), now=0.0)
    assert names(candidates.due(0.0, 10)) == ["named", "told"]


def test_news_of_oneself_or_of_somebody_known_are_no_news(candidates):
    candidates.add("a", ("/ip4/192.0.2.9/tcp/1",), now=0.0)
    assert not told_of(candidates, "hub", "a", "me")
    (known,) = candidates.due(0.0, 10)
    assert known.addresses == ["/ip4/192.0.2.9/tcp/1", "/ip4/192.0.2.1/tcp/4001"], "hearsay stands behind"


def test_one_peer_cannot_fill_the_room_and_neither_can_all_of_them(candidates):
    told_of(candidates, "hub", *(f"p{n}" for n in range(MAX_TOLD_BY_ONE + 10)))
    assert len(candidates) == MAX_TOLD_BY_ONE
    for source in range(20):
        told_of(candidates, f"s{source}", *(f"s{source}p{n}" for n in range(25)))
    assert len(candidates) == MAX_TOLD
    for n in range(MAX_CANDIDATES):
        candidates.add(f"named{n}", (), now=0.0)
    assert len(candidates) == MAX_CANDIDATES
    assert all(name.startswith("named") for name in names(candidates.due(0.0, MAX_CANDIDATES)))


def test_who_is_being_dialled_makes_no_room(candidates):
    told_of(candidates, "hub", "told")
    candidates.due(0.0, 1)
    for n in range(MAX_CANDIDATES):
        candidates.add(f"named{n}", (), now=0.0)
    candidates.connected("told", 0.0)
    assert len(candidates) == MAX_CANDIDATES


def test_who_is_told_of_and_not_there_is_soon_forgotten(candidates):
    told_of(candidates, "hub", "ghost")
    fail(candidates, "ghost", TOLD_TRIES - 1)
    assert len(candidates) == 1
    fail(candidates, "ghost", 1)
    assert len(candidates) == 0
    assert candidates.believes("hub"), "one peer may leave at any time"


def test_who_tells_of_ghosts_is_listened_to_no_more(candidates):
    dials = 0
    told_of(candidates, "liar", *(f"ghost{n}" for n in range(25)))
    told_of(candidates, "honest", "good")
    now = 0.0
    while due := [candidate for candidate in candidates.due(now, 8) if candidate.peer != "good"]:
        dials += len(due)
        for candidate in due:
            candidates.ended(candidate.peer, now, "refused")
        now += 100.0
    assert not candidates.believes("liar")
    assert dials <= DEAD_FOR_NOTHING + 7, "what was being dialled when it was found out is dialled to the end"
    assert len(candidates) == 1, "what it told and nobody tried is forgotten with it"
    assert not told_of(candidates, "liar", "another")
    assert told_of(candidates, "honest", "another")


def test_good_advice_earns_credit(candidates):
    told_of(candidates, "hub", *(f"good{n}" for n in range(5)))
    for n in range(5):
        candidates.connected(f"good{n}", 0.0)
    for n in range(DEAD_FOR_NOTHING + 5 * DEAD_PER_LIVE - 1):
        told_of(candidates, "hub", f"ghost{n}")
        fail(candidates, f"ghost{n}", 1)
    assert candidates.believes("hub")
    told_of(candidates, "hub", "last")
    fail(candidates, "last", 1)
    assert not candidates.believes("hub")


def test_who_was_reached_is_never_forgotten(candidates):
    told_of(candidates, "hub", "a")
    candidates.connected("a", 0.0)
    fail(candidates, "a", 10)
    assert len(candidates) == 1


def test_a_provider_record_wipes_out_what_hearsay_did_to_a_name(candidates):
    told_of(candidates, "liar", "honest")
    fail(candidates, "honest", 1)
    assert candidates.add("honest", ("/ip4/192.0.2.9/tcp/1",), now=0.0)
    (found,) = candidates.due(0.0, 10)
    assert found.addresses == ["/ip4/192.0.2.9/tcp/1"]
    fail(candidates, "honest", TOLD_TRIES)
    assert len(candidates) == 1


def test_a_provider_record_of_somebody_who_is_being_dialled_dials_nobody_twice(candidates):
    told_of(candidates, "hub", "a")
    candidates.due(0.0, 1)
    assert not candidates.add("a", (), now=0.0)
    assert candidates.due(0.0, 1) == []


def test_the_judged_are_bounded(candidates):
    for n in range(MAX_SOURCES + 5):
        told_of(candidates, f"source{n}", "ghost")
        fail(candidates, "ghost", TOLD_TRIES)
    assert len(candidates._sources) == MAX_SOURCES


# --- the one peer that a person chose --------------------------------------------------------------------------------


def test_nobody_but_the_chosen_peer_is_dialled(candidates):
    for peer in "abc":
        candidates.add(peer, ("/ip4/192.0.2.1/tcp/1",), now=0.0)
    candidates.only = "b"
    assert candidates.next_wakeup() == 0.0
    assert names(candidates.due(0.0, 10)) == ["b"]
    assert candidates.next_wakeup() is None
    candidates.only = ""
    assert names(candidates.due(0.0, 10)) == ["a", "c"]
    assert candidates.addresses() == dict.fromkeys("abc", ("/ip4/192.0.2.1/tcp/1",))


def test_why_the_chosen_peer_is_not_here_in_words(candidates):
    candidates.only = "a"
    candidates.add("a", (), now=0.0)
    candidates.add("b", (), now=0.0)
    assert candidates.why_none() == ""
    candidates.ended("a", 0.0, "connection refused")
    candidates.ended("b", 1.0, "it hung up")
    assert candidates.why_none() == "the chosen peer isn't reachable: connection refused"
    candidates.ended("a", 2.0, "it said: no", has_refused=True)
    assert candidates.why_none() == "the chosen peer has nothing of it now: it said: no"
    candidates.ban("a", "wrong data", 1.0)
    assert candidates.why_none() == "the chosen peer sent wrong data and is banned"


# --- whatever comes --------------------------------------------------------------------------------------------------

PEERS = st.sampled_from([f"p{n}" for n in range(60)])
EVENTS = st.one_of(
    st.tuples(st.just("add"), PEERS),
    st.tuples(st.just("told"), st.sampled_from("xyz"), st.lists(PEERS, max_size=30)),
    st.tuples(st.just("due"), st.integers(0, 10)),
    st.tuples(st.just("connected"), PEERS),
    st.tuples(st.just("ended"), PEERS),
    st.tuples(st.just("ban"), PEERS),
    st.tuples(st.just("only"), st.sampled_from(["", "p1"])),
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=80))
def test_whatever_comes_the_bounds_hold_and_nobody_is_dialled_twice_or_against_a_ban(events):
    candidates = Candidates("me")
    banned: set[str] = set()
    now = 0.0
    for event in events:
        now += 30.0
        match event:
            case ("add", peer):
                candidates.add(peer, ("/ip4/192.0.2.1/tcp/1",), now)
            case ("told", source, peers):
                told_of(candidates, source, *peers, now=now)
            case ("due", limit):
                due = names(candidates.due(now, limit))
                assert len(due) == len(set(due)) <= limit
                assert not banned & set(due)
                assert candidates.only == "" or set(due) <= {candidates.only}
                assert not set(due) & set(names(candidates.due(now, 1000))), "who is being dialled is not due"
            case ("only", peer):
                candidates.only = peer
            case ("ban", peer):
                candidates.ban(peer, "wrong data", now)
                banned.add(peer)
            case (news, peer):
                getattr(candidates, news)(peer, now)
        known = candidates._known.values()
        for source in "xyz":
            assert sum(candidate.told_by == source for candidate in known) <= MAX_TOLD_BY_ONE
        assert candidates.banned == banned
        assert candidates.next_wakeup() is None or candidates.next_wakeup() >= 0.0
        assert isinstance(candidates.why_none(), str)


def test_a_broken_protocol_is_not_called_wrong_data():
    candidates = Candidates("me")
    candidates.ban("rude", "it sent nonsense", 0.0, has_lied=False)
    assert candidates.why_none() == "the only peer broke the protocol and is banned"
    candidates.ban("liar", "wrong data", 0.0)
    assert candidates.why_none() == "all 2 peers sent wrong data or broke the protocol and are banned"
    candidates.ban("rude", "wrong data", 0.0)
    assert candidates.why_none() == "all 2 peers sent wrong data and are banned"
