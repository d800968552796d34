"""The methods on the node itself: what it is, whom it knows, what it logs, and its end.

Rules: as in `items`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from node.control.server import Call, Handler
from node.errors import UsageError
from node.folder import DataFolder
from node.logs import last_lines
from node.net.addresses import parse
from node.net.host import Host
from node.net.kademlia import Kademlia
from node.services.library import Library
from node.services.network_status import network_status
from node.services.snapshots import NodeInfo, node_status
from node.services.threads import in_thread
from node.status import to_json

LOG_LINES_DEFAULT = 200
LOG_LINES_MOST = 2_000
"""More than a screen can show; the file is there for the rest."""


class NodeApi:
    """The handlers, bound to the running node."""

    def __init__(
        self,
        host: Host,
        dht: Kademlia,
        library: Library,
        records_held: Callable[[], int],
        catalogues: Callable[[], Awaitable[tuple[int, int]]],
        stop: Callable[[], None],
        info: NodeInfo,
    ) -> None:
        self._host = host
        self._dht = dht
        self._library = library
        self._records_held = records_held
        self._catalogues = catalogues
        self._stop = stop
        self._info = info

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {
            "version": self.version,
            "status": self.status,
            "network": self.network,
            "log": self.log,
            "connect": self.connect,
            "refresh": self.refresh,
            "shutdown": self.shutdown,
        }

    async def version(self, call: Call) -> object:
        """The node's version."""
        return {"version": self._info.version}

    async def status(self, call: Call) -> object:
        """The node itself."""
        catalogues = await self._catalogues()
        held = self._records_held()
        return to_json(await node_status(self._host, self._dht, self._library, held, catalogues, self._info))

    async def network(self, call: Call) -> object:
        """The DHT and the connections."""
        return to_json(await network_status(self._host, self._dht, self._library, self._records_held()))

    async def log(self, call: Call) -> object:
        """The last lines of the node's log."""
        wanted = call.param("lines", int, LOG_LINES_DEFAULT)
        if not 1 <= wanted <= LOG_LINES_MOST:
            raise UsageError(f"lines is a number from 1 to {LOG_LINES_MOST}, not {wanted}")
        return {"lines": await in_thread(last_lines, DataFolder(Path(self._info.home)).log, wanted)}

    async def connect(self, call: Call) -> object:
        """Dial a peer by multiaddr."""
        return {"peer_id": await self._host.connect(parse(call.param("multiaddr", str)))}

    async def refresh(self, call: Call) -> object:
        """Look for peers in every part of the DHT's key space, as the node does by itself from time to time."""
        await self._dht.refresh_routing_table()
        return {"routing_table": self._dht.routing_table_size}

    async def shutdown(self, call: Call) -> object:
        """End the node once this answer has left."""
        call.then = self._stop
        return {}
