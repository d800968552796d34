"""One machine that opens connections without end takes its share of the inbound slots and no more."""

from __future__ import annotations

import pytest
import trio

from node.net import hardening
from node.net.crowding import FEWEST, Crowding, place_of
from node.net.host import open_host
from tests.net.hosts import ECHO, echo, roundtrip, settings, until


@pytest.mark.parametrize(
    ("ip", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("::ffff:127.0.0.1", None),
        ("::1", None),
        ("", None),
    ],
)
def test_the_place_of_an_address(ip, place):
    assert place_of(ip) == place


def test_a_place_has_a_quarter_of_the_slots_and_gets_them_back():
    crowding = Crowding(40)
    with crowding.admitted("there"), crowding.admitted("elsewhere"):
        held = [crowding.admitted("there") for _ in range(9)]
        assert all(connection.__enter__() for connection in held)
        with crowding.admitted("there") as eleventh, crowding.admitted("elsewhere") as other:
            assert not eleventh
            assert other
        held.pop().__exit__(None, None, None)
        with crowding.admitted("there") as again:
            assert again
    assert Crowding(1).limit == FEWEST


def test_this_machine_is_not_counted():
    crowding = Crowding(4)
    for _ in range(100):
        assert crowding.admitted(None).__enter__()


async def test_half_open_connections_from_one_address_leave_room_for_the_others(monkeypatch):
    monkeypatch.setattr(hardening, "place_of", lambda ip: ip)  # so that loopback counts, and has two places
    async with open_host(settings(max_connections=12, max_inbound=8)) as one, trio.open_nursery() as nursery:
        one.set_handler(ECHO, echo)
        host, port = one.addresses()[0].split("/")[2:5:2]
        held = []
        for _ in range(20):
            stream = await trio.open_tcp_stream(host, int(port), local_address="127.0.0.2")
            nursery.start_soon(read_to_end, stream)
            held.append(stream)
        await until(lambda: sum(stream.socket.fileno() == -1 for stream in held) == 20 - FEWEST)
        async with open_host(settings(listen=())) as guest:
            await guest.connect(one.addresses()[0])
            await roundtrip(guest, one.peer_id)
        nursery.cancel_scope.cancel()


async def read_to_end(stream: trio.SocketStream) -> None:
    async with stream:
        while await stream.receive_some():
            pass
