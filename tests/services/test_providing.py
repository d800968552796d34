"""The providing service: what it tells the network and when, what it keeps, and what it says of it."""

from __future__ import annotations

import logging

import pytest
import trio

from node.net.kad_reports import ProvideReport
from node.services import providing as module
from node.services.keywords import MAX_PER_SHARE
from node.services.provide_plan import REPROVIDE_S, VALIDITY_S
from node.services.providing import Providing, lapse_words
from node.status import ProvideStatus


def key(number: int) -> bytes:
    return b"\x12\x20" + number.to_bytes(32, "big")


class FakeRouting:
    """A network of `servers` that takes every record, or none."""

    region_bits = 0

    def __init__(self, servers=20):
        self.routing_table_size = servers
        self.takes = True
        self.rounds = []
        self.withdrawn = []

    async def provide_all(self, keys):
        await trio.sleep(0.1)
        self.rounds.append((trio.current_time(), list(keys)))
        closest = min(20, self.routing_table_size)
        report = ProvideReport(closest, closest) if self.takes else ProvideReport(closest, 0, "nobody kept the record")
        return dict.fromkeys(keys, report)

    async def withdraw(self, key):
        await trio.lowlevel.checkpoint()
        self.withdrawn.append(key)

    @property
    def provided(self):
        return [key for _, keys in self.rounds for key in keys]


class FakeSchedule:
    def __init__(self):
        self.rows = {}

    def load(self):
        return list(self.rows.items())

    def save_all(self, statuses):
        self.rows.update(statuses)

    def remove_all(self, keys):
        for each in keys:
            self.rows.pop(each, None)


@pytest.fixture
def routing():
    return FakeRouting()


@pytest.fixture
def schedule(monkeypatch):
    async def run_here(work, *arguments):  # a thread would not be waited for by the jumping clock
        await trio.lowlevel.checkpoint()
        return work(*arguments)

    monkeypatch.setattr(module, "in_thread", run_here)
    return FakeSchedule()


@pytest.fixture
def providing(nursery, autojump_clock, routing, schedule):
    service = Providing(routing, schedule, trio.current_time)
    nursery.start_soon(service.run)
    return service


async def test_shares_are_provided_at_once_and_together(autojump_clock, providing, routing, schedule):
    for number in range(100):
        providing.add(key(number))
    await trio.sleep(0.5)
    assert sorted(routing.provided) == [key(number) for number in range(100)]
    assert len(routing.rounds) == 1
    assert schedule.rows[key(7)] == providing.status(key(7))


async def test_and_again_after_22_hours(autojump_clock, providing, routing):
    providing.add(key(1))
    await trio.sleep(REPROVIDE_S - 1)
    assert len(routing.rounds) == 1
    await trio.sleep(5)
    assert len(routing.rounds) == 2


async def test_a_restart_goes_on_with_the_schedule(autojump_clock, providing, routing, schedule, nursery):
    providing.add(key(1))
    await trio.sleep(1)
    again = Providing(routing, schedule, trio.current_time)
    nursery.start_soon(again.run)
    again.add(key(1))
    await trio.sleep(60)
    assert routing.provided == [key(1)]


async def test_unsharing_stops_it_at_once_keywords_too(autojump_clock, providing, routing, schedule):
    providing.add(key(1), [key(10), key(11)])
    providing.add(key(2), [key(11)])
    await trio.sleep(1)
    await providing.remove(key(1))
    assert routing.withdrawn == [key(1), key(10)]
    assert sorted(schedule.rows) == [key(2), key(11)]
    await trio.sleep(REPROVIDE_S)
    assert sorted(routing.provided[4:]) == [key(2), key(11)]


async def test_keywords_come_after_shares_and_as_many_as_a_share_may_have(
    autojump_clock, providing, routing, monkeypatch
):
    providing.add(key(1), [key(number) for number in range(10, 30)])
    await trio.sleep(1)
    assert routing.provided[0] == key(1)
    assert sorted(routing.provided[1:]) == [key(number) for number in range(10, 10 + MAX_PER_SHARE)]


async def test_keywords_that_a_share_has_no_more_are_forgotten(autojump_clock, providing, routing, schedule):
    providing.add(key(1), [key(10)])
    await trio.sleep(1)
    providing.add(key(1), [key(11)])
    await trio.sleep(2)
    assert sorted(schedule.rows) == [key(1), key(11)]
    assert routing.withdrawn == [key(10)]


async def test_the_schedule_forgets_what_was_used_in_an_earlier_run_when_its_records_have_lapsed(
    nursery, autojump_clock, routing, schedule
):
    fresh = ProvideStatus(20, 20, at=0.0, due=REPROVIDE_S)
    schedule.rows = {key(1): fresh, key(10): fresh, key(11): ProvideStatus(20, 20, at=-VALIDITY_S, due=0.0)}
    service = Providing(routing, schedule, trio.current_time)
    nursery.start_soon(service.run)
    await trio.sleep(50)
    service.add(key(1), [key(12)])
    await trio.sleep(3600)
    assert set(schedule.rows) == {key(1), key(10), key(12)}
    await trio.sleep(VALIDITY_S)
    assert set(schedule.rows) == {key(1), key(12)}


async def test_while_nobody_is_known_nothing_is_tried_or_logged(autojump_clock, providing, routing, caplog):
    caplog.set_level(logging.INFO)
    routing.routing_table_size = 0
    await trio.sleep(1)
    providing.add(key(1))
    await trio.sleep(600)
    assert not routing.rounds
    assert not caplog.records
    routing.routing_table_size = 1
    await trio.sleep(2)
    assert routing.provided == [key(1)]


async def test_a_young_network_is_told_again_as_it_grows(autojump_clock, providing, routing):
    routing.routing_table_size = 1
    providing.add(key(1))
    await trio.sleep(60)
    assert len(routing.rounds) == 1
    for size in (2, 3, 4, 20, 21, 40):
        routing.routing_table_size = size
        await trio.sleep(60)
    assert providing.status(key(1)).closest == 20
    assert len(routing.rounds) == 1 + 3  # at 2, 4 and 20


async def test_a_reason_is_told_once(autojump_clock, providing, routing, caplog):
    caplog.set_level(logging.INFO)
    routing.takes = False
    providing.add(key(1))
    await trio.sleep(300)
    assert [record.getMessage() for record in caplog.records] == ["1 key could not be provided: nobody kept the record"]
    routing.takes = True
    await trio.sleep(1800)
    assert caplog.records[-1].getMessage() == "provided 1 key: 20 of the 20 closest nodes hold it"


async def test_records_about_to_lapse_are_warned_about(autojump_clock, providing, routing, caplog):
    providing.add(key(1))
    await trio.sleep(1)
    routing.takes = False
    await trio.sleep(VALIDITY_S - 2 * 3600)
    (first, *_) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert first.startswith("nobody will find 1 share from 6 h from now on")
    assert "nobody kept the record" in first
    assert providing.status(key(1)).stored == 20  # what others hold is still there
    await trio.sleep(4 * 3600)
    assert "nobody finds 1 share any more" in caplog.records[-1].getMessage()
    assert providing.status(key(1)).stored == 0


async def test_a_full_disk_does_not_stop_it(autojump_clock, providing, routing, schedule, monkeypatch, caplog):
    def full(statuses):
        raise module.StorageError("the disk is full")

    monkeypatch.setattr(schedule, "save_all", full)
    providing.add(key(1))
    await trio.sleep(1)
    assert "the disk is full" in caplog.text
    assert providing.status(key(1)).stored == 20


def test_words_of_what_lapses():
    assert lapse_words([3600, 7200, -1], "") == (
        "nobody will find 2 shares from 1 h from now on and nobody finds 1 share any more: "
        "their provider records could not be renewed (not tried yet)"
    )


async def test_a_record_of_an_earlier_run_is_renewed_when_its_time_has_passed(
    nursery, autojump_clock, routing, schedule
):
    schedule.rows[key(1)] = ProvideStatus(20, 20, at=-REPROVIDE_S, due=0.0)
    service = Providing(routing, schedule, trio.current_time)
    nursery.start_soon(service.run)
    service.add(key(1))
    await trio.sleep(1)
    assert routing.provided == [key(1)]


async def test_a_fault_on_the_way_costs_one_batch_a_retry(autojump_clock, providing, routing, caplog):
    provide_all, faults = routing.provide_all, [ValueError("a bug")]

    async def buggy(keys):
        if faults:
            raise faults.pop()
        return await provide_all(keys)

    routing.provide_all = buggy
    providing.add(key(1))
    await trio.sleep(1)
    assert providing.status(key(1)).stored == 0
    assert "a bug" in caplog.text
    providing.add(key(2))
    await trio.sleep(30)
    assert {key(1), key(2)} == set(routing.provided)


async def test_what_is_unshared_while_it_is_provided_leaves_nothing(autojump_clock, providing, routing, schedule):
    begun = trio.Event()

    async def slow(keys):
        begun.set()
        await trio.sleep(10)
        routing.withdrawn.clear()  # this is when its record would be kept here
        return dict.fromkeys(keys, ProvideReport(0, 0, "no DHT server could be reached"))

    routing.provide_all = slow
    providing.add(key(1))
    await begun.wait()
    await providing.remove(key(1))
    await trio.sleep(20)
    assert routing.withdrawn == [key(1)]
    assert schedule.rows == {}


async def test_unsharing_is_done_also_when_nobody_waits_for_it(autojump_clock, providing, routing, schedule):
    for number in range(3):
        providing.add(key(number))
    await trio.sleep(1)
    withdraw = routing.withdraw

    async def slow(key):
        await trio.sleep(5)
        await withdraw(key)

    routing.withdraw = slow
    with trio.move_on_after(1):
        await providing.remove(key(1))
    await trio.sleep(30)
    assert routing.withdrawn == [key(1)]
    assert set(schedule.rows) == {key(0), key(2)}
