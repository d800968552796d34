"""mDNS in real packets: nodes find each other, and strangers see what the specification says.

Rules: all multicast goes in and out by the loopback interface, so that it needs no rights and nothing leaves this
machine. The nodes only believe that they are in a LAN, since on loopback they would say nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from queue import Queue

import pytest
import trio
from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from node.net.host import Host, open_host
from node.net.mdns import Mdns
from node.net.mdns_lan import ZeroconfLan
from node.net.mdns_records import SERVICE, encode_text, peer_name
from tests.net.hosts import settings, until

pytestmark = pytest.mark.slow

LOOPBACK = "127.0.0.1"
LAN = "10.77.0.1"
PATIENCE_S = 30.0
"""zeroconf asks for a second whether its name is taken, and everybody again and again after growing pauses."""


class LoopbackLan(ZeroconfLan):
    """The real thing, on the loopback interface whatever addresses are announced."""

    def open(self, ips, name, text, heard):
        super().open([LOOPBACK], name, text, heard)


class InLan:
    """A host that takes loopback for a LAN."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.peer_id = host.peer_id
        self.connections = host.connections

    def addresses(self) -> list[str]:
        return [address.replace(LOOPBACK, LAN) for address in self._host.addresses()]

    async def connect(self, target: str, hints: Iterable[str] = ()) -> str:
        return await self._host.connect(target, [hint.replace(LAN, LOOPBACK) for hint in hints])


async def test_two_nodes_find_each_other():
    async with open_host(settings()) as first, open_host(settings()) as second, trio.open_nursery() as nursery:
        for number, host in enumerate((first, second)):
            nursery.start_soon(Mdns(InLan(host), LoopbackLan(), random.Random(number)).run)
        for host, other in ((first, second), (second, first)):
            await until(lambda host=host, other=other: other.peer_id in ids(host), PATIENCE_S)
        nursery.cancel_scope.cancel()


def ids(host: Host) -> set[str]:
    return {connection.peer_id for connection in host.connections()}


def test_what_a_stranger_sees_and_that_it_is_taken_back():
    """A browser that knows nothing of shoal: one TXT record under the service's name, until the node leaves."""
    name = peer_name(random.SystemRandom())
    text = encode_text([f"/ip4/{LAN}/tcp/4001/p2p/12D3KooWStranger"])
    seen: Queue[tuple[ServiceStateChange, bytes | None]] = Queue()

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if name == own_name:
            found = ServiceInfo(service_type, name)
            found.load_from_cache(zeroconf)
            seen.put((state_change, found.text))

    own_name = f"{name}.{SERVICE}"
    stranger, lan = Zeroconf(interfaces=[LOOPBACK]), ZeroconfLan()
    try:
        ServiceBrowser(stranger, SERVICE, handlers=[changed])
        lan.open([LOOPBACK], name, text, lambda text: None)
        assert seen.get(timeout=PATIENCE_S) == (ServiceStateChange.Added, text)
        lan.close()
        assert seen.get(timeout=PATIENCE_S)[0] is ServiceStateChange.Removed
    finally:
        lan.close()
        stranger.close()


def test_an_address_that_is_not_here_is_told():
    lan = ZeroconfLan()
    with pytest.raises(OSError, match=r"No such device|Can't assign"):
        lan.open(["203.0.113.9"], peer_name(random.Random(1)), b"", lambda text: None)
    lan.close()
