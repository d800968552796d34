"""The self-check: what is looked for, what is told, and what follows when it isn't found."""

from __future__ import annotations

import logging
import random

import pytest
import trio

from node.services.self_check import CHECK_S, FIRST_S, SHARES, Checked, SelfCheck

LOST = b"lost"


class FakeRouting:
    routing_table_size = 1

    def __init__(self):
        self.looked_for = []

    async def finds_itself(self, key):
        await trio.sleep(0.1)
        self.looked_for.append(key)
        return key != LOST


class FakeProviding:
    def __init__(self, *shares):
        self.checked = Checked()
        self.shares = list(shares)
        self.renewed = []

    def provided_shares(self):
        return self.shares

    def renew(self, key):
        self.renewed.append(key)


@pytest.fixture
def routing():
    return FakeRouting()


def start(nursery, routing, providing):
    nursery.start_soon(SelfCheck(routing, providing, lambda: 1000.0, random.Random(1)).run)


async def test_a_few_shares_are_looked_for_every_half_hour(autojump_clock, nursery, routing, caplog):
    caplog.set_level(logging.INFO)
    providing = FakeProviding(*(b"%d" % number for number in range(20)))
    start(nursery, routing, providing)
    await trio.sleep(FIRST_S + 1)
    assert len(set(routing.looked_for)) == SHARES
    assert providing.checked == Checked(4, 4, 1000.0)
    assert "self-check: 4 of 4 shares checked can be found" in caplog.text
    await trio.sleep(FIRST_S + CHECK_S)
    assert len(routing.looked_for) == 2 * SHARES


async def test_what_is_not_found_is_said_and_provided_again(autojump_clock, nursery, routing, caplog):
    providing = FakeProviding(b"here", LOST)
    start(nursery, routing, providing)
    await trio.sleep(FIRST_S + 1)
    assert providing.renewed == [LOST]
    assert f"1 of 2 shares checked can be found; provided again: {LOST.hex()}" in caplog.text


async def test_nothing_is_checked_before_something_is_provided_and_somebody_known(autojump_clock, nursery, routing):
    providing = FakeProviding()
    routing.routing_table_size = 0
    start(nursery, routing, providing)
    await trio.sleep(10 * FIRST_S)
    providing.shares = [b"new"]
    await trio.sleep(10 * FIRST_S)
    assert not routing.looked_for
    routing.routing_table_size = 1
    await trio.sleep(FIRST_S + 1)
    assert routing.looked_for == [b"new"]


async def test_a_fault_in_one_check_is_not_the_end_of_them(autojump_clock, nursery, caplog):
    class Faulty(FakeRouting):
        async def finds_itself(self, key):
            found = await super().finds_itself(key)
            if len(self.looked_for) == 1:
                raise ValueError("a bug")
            return found

    providing = FakeProviding(b"1")
    start(nursery, Faulty(), providing)
    await trio.sleep(CHECK_S + 3 * FIRST_S)
    assert "a bug" in caplog.text
    assert providing.checked == Checked(1, 1, 1000.0)
