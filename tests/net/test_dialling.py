"""Which address is tried when, and what is said when none leads anywhere."""

from __future__ import annotations

import errno

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from node.net.book import MemoryAddressBook
from node.net.dialling import Dialler, dial_first, order_addresses
from node.net.errors import DialError

PUBLIC, PUBLIC6 = "/ip4/8.8.8.8/tcp/4001", "/ip6/2600::1/tcp/4001"
LAN, LOOPBACK = "/ip4/192.168.1.9/tcp/4001", "/ip4/127.0.0.1/tcp/4001"
NAME = "/dns4/example.net/tcp/4001"
HANG = "/ip4/8.8.4.4/tcp/1"


def test_near_addresses_come_before_far_ones_and_loopback_last():
    assert order_addresses([LOOPBACK, NAME, PUBLIC6, PUBLIC, LAN]) == [LAN, PUBLIC, PUBLIC6, NAME, LOOPBACK]


def test_what_worked_before_comes_first_newest_first():
    assert order_addresses([LAN, PUBLIC], worked=[LOOPBACK, PUBLIC6]) == [LOOPBACK, PUBLIC6, LAN, PUBLIC]


def test_addresses_are_tried_once_and_undialable_ones_never():
    hints = [PUBLIC, f"{PUBLIC}/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "/ip4/8.8.8.8/udp/1/quic-v1", "x"]
    assert order_addresses(hints, worked=[PUBLIC]) == [PUBLIC]


def test_a_garbage_address_does_not_push_loopback_out():
    """The library drops loopback addresses as soon as it knows any other one, even an unusable one."""
    assert order_addresses(["/ip4/0.0.0.0/tcp/1", "/ip4/9.9.9.9/udp/1", LOOPBACK]) == [LOOPBACK]


@given(st.lists(st.sampled_from([PUBLIC, PUBLIC6, LAN, LOOPBACK, NAME, HANG])), st.integers(1, 8))
def test_the_number_of_addresses_is_bounded(hints, limit):
    ordered = order_addresses(hints, limit=limit)
    assert len(ordered) == min(limit, len(set(hints)))
    assert set(ordered) <= set(hints)


class Net:
    """Addresses that answer at once, after a while, with an error or never."""

    def __init__(self, **answers: object) -> None:
        self.answers = {address.replace("_", "/"): answer for address, answer in answers.items()}
        self.dialled: list[tuple[float, str]] = []
        self.cancelled: list[str] = []

    async def dial(self, address: str) -> str:
        self.dialled.append((trio.current_time(), address))
        answer = self.answers[address]
        if isinstance(answer, Exception):
            raise answer
        try:
            await trio.sleep(answer)
        except trio.Cancelled:
            self.cancelled.append(address)
            raise
        return f"connection to {address}"


async def test_the_first_answer_wins_and_the_rest_is_left_alone(autojump_clock):
    net = Net(a=0.1, b=0.1)
    assert await dial_first(["a", "b"], net.dial) == ("a", "connection to a")
    assert [address for _, address in net.dialled] == ["a"]
    assert trio.current_time() == pytest.approx(0.1, abs=0.01)  # no wait after a success


async def test_a_silent_address_delays_the_next_by_the_stagger_only(autojump_clock):
    net = Net(a=1000.0, b=1000.0, c=0.1)
    started = trio.current_time()
    assert (await dial_first(["a", "b", "c"], net.dial, stagger_s=0.25))[0] == "c"
    assert [round(when - started, 2) for when, _ in net.dialled] == [0, 0.25, 0.5]
    assert sorted(net.cancelled) == ["a", "b"]


async def test_a_refused_address_delays_the_next_by_nothing(autojump_clock):
    net = Net(a=OSError(errno.ECONNREFUSED, "refused"), b=0.0)
    started = trio.current_time()
    assert (await dial_first(["a", "b"], net.dial))[0] == "b"
    assert trio.current_time() == started


async def test_an_address_that_starts_slowly_can_still_win(autojump_clock):
    net = Net(a=2.0, b=OSError(errno.EHOSTUNREACH, "no route"))
    assert (await dial_first(["a", "b"], net.dial))[0] == "a"


async def test_every_failure_is_named(autojump_clock):
    net = Net(a=OSError(errno.ECONNREFUSED, "x"), b=1000.0, c=TypeError("garbage"), d=RuntimeError())
    with pytest.raises(DialError) as caught:
        await dial_first(["a", "b", "c", "d"], net.dial, timeout_s=5)
    assert dict(caught.value.failures) == {
        "a": "connection refused",
        "b": "no answer within 5 s",
        "c": "garbage",
        "d": "RuntimeError",
    }
    assert "a: connection refused" in str(caught.value)


def dialler(net: Net, hints: list[str], connections: dict[str, str], book: MemoryAddressBook) -> Dialler[str]:
    async def dial(peer_id: str, address: str) -> str:
        connections[peer_id] = await net.dial(address)
        return connections[peer_id]

    return Dialler(book, existing=connections.get, dial=dial, hinted=lambda peer_id: hints)


async def test_what_answered_is_remembered_and_tried_first(autojump_clock):
    book, connections = MemoryAddressBook(), {}
    net = Net(**{LAN.replace("/", "_"): OSError(errno.ECONNREFUSED, "x"), PUBLIC.replace("/", "_"): 0.0})
    await dialler(net, [LAN, PUBLIC], connections, book).connect("peer")
    assert await book.addresses("peer") == (PUBLIC,)
    connections.clear()
    net.dialled.clear()
    await dialler(net, [LAN, PUBLIC], connections, book).connect("peer")
    assert [address for _, address in net.dialled] == [PUBLIC]


async def test_a_cancelled_caller_leaves_the_next_one_to_dial(autojump_clock):
    connections: dict[str, str] = {}
    net = Net(**{LAN.replace("/", "_"): 1.0})
    one = dialler(net, [LAN], connections, MemoryAddressBook())
    async with trio.open_nursery() as nursery:

        async def impatient() -> None:
            with trio.move_on_after(0.1):
                await one.connect("peer")

        nursery.start_soon(impatient)
        await trio.testing.wait_all_tasks_blocked()
        assert await one.connect("peer") == f"connection to {LAN}"
    assert len(net.dialled) == 2
    assert not one._locks
