"""Many peers in one process that open a session about a share and want nothing of it: for what a node does at rest.

`python -m tests.bench.idle_peers MULTIADDR LINK COUNT`; it prints a line once all are there, and stays until its
stdin ends.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from node.net.host import HostSettings, open_host
from node.net.identity import load_or_create
from protocols.cid import Cid
from protocols.exchange import PROTOCOL_ID, BitfieldMessage, Connection
from protocols.geometry import Geometry
from protocols.link import parse_target


async def main(address: str, link: str, count: int) -> None:
    """Sit there until stdin ends."""
    cid = parse_target(link).cid
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(trio.open_nursery())
            for number in range(count):
                identity = load_or_create(Path(folder, f"key-{number}"))
                host = await stack.enter_async_context(open_host(HostSettings(identity)))
                peer = await host.connect(address)
                stream = await host.open_stream(peer, PROTOCOL_ID)
                await nursery.start(_sit, stream, cid)
            print("all are there", flush=True)
            await trio.to_thread.run_sync(sys.stdin.read)
            nursery.cancel_scope.cancel()


async def _sit(stream, cid: Cid, *, task_status: trio.TaskStatus[None]) -> None:  # type: ignore[no-untyped-def]
    """Say HELLO and an empty bitfield, and listen."""
    connection = Connection(cid, request_limit=1 << 20, max_manifest_size=1 << 20, max_page_size=1 << 20)
    for part in connection.send(connection.hello("idle")):
        await stream.send_all(part)
    connection.receive_data(await stream.receive_some())
    connection.set_geometry(Geometry(1 << 20, (1,)))
    for part in connection.send(BitfieldMessage(bytes(1))):
        await stream.send_all(part)
    task_status.started()
    while await stream.receive_some():
        pass


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
