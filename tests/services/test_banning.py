"""Banning by hand: whom a word means, what it does to a session under way, and that it is remembered."""

from __future__ import annotations

import pytest
import trio

from node.errors import AmbiguousError, NotFoundError, UsageError
from node.services.banning import AUTOMATIC_SHOWN, Banning
from node.services.peer_rows import connection_rows, sharing_rows
from node.status import PeerStatus
from node.store.bans import Bans
from node.store.database import Database
from tests.services.test_downloading import CONTENT, World, written
from tests.services.test_introducing import peer_id
from tests.services.test_named_peers import AT_A, AT_B, BOTH, A, B, connection

ME = peer_id("me")


class Gate:
    """The host, as far as bans go: to disconnect a peer breaks its streams."""

    def __init__(self, world: World, *connections) -> None:
        self.peer_id = ME
        self.refused: frozenset[str] = frozenset()
        self._world = world
        self._connections = list(connections)

    def connections(self):
        return self._connections

    def refuse(self, peer_ids: frozenset[str]) -> None:
        self.refused = peer_ids

    async def disconnect(self, peer: str) -> None:
        await trio.lowlevel.checkpoint()
        self._connections = [each for each in self._connections if each.peer_id != peer]


@pytest.fixture
def saved(tmp_path):
    database = Database(tmp_path / "state.db")
    yield Bans(database)
    database.close()


@pytest.fixture
async def world(nursery):
    here = World(nursery)
    for peer in (A, B):
        await here.seed(peer)
    await here.leech()
    return here


def banning(world: World, saved: Bans, *connections) -> Banning:
    return Banning(Gate(world, *connections), world.exchange, saved)


@pytest.mark.parametrize(
    "text", ["192.168.1.10", f" {A} ", A[:14], AT_A, f"{AT_A}/p2p/{A}", f"/ip4/10.0.0.1/tcp/1/p2p/{A}"]
)
async def test_every_way_of_naming_a_peer_bans_it_and_lifts_that(autojump_clock, world, saved, text):
    bans = banning(world, saved, *BOTH)
    assert (await bans.ban(text)).peer_id == A
    assert bans._host.refused == {A}
    assert [each.peer_id for each in bans._host.connections()] == [B]
    assert (await bans.lift(text if "10.0.0.1" not in text else A)).peer_id == A
    assert not bans._host.refused
    assert not saved.all()


async def test_a_peer_that_was_never_here_is_banned_by_its_whole_id(autojump_clock, world, saved):
    bans = banning(world, saved)
    assert (await bans.ban(peer_id("stranger"))).multiaddr == ""
    with pytest.raises(NotFoundError):
        await bans.ban("12D3Koo")
    with pytest.raises(NotFoundError):
        await bans.ban("192.168.7.7")


async def test_what_could_be_several_bans_nobody(autojump_clock, world, saved):
    bans = banning(world, saved, connection(A, AT_A), connection(B, AT_A))
    with pytest.raises(AmbiguousError):
        await bans.ban("192.168.1.10")
    with pytest.raises(UsageError):
        await bans.ban(ME)
    with pytest.raises(NotFoundError):
        await bans.lift(A)
    assert not bans.bans


async def test_a_ban_is_remembered_and_twice_is_once(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    first = await bans.ban(AT_B)
    assert await bans.ban(B) == first
    later = banning(world, saved, *BOTH)
    await later.restore()
    assert later.bans == {B: first}
    assert first.multiaddr.startswith(AT_B)
    assert [each.peer_id for each in later._host.connections()] == [A]


async def test_a_session_under_way_hears_a_last_word_and_the_rest_comes_from_others(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.task.run)
        while A not in (swarm := world.task.swarm).sessions:  # noqa: ASYNC110 - virtual time
            await trio.sleep(0.01)
        session = swarm.sessions[A]
        await bans.ban(A)
        assert session.written.is_set()
        assert A not in swarm.sessions or session.is_closing
        nursery.cancel_scope.cancel()


async def test_a_row_tells_what_passes_and_who_wants_or_refuses_what(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.task.run)
        while len(world.storage.writes) < 5:  # noqa: ASYNC110 - virtual time
            await trio.sleep(0.001)
        machine = world.task.machine
        machine.peers[B].busy_until = trio.current_time() + 60
        rows = _rows(world.task.swarm, machine, bans)
        assert rows[A].flags == "D"
        assert "C" in rows[B].flags
        assert rows[A].agent == A  # the fakes say their name
        (there,) = _rows(world.seeders[A].swarms[CONTENT.cid], None, bans).values()
        assert there.flags == "UI"
        world.task.swarm.liars.add(A)
        await bans.ban(A)
        assert _rows(world.task.swarm, machine, bans)[A].flags.endswith("!B")
        nursery.cancel_scope.cancel()


def _rows(swarm, machine, bans) -> dict[str, PeerStatus]:
    rows = sharing_rows(swarm, 41, machine, bans._host.connections(), bans.bans, trio.current_time())
    return {row.peer_id: row for row in rows}


async def test_who_is_banned_stands_below_the_connections(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    await bans.ban(A)
    rows = connection_rows(bans._host.connections(), bans.bans)
    assert [(row.number, row.peer_id, row.flags) for row in rows] == [(1, B, ""), (2, A, "B")]
    assert rows[1].address == "192.168.1.10"


async def test_what_the_node_has_banned_itself_is_listed_lifted_and_asked_again(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    task = world.task
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run)
        await written(world.storage, 3)
        task.asking.ban(A, "a wrong chunk")
        task.asking.ban(B, "an odd message", has_lied=False)
        while task.swarm.sessions:  # noqa: ASYNC110 - virtual time
            await trio.sleep(0.01)
        assert _rows(task.swarm, task.machine, bans)[A].flags == "!b"
        assert _rows(task.swarm, task.machine, bans)[B].flags == "b"
        assert [(ban.peer_id, ban.reason) for ban in bans.listed()] == [
            (A, "wrong data, 1 file"),
            (B, "broke the protocol, 1 file"),
        ]
        assert "are banned" in task.stall_reason()
        have = len(world.storage.writes)
        await trio.sleep(300)
        assert len(world.storage.writes) == have
        assert (await bans.lift(A)).peer_id == A
        assert [ban.peer_id for ban in bans.listed()] == [B]
    assert world.storage.finished
    assert not saved.all()


async def test_lifting_a_ban_by_hand_lifts_the_nodes_own_too(autojump_clock, world, saved):
    bans = banning(world, saved, *BOTH)
    world.task.swarm.listener = world.task.asking
    world.task.asking.ban(A, "a wrong chunk")
    await bans.ban(A)
    assert [(ban.peer_id, ban.reason) for ban in bans.listed()] == [(A, "")]
    await bans.lift(A)
    assert not bans.listed()
    assert not world.candidates.banned


async def test_of_many_bans_of_its_own_the_latest_are_listed(autojump_clock, world, saved):
    bans = banning(world, saved)
    for number in range(AUTOMATIC_SHOWN + 10):
        world.task.swarm.ban(f"liar {number}", has_lied=True)
    assert len(bans.listed()) == AUTOMATIC_SHOWN
    assert bans.listed()[-1].peer_id == f"liar {AUTOMATIC_SHOWN + 9}"
