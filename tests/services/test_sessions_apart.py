"""What one peer does to its session must not reach the download and the other sessions of the same manifest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from node.services.session import CONTROL_QUEUED, PeerSession
from node.services.swarms import Swarm
from protocols.errors import RemoteProtocolError
from protocols.exchange import BitfieldMessage, Connection, Hello, encode
from tests.services.fakes import FakeStream, stream_pair
from tests.services.test_downloading import CONTENT, DATA, World, world

LIMIT = 1 << 20
SIZES = {"request_limit": LIMIT, "max_manifest_size": 1 << 23, "max_page_size": 1 << 19}


def lying(here: World) -> Callable[[FakeStream], Awaitable[None]]:
    """A peer with a bitfield that doesn't fit the manifest, which is told by an honest one only after that."""

    async def handle(stream: FakeStream) -> None:
        connection = Connection(None, **SIZES)
        while not connection.receive_data(await stream.receive_some()):
            pass
        for part in connection.send(connection.hello("liar")):
            await stream.send_all(part)
        await stream.send_all(b"".join(encode(BitfieldMessage(bytes(1000)))))
        await here.seed("honest")
        await trio.sleep_forever()

    return handle


async def test_a_bitfield_that_does_not_fit_costs_its_peer_the_session_and_not_the_download(autojump_clock):
    async with world() as here:
        here.network.handlers["liar"] = lying(here)
        here.network.providers[CONTENT.cid.multihash] = ["liar"]
        task = await here.leech()
        await task.run()
        assert here.storage.data == DATA
        assert here.candidates.is_banned("liar")


async def test_a_peer_that_reads_nothing_loses_its_session_and_the_other_hears_every_have(autojump_clock):
    swarm = Swarm(CONTENT.cid)
    deaf, deaf_end = await greeted("deaf")
    alert, _ = await greeted("alert")
    swarm.sessions = {"deaf": deaf, "alert": alert}
    for session in swarm.sessions.values():
        session.set_geometry(CONTENT.geometry)
        session.queue(BitfieldMessage(bytes(-(-CONTENT.geometry.chunk_count // 8))))
    deaf._control_bytes = CONTROL_QUEUED  # as much as answers to a flood of GET_META would have left there
    swarm.announce_have((1, 2))
    assert deaf.is_closing
    assert not alert.is_closing
    assert alert.connection.announced(2)
    with pytest.raises(RemoteProtocolError, match="reads none"):
        await deaf.receive()
    assert deaf_end.incoming.is_broken


async def greeted(peer: str) -> tuple[PeerSession, FakeStream]:
    """A session that is past HELLO on both sides, and the peer's end of its stream."""
    ours, theirs = stream_pair("here", peer)
    session = PeerSession(ours, Connection(CONTENT.cid, **SIZES), outbound=True, now=0.0)
    await session.greet("here")
    remote = Connection(None, **SIZES)
    remote.receive_data(await theirs.receive_some())
    for part in remote.send(remote.hello(peer)):
        await theirs.send_all(part)
    assert isinstance((await session.receive())[0], Hello)
    return session, theirs
