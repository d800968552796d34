"""What is provided next: regions together, the new first, failures again, nothing forgotten."""

from __future__ import annotations

import pytest

from node.services.provide_plan import (
    EARLY_S,
    MAX_BATCH,
    MAX_LOOKED,
    REPROVIDE_S,
    RETRY_S,
    STEP,
    VALIDITY_S,
    WARN_S,
    Kind,
    ProvidePlan,
    lapsing,
)
from node.status import ProvideStatus

HALF = 1 << 255


def point(key: bytes) -> int:
    """The first byte of a key is where it lies: the highest of 256 bits and so on."""
    return int.from_bytes(key.ljust(32, b"\0"), "big")


def plan_of(*keys: bytes, kind: Kind = Kind.SHARE, now: float = 0.0) -> ProvidePlan:
    plan = ProvidePlan(point)
    for key in keys:
        plan.add(key, kind, None, now)
    return plan


def in_steps(work):
    """Do all of what is done in steps; how many there were."""
    return sum(1 for _ in work)


def finish(plan, keys, now, stored=20, closest=20):
    return [plan.done(key, closest, stored, now) for key in keys]


def test_what_is_near_each_other_goes_together():
    plan = plan_of(b"\x01", b"\x81", b"\x02", b"\xf0")
    assert plan.next(0, region_bits=1) == [b"\x01", b"\x02"]
    assert plan.next(0, region_bits=1) == [b"\x81", b"\xf0"]
    assert plan.next(0, region_bits=1) == []  # all of it is under way
    everything = plan_of(b"\x01", b"\x81", b"\xff")
    assert everything.next(0, region_bits=0) == [b"\x01", b"\x81", b"\xff"]


def test_a_round_that_went_well_is_repeated_after_22_hours():
    plan = plan_of(b"a")
    (status,) = finish(plan, plan.next(5, 0), now=7)
    assert status == plan.status(b"a") == ProvideStatus(20, 20, at=7, due=7 + REPROVIDE_S)
    assert plan.next_look() == 7 + REPROVIDE_S
    assert plan.next(6 + REPROVIDE_S, 0) == []
    assert plan.next(7 + REPROVIDE_S, 0) == [b"a"]


def test_keys_due_soon_come_along_with_their_region():
    plan = plan_of(b"a")
    finish(plan, plan.next(0, 0), now=0)
    plan.add(b"b", Kind.SHARE, None, EARLY_S)
    assert plan.next(EARLY_S, 0) == [b"b"]
    finish(plan, [b"b"], now=EARLY_S)
    assert plan.next(REPROVIDE_S, 0) == [b"a", b"b"]
    finish(plan, [b"a", b"b"], now=REPROVIDE_S)
    assert plan.next(2 * REPROVIDE_S, 0) == [b"a", b"b"]


def test_new_shares_go_before_old_ones_and_keywords_last():
    plan = ProvidePlan(point)
    old = ProvideStatus(20, 20, at=-REPROVIDE_S, due=-5.0)
    plan.add(b"\x10old", Kind.SHARE, old, 0)
    plan.add(b"\x20word", Kind.KEYWORD, None, 0)
    plan.add(b"\x30new", Kind.SHARE, None, 0)
    assert [plan.next(0, 8) for _ in range(3)] == [[b"\x30new"], [b"\x20word"], [b"\x10old"]]


def test_a_batch_is_bounded_and_holds_shares_first():
    plan = ProvidePlan(point)
    for number in range(MAX_BATCH):
        plan.add(b"w%04d" % number, Kind.KEYWORD, None, 0)
    plan.add(b"share", Kind.SHARE, None, 0)
    first = plan.next(0, 0)
    assert len(first) == MAX_BATCH
    assert first[0] == b"share"
    assert len(plan.next(0, 0)) == 1


def test_too_few_holders_mean_an_early_and_then_an_ever_later_retry():
    plan = plan_of(b"a")
    now = 0.0
    for pause in RETRY_S:
        (status,) = finish(plan, plan.next(now, 0), now, stored=3)
        assert status == ProvideStatus(20, 3, at=now, due=now + pause)
        assert plan.next(now + pause - 1, 0) == []
        now += pause
    (status,) = finish(plan, plan.next(now, 0), now, stored=3)
    assert status.due == now + REPROVIDE_S, "those who took it will do"


def test_what_nobody_takes_is_tried_on():
    plan = plan_of(b"a")
    now = 0.0
    for pause in (*RETRY_S, RETRY_S[-1], RETRY_S[-1]):
        (status,) = finish(plan, plan.next(now, 0), now, stored=0)
        assert status.due == now + pause
        now += pause


def test_a_round_that_nobody_took_leaves_the_last_records_standing_until_they_lapse():
    plan = plan_of(b"a")
    finish(plan, plan.next(0, 0), now=0)
    (status,) = finish(plan, plan.next(REPROVIDE_S, 0), now=REPROVIDE_S, stored=0, closest=0)
    assert status == ProvideStatus(20, 20, at=0, due=REPROVIDE_S + RETRY_S[0])
    assert lapsing(plan.statuses(Kind.SHARE), VALIDITY_S - WARN_S) == []
    assert lapsing(plan.statuses(Kind.SHARE), VALIDITY_S - 60) == [60]
    late = VALIDITY_S + 1
    (status,) = finish(plan, plan.next(late, 0), now=late, stored=0, closest=0)
    assert (status.closest, status.stored, status.at) == (0, 0, 0)


def test_only_shares_that_were_provided_can_lapse():
    never, once = ProvideStatus(0, 0, at=None, due=0.0), ProvideStatus(20, 20, at=0.0, due=0.0)
    assert lapsing([never, once], VALIDITY_S + 1) == [-1]


def test_the_schedule_of_an_earlier_run_goes_on():
    plan = ProvidePlan(point)
    plan.add(b"a", Kind.SHARE, ProvideStatus(20, 20, at=0, due=REPROVIDE_S), now=100)
    plan.add(b"a", Kind.SHARE, None, now=100)  # a second time changes nothing
    plan.add(b"unknown", Kind.SHARE, ProvideStatus(0, 0, at=None, due=None), now=100)
    assert plan.next(100, 8) == [b"unknown"]
    assert plan.next(REPROVIDE_S, 8) == [b"a"]


def test_what_is_removed_is_provided_no_more():
    plan = plan_of(b"a", b"b")
    batch = plan.next(0, 0)
    assert plan.remove(b"a")
    assert not plan.remove(b"a")
    assert b"a" not in plan
    assert plan.done(b"a", 20, 20, 1) is None
    finish(plan, batch[1:], now=1)
    assert plan.next(REPROVIDE_S + 1, 0) == [b"b"]
    assert len(plan) == 1
    assert plan.status(b"a") is None


def test_removed_before_its_turn():
    plan = plan_of(b"\x01", b"\x81")
    assert plan.next(0, 8) == [b"\x01"]
    plan.remove(b"\x81")
    assert plan.next(0, 8) == []
    assert plan.next_look() is plan_of().next_look() is None


def test_a_growing_network_gets_the_records_anew_each_time_it_has_doubled():
    plan = plan_of(b"a")
    finish(plan, plan.next(0, 0), now=0, stored=1, closest=1)
    in_steps(plan.hurry(10, servers=1))
    assert plan.next(10, 0) == []
    in_steps(plan.hurry(10, servers=2))
    assert plan.next(10, 0) == [b"a"]
    in_steps(plan.hurry(10, servers=8))  # under way: its end will tell
    finish(plan, [b"a"], now=11, stored=20)
    in_steps(plan.hurry(12, servers=500))
    assert plan.next(12, 0) == []
    assert plan.status(b"a").at == 11


def test_kinds_are_told_apart():
    plan = plan_of(b"a")
    plan.add(b"w", Kind.KEYWORD, None, 0)
    assert len(plan.statuses(Kind.SHARE)) == len(plan.statuses(Kind.KEYWORD)) == 1


def test_what_was_looked_for_in_vain_is_due_at_once():
    plan = plan_of(b"a", b"never")
    finish(plan, plan.next(0, 0), now=0)
    plan.add(b"w", Kind.KEYWORD, ProvideStatus(20, 20, at=0, due=REPROVIDE_S), 0)
    plan.done(b"never", 20, 0, now=0)
    assert plan.provided_shares() == [b"a", b"never"]
    plan.renew(b"a", now=10)
    plan.renew(b"unknown", now=10)
    assert [plan.next(10, 8) for _ in range(3)] == [[b"never"], [b"a"], []]
    plan.renew(b"a", now=11)  # under way already
    assert plan.next(11, 8) == []


def test_a_clock_that_was_ahead_keeps_nothing_waiting_for_years():
    year = 365 * 86400.0
    plan = ProvidePlan(point)
    plan.add(b"a", Kind.SHARE, ProvideStatus(20, 20, at=year, due=year + REPROVIDE_S), now=0)
    assert plan.status(b"a") == ProvideStatus(20, 20, at=0, due=REPROVIDE_S)
    assert plan.next(REPROVIDE_S, 0) == [b"a"]
    running = plan_of(b"a", now=year)
    finish(running, running.next(year, 0), now=year)
    in_steps(running.pull_in(0))  # it was set right
    assert running.next(0, 0) == []
    assert running.next(REPROVIDE_S, 0) == [b"a"]
    finish(running, [b"a"], now=REPROVIDE_S)
    in_steps(running.pull_in(REPROVIDE_S - 1))
    assert running.next(REPROVIDE_S - 1, 0) == []
    assert running.status(b"a").due == 2 * REPROVIDE_S


def test_what_is_added_again_while_its_old_round_ends_is_there_once():
    plan = plan_of(b"a")
    plan.next(0, 0)
    plan.remove(b"a")
    plan.add(b"a", Kind.SHARE, None, 1)
    finish(plan, [b"a"], now=2)
    assert plan.next(2, 0) == []
    assert plan.next(2 + REPROVIDE_S, 0) == [b"a"]
    assert plan.next(2 + REPROVIDE_S, 0) == []


class Touched(bytes):
    """A key that counts how often any of its kind is looked up or compared."""

    count = 0

    def __hash__(self):
        Touched.count += 1
        return super().__hash__()

    def __eq__(self, other):
        Touched.count += 1
        return super().__eq__(other)

    def __lt__(self, other):
        Touched.count += 1
        return super().__lt__(other)


def most_touched(calls) -> int:
    """The most keys touched between two steps."""
    most = 0
    for _ in calls:
        most, Touched.count = max(most, Touched.count), 0
    return most


@pytest.mark.parametrize("keys", [3_000, 30_000])
def test_a_step_is_as_short_when_ever_so_many_keys_are_due_at_once(keys):
    plan = ProvidePlan(point)
    for number in range(keys):
        plan.add(Touched(number.to_bytes(4, "big")), Kind.SHARE, ProvideStatus(1, 1, at=0, due=100.0 + number), 100)
    later = 2 * 86400.0
    Touched.count = 0
    assert most_touched(iter(lambda: plan.next(later, 0), [])) <= 10 * MAX_LOOKED
    assert plan.next_look() is None
    for number in range(keys):
        plan.done(number.to_bytes(4, "big"), 1, 1, later)
    Touched.count = 0
    assert most_touched(plan.pull_in(0)) <= 100 * STEP
    assert plan.next_look() == REPROVIDE_S
    assert most_touched(plan.hurry(0, servers=2)) <= 100 * STEP
    assert plan.next_look() == 0
