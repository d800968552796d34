"""The peer that a person names: by IP address, multiaddr or peer id, known, unknown, ambiguous, or without the file."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from node.errors import AmbiguousError, NoPeersError, UsageError
from node.net.connections import ConnectionInfo
from node.services.named_peers import ASK_S, NamedPeer, NamedPeers
from node.status import TransferState
from tests.services.fakes import FakeProvider, complete_content
from tests.services.test_downloading import CONTENT, DATA, World
from tests.services.test_introducing import peer_id, say_nothing
from tests.services.test_library import LINK, node

A, B, FAR = map(peer_id, ("a", "b", "far"))
AT_A, AT_B = "/ip4/192.168.1.10/tcp/4001", "/ip4/192.168.1.15/tcp/4001"


def connection(peer: str, address: str) -> ConnectionInfo:
    return ConnectionInfo(peer, f"{address}/p2p/{peer}", address.split("/")[2], "out", 0.0, 1, 0, 0)


class Host:
    def __init__(self, *connections: ConnectionInfo) -> None:
        self._connections = connections
        self.listening: dict[str, list[str]] = {}

    def connections(self) -> tuple[ConnectionInfo, ...]:
        return self._connections

    async def addresses_of(self, peer_id: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        return self.listening.get(peer_id, [])


@asynccontextmanager
async def asking(*connections: ConnectionInfo):
    """A node that may ask A and B, who both seed CONTENT."""
    async with trio.open_nursery() as nursery:
        here = World(nursery)
        await here.seed(A)
        await here.seed(B)
        here.network.providers.clear()
        await here.leech()
        yield NamedPeers(Host(*connections), here.exchange, here.leecher), here
        nursery.cancel_scope.cancel()


BOTH = (connection(A, AT_A), connection(B, AT_B))


@pytest.mark.parametrize(
    "text",
    ["192.168.1.10", " 192.168.1.10 ", AT_A, f"{AT_A}/p2p/{A}", "/ip4/192.168.1.10/tcp/9", A, A[:12]],
)
async def test_every_way_of_naming_a_peer(autojump_clock, text):
    async with asking(*BOTH) as (peers, here):
        assert await peers.having(text, CONTENT.cid, {}) == NamedPeer(A, (AT_A,))
        assert set(here.exchange.swarms[CONTENT.cid].sessions) == {A}
        await peers.having(text, CONTENT.cid, {})
        assert len(here.leecher.opened) == 1, "who is in session is not asked again"


async def test_peers_that_are_known_for_the_file_need_no_connection(autojump_clock):
    async with asking() as (peers, _):
        assert await peers.having("192.168.1.15", CONTENT.cid, {B: (f"{AT_B}/p2p/{B}",)}) == NamedPeer(B, (AT_B,))


async def test_peers_that_only_the_dht_knows(autojump_clock):
    async with asking() as (peers, here):
        here.network.providers[CONTENT.cid.multihash] = [B]
        at_home = FakeProvider(B).addresses
        assert await peers.having("127.0.0.1", CONTENT.cid, {}) == NamedPeer(B, at_home)
        assert await peers.having(B[:10], CONTENT.cid, {}) == NamedPeer(B, at_home)


@pytest.mark.parametrize("text", ["192.168.1.99", "nobody", AT_A.replace("10", "98"), ""])
async def test_a_peer_that_nobody_knows(autojump_clock, text):
    async with asking(*BOTH) as (peers, here):
        with pytest.raises(NoPeersError, match=r"no peer .* is known here"):
            await peers.having(text, CONTENT.cid, {})
        assert here.leecher.opened == []


@pytest.mark.parametrize(
    "text", ["/nonsense", "/ip4/192.168.1.10/udp/4001/quic-v1", f"/ip4/1.2.3.4/tcp/1/p2p/{A[:-3]}"]
)
async def test_a_broken_multiaddr(autojump_clock, text):
    async with asking(*BOTH) as (peers, _):
        with pytest.raises(UsageError):
            await peers.having(text, CONTENT.cid, {})


async def test_several_at_one_address_are_named_and_the_one_in_session_is_meant(autojump_clock):
    async with asking(connection(A, AT_A), connection(B, AT_A.replace("4001", "4002"))) as (peers, here):
        with pytest.raises(AmbiguousError, match=rf"2 peers could be meant by 192\.168\.1\.10, such as .*{A}"):
            await peers.having("192.168.1.10", CONTENT.cid, {})
        with pytest.raises(AmbiguousError):
            await peers.having("Qm", CONTENT.cid, {})
        assert (await peers.having(AT_A, CONTENT.cid, {})).peer_id == A, "the port tells"
        assert (await peers.having("192.168.1.10", CONTENT.cid, {})).peer_id == A
        assert len(here.leecher.opened) == 1


async def test_who_came_to_us_is_known_by_where_it_listens_on_the_host_it_came_from(autojump_clock):
    came = (connection(A, AT_A.replace("4001", "50001")), connection(B, AT_A.replace("4001", "50002")))
    async with asking(*came) as (peers, _):
        peers._host.listening = {A: [AT_A], B: [AT_A.replace("4001", "4002"), AT_B]}
        assert (await peers.having(AT_A, CONTENT.cid, {})).peer_id == A
        with pytest.raises(NoPeersError):
            await peers.having(AT_B, CONTENT.cid, {})  # anybody can say to listen at another host


async def test_a_peer_without_the_file_says_so(autojump_clock):
    async with asking() as (peers, here):
        await here.seed(FAR, complete_content(b"something else"))
        with pytest.raises(NoPeersError, match="doesn't have it: no such manifest is shared here"):
            await peers.having(FAR, CONTENT.cid, {})


async def test_a_peer_that_is_gone_or_silent(autojump_clock):
    async with asking() as (peers, here):
        with pytest.raises(NoPeersError, match=r"can't be asked for it: .* is not reachable"):
            await peers.having(FAR, CONTENT.cid, {})
        here.network.handlers[FAR] = say_nothing
        started = trio.current_time()
        with pytest.raises(NoPeersError, match="can't be asked for it"):
            await peers.having(FAR, CONTENT.cid, {})
        assert trio.current_time() - started <= ASK_S


async def test_a_peer_that_lied_before(autojump_clock):
    async with asking(*BOTH) as (peers, here):
        here.exchange.swarm(CONTENT.cid).ban(A, has_lied=True)
        with pytest.raises(NoPeersError, match="banned"):
            await peers.having(A, CONTENT.cid, {})


# --- and the download that follows ----------------------------------------------------------------------------------


async def test_only_the_chosen_peer_is_asked(autojump_clock):
    async with asking(*BOTH) as (peers, here):
        chosen = await peers.having("192.168.1.10", CONTENT.cid, {})
        here.task.fetch_only_from(chosen.peer_id)
        here.network.providers[CONTENT.cid.multihash] = [A, B]
        await here.task.run()
        assert here.storage.data == DATA
        assert {stream.peer_id for stream in here.leecher.opened} == {A}
        assert here.seeders[B].swarms.get(CONTENT.cid) is None


async def test_a_peer_that_is_chosen_in_the_middle_takes_over_and_others_come_back_when_it_isnt(autojump_clock):
    async with asking() as (_, here):
        here.network.providers[CONTENT.cid.multihash] = [A, B]
        here.nursery.start_soon(here.task.run)
        while not {A, B} <= here.exchange.swarms[CONTENT.cid].sessions.keys():  # noqa: ASYNC110 - a swarm has no event, and this clock costs nothing
            await trio.sleep(0.001)
        here.task.fetch_only_from(B)
        here.leave(B)
        await trio.sleep(60)
        assert here.task.stall_reason().startswith("the chosen peer isn't reachable")
        assert not here.storage.finished
        here.task.fetch_only_from("")
        await trio.sleep(60)
        assert here.storage.data == DATA


async def test_whoever_else_joins_is_served_but_not_asked(autojump_clock):
    async with asking() as (_, here):
        half = complete_content(DATA)
        half.have.clear(0)
        await here.seed(FAR, half)
        here.task.fetch_only_from(FAR)
        here.finder.add_hint(FAR, ())
        here.nursery.start_soon(here.task.run)
        await trio.sleep(0.1)
        here.seeders[A].swarm(CONTENT.cid).set_content(CONTENT)
        await here.seeders[A].open("leecher", (), CONTENT.cid)
        await trio.sleep(15)
        assert here.task.stall_reason() == "1 peer connected, none has chunk 0; only the chosen peer is asked"
        assert here.seeders[A].swarms[CONTENT.cid].total_sent == 0
        here.task.fetch_only_from("")
        await trio.sleep(30)
        assert here.storage.data == DATA


async def test_a_choice_survives_a_restart_until_it_is_taken_back(tmp_path):
    """`node` has one seeder, which is not the chosen peer."""
    async with node(tmp_path) as here:
        item = await here.library.get(LINK, here.folder, (), NamedPeer(FAR, ()))
        assert item.only_peer == FAR
    (tmp_path / "downloads").rmdir()
    async with node(tmp_path) as here:
        task = here.library.active[LINK.cid].task
        with trio.fail_after(60):
            while not task.stall_reason():  # noqa: ASYNC110 - a reason has no event
                await trio.sleep(0.005)
        assert task.stall_reason() == f"the chosen peer isn't reachable: {FAR} is not reachable"
        assert here.host.opened == []
        item = await here.get()
        assert item.only_peer == ""
        await here.until(TransferState.SEEDING)
