"""A network in memory for Kademlia's tests: hosts with streams, latency, deaths and refusals, and no libp2p below.

The fakes have the interface of `node.net.host.Host` and `node.net.streams.PeerStream` as far as Kademlia uses it.
"""

from __future__ import annotations

import random
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from multiaddr import Multiaddr
from trio.testing import MockClock

from node.net.errors import ConnectionLost, DialError, ProtocolRefusedError, StreamReset
from node.net.kad_keyspace import peer_id_bytes, peer_id_text
from node.net.kad_messages import MAX_ANSWER
from node.net.kad_reports import KademliaSettings
from node.net.kad_stream import KadStream
from node.net.kademlia import open_kademlia
from node.net.provider_store import MemoryProviderStore

SHOAL = "/shoal/kad/1.0.0"


def jumping_clock(monkeypatch):
    """A clock that jumps to the next event; stores are called without threads, which it would not wait for."""

    async def run_here(call, *args, limiter):
        await trio.lowlevel.checkpoint()
        return call(*args)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_here)
    return MockClock(autojump_threshold=0)


def new_peer_id(rng):
    return peer_id_text(bytes.fromhex("002408011220") + rng.randbytes(32))


class FakeStream:
    """One end of a stream between two fake hosts."""

    def __init__(self, peer_id, latency_s):
        self.peer_id = peer_id
        self.remote = None  # the other end
        self._latency_s = latency_s
        self._incoming = deque()  # (when it arrives, bytes); b"" is the FIN
        self._end = None  # the error that reads and writes raise from now on
        self._news = trio.Event()

    async def receive_some(self, max_bytes=None):
        await trio.lowlevel.checkpoint()
        while not (self._incoming and self._incoming[0][0] <= trio.current_time()):
            if self._end is not None:
                raise type(self._end)()
            with trio.move_on_at(self._incoming[0][0] if self._incoming else float("inf")):
                await self._news.wait()
        at, data = self._incoming.popleft()
        if not data:
            self._incoming.appendleft((at, data))
            return data
        if max_bytes is not None and len(data) > max_bytes:
            self._incoming.appendleft((at, data[max_bytes:]))
            data = data[:max_bytes]
        return data

    async def send_all(self, data):
        await trio.lowlevel.checkpoint()
        if self._end is not None:
            raise type(self._end)()
        self.remote.arrive(bytes(data))

    async def aclose(self):
        if self._end is None:
            self.remote.arrive(b"")
            self._end = trio.ClosedResourceError()
        await trio.lowlevel.checkpoint()

    def reset(self):
        self.end(trio.ClosedResourceError())
        self.remote.end(StreamReset())

    def arrive(self, data):
        self._incoming.append((trio.current_time() + self._latency_s, data))
        self.wake()

    def end(self, error):
        if self._end is None:
            self._end = error
        self.wake()

    def wake(self):
        self._news.set()
        self._news = trio.Event()


@dataclass
class Connection:
    peer_id: str


class FakeRaw:
    """What KadDHT wants of the library's host."""

    def __init__(self, peer_id):
        self._id = ID(peer_id_bytes(peer_id))
        self._peerstore = PeerStore()

    def get_id(self):
        return self._id

    def get_peerstore(self):
        return self._peerstore


class FakeHost:
    """A host in a World; `state` is "up", "dead" (dials fail at once) or "frozen" (nothing is ever answered)."""

    def __init__(self, world, peer_id, *, listens):
        self.peer_id = peer_id
        self.raw = FakeRaw(peer_id)
        self.state = "up"
        self.peers = set()
        self.handlers = {}
        self.streams = []
        self.dials = 0
        self._world = world
        self._listens = listens
        self._callbacks = []

    def addresses(self):
        number = list(self._world.hosts).index(self.peer_id) + 1
        return [f"/ip4/127.0.0.1/tcp/{number}/p2p/{self.peer_id}"] if self._listens else []

    def connections(self):
        return [Connection(peer_id) for peer_id in self.peers]

    def on_connected(self, callback):
        self._callbacks.append(callback)

    def set_handler(self, protocol_id, handler):
        self.handlers[protocol_id] = handler

    def remove_handler(self, protocol_id):
        del self.handlers[protocol_id]

    async def connect(self, target, hints=()):
        if target in self.peers:
            return target
        self.dials += 1
        await trio.sleep(self._world.latency_s)
        other = self._world.hosts.get(target)
        if other is None or not set(hints) & set(other.addresses()) or other.state == "dead":
            raise DialError("nobody there")
        if other.state == "frozen":
            await trio.sleep_forever()
        for one, its_peer in ((self, other), (other, self)):
            if its_peer.peer_id not in one.peers:
                one.peers.add(its_peer.peer_id)
                for callback in one._callbacks:
                    callback(its_peer.peer_id)
        self._world.nursery.start_soon(self.identify, other)
        self._world.nursery.start_soon(other.identify, self)
        return target

    async def identify(self, other):
        """Learn the other's addresses and protocols, some time after connecting."""
        await trio.sleep(5 * self._world.latency_s)
        peerstore, other_id = self.raw.get_peerstore(), other.raw.get_id()
        peerstore.add_addrs(other_id, [Multiaddr(text) for text in other.addresses()], 7200)
        peerstore.set_protocols(other_id, list(other.handlers))

    async def open_stream(self, peer_id, protocol_id):
        await trio.sleep(self._world.latency_s)
        other = self._world.hosts[peer_id]
        if peer_id not in self.peers:
            raise ConnectionLost
        handler = other.handlers.get(protocol_id)
        if handler is None:
            raise ProtocolRefusedError(f"{peer_id} does not speak {protocol_id}")
        here, there = FakeStream(peer_id, self._world.latency_s), FakeStream(self.peer_id, self._world.latency_s)
        here.remote, there.remote = there, here
        self.streams.append(here)
        other.streams.append(there)
        if other.state == "up":
            self._world.nursery.start_soon(handler, there)
        return here

    def stop(self, state):
        """Die at once, connections and all, or freeze: connections stay, and nothing on them moves."""
        self.state = state
        if state == "dead":
            for other in self._world.hosts.values():
                other.peers.discard(self.peer_id)
            self.peers.clear()
        for stream in self.streams:
            if state == "dead":
                stream.end(ConnectionLost())
                stream.remote.end(ConnectionLost())
            else:
                stream.arrive = stream.remote.arrive = lambda data: None


class World:
    """All hosts of one test; `latency_s` is one way."""

    def __init__(self, nursery, *, seed=0, latency_s=0.01):
        self.nursery = nursery
        self.rng = random.Random(seed)
        self.latency_s = latency_s
        self.hosts = {}

    def host(self, *, listens=True):
        peer_id = new_peer_id(self.rng)
        self.hosts[peer_id] = FakeHost(self, peer_id, listens=listens)
        return self.hosts[peer_id]

    async def node(
        self, *, listens=True, is_server=True, store=None, protocol_id=SHOAL, bootstrap=None, unix_time=time.time
    ):
        """A host with Kademlia on it, for as long as the world lasts; connected to `bootstrap` if one is given."""
        host = self.host(listens=listens)
        settings = KademliaSettings(protocol_id, is_server)
        dht = await self.nursery.start(
            self._run, host, settings, store if store is not None else MemoryProviderStore(), unix_time
        )
        if bootstrap is not None:
            await host.connect(bootstrap.peer_id, bootstrap.addresses())
        return host, dht

    async def network(self, size, **options):
        """`size` servers that know each other as they would after a while."""
        first = await self.node(**options)
        nodes = [first, *[await self.node(bootstrap=first[0], **options) for _ in range(size - 1)]]
        wanted = min(size - 1, 15)
        await until(lambda: all(dht.routing_table_size >= wanted for _, dht in nodes))
        return nodes

    async def _run(self, host, settings, store, unix_time, task_status):
        rng = random.Random(self.rng.random())
        async with open_kademlia(host, settings, store, rng=rng, unix_time=unix_time) as dht:
            task_status.started(dht)
            await trio.sleep_forever()

    async def line(self, client, server, protocol_id=SHOAL):
        """A raw stream from one host to another, as a foreign implementation would use it."""
        await client.connect(server.peer_id, server.addresses())
        return KadStream(await client.open_stream(server.peer_id, protocol_id), MAX_ANSWER)


@asynccontextmanager
async def open_world(**options):
    async with trio.open_nursery() as nursery:
        yield World(nursery, **options)
        nursery.cancel_scope.cancel()


async def until(condition, timeout_s=30.0):
    """Wait until `condition()` holds; a test that waits in vain fails."""
    with trio.fail_after(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many objects, none of which has an event
            await trio.sleep(0.05)


def own_entry(host):
    """A provider entry of an ADD_PROVIDER, as go writes it."""
    addresses = [Multiaddr(text.rpartition("/p2p/")[0]).to_bytes() for text in host.addresses()]
    return Message.Peer(id=peer_id_bytes(host.peer_id), addrs=addresses)
