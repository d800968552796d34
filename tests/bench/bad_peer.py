"""A peer that claims to have all of a file and lies: `python -m tests.bench.bad_peer FILE LIE`.

It prints one JSON line with its link and stays until its stdin ends; the lies are those of `tests.e2e.hostile`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import trio

from node.net.host import HostSettings, open_host
from node.net.identity import load_or_create
from node.store.importing import import_scan
from node.store.scanning import scan
from node.store.watch import Watch
from protocols.exchange import PROTOCOL_ID
from protocols.link import Link
from tests.e2e import hostile


async def main(path: str, lie: str) -> None:
    """Lie until stdin ends."""
    imported = import_scan(scan(path, ""), Watch(lambda done: None, lambda: False))
    hostile.MODES = {imported.cid: lie}
    hostile.BLOCKS = {lie: imported.blocks[0]}
    with tempfile.TemporaryDirectory() as folder:
        async with open_host(HostSettings(load_or_create(Path(folder, "key")))) as host:
            host.set_handler(PROTOCOL_ID, hostile.handle)
            print(json.dumps({"link": str(Link(imported.cid, None, None, tuple(host.addresses()[:1])))}), flush=True)
            await trio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
