"""A node that only pretends: the control socket of one with 2,000 shares, 25 of them moving. Its answers cost little,
so that what is measured of a dashboard is the dashboard.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import trio

from node.control.lock import hold_folder
from node.control.server import Call, ControlServer, Handler
from node.status import DetailStatus, ItemStatus, TransferState, to_json
from tests.bench.ground import SEED
from tests.ui.scenes import DETAIL, LOG, NODE, PEERS, an_item

SHARES, MOVING = 2000, 25
CHUNKS_BETWEEN = 12
"""Chunks of one download between two looks at it: twenty-five share a fast line."""

SWAY = 0.03
"""How far a rate moves in a tenth of a second: the node's are smoothed over three."""

MB = 1_000_000


class BusyNode:
    """Answers as a node in the midst of many transfers; every rate of a moving row is another one each time."""

    def __init__(self) -> None:
        self._rng = random.Random(SEED)
        still = [
            an_item(n, f"share {n:04}.bin", TransferState.SEEDING, n * MB, 100) for n in range(MOVING + 1, SHARES + 1)
        ]
        self._still = [to_json(item) for item in still]
        self._asked = 0
        self._rates = [self._rng.uniform(1, 9) * MB for _ in range(2 * MOVING)]
        self._map: list[str] = []

    @property
    def handlers(self) -> dict[str, Handler]:
        """What a dashboard asks for."""
        return {"list": self._list, "status": self._status, "info": self._info, "peers": self._peers, "log": self._log}

    def _rows(self) -> list[ItemStatus]:
        self._asked += 1
        self._rates = [rate * self._rng.uniform(1 - SWAY, 1 + SWAY) for rate in self._rates]
        down = TransferState.DOWNLOADING
        return [
            an_item(
                n,
                f"download {n}.mkv",
                down,
                2_000 * MB,
                1 + (self._asked // 40 + n) % 98,
                down_bps=self._rates[2 * n - 1],
                up_bps=self._rates[2 * n - 2],
                eta_s=1_000 * MB / self._rates[2 * n - 1],
                peers_connected=12,
            )
            for n in range(1, MOVING + 1)
        ]

    async def _list(self, call: Call) -> object:
        await trio.lowlevel.checkpoint()
        rows = [to_json(item) for item in self._rows()]
        return rows if call.param("moving", bool, default=False) else rows + self._still

    async def _status(self, call: Call) -> object:
        await trio.lowlevel.checkpoint()
        return to_json(NODE)

    async def _info(self, call: Call) -> object:
        await trio.lowlevel.checkpoint()
        cells = self._cells(call.param("cells", int))
        peers = tuple(replace(peer, down_bps=self._rng.uniform(1, 9) * MB) for peer in PEERS * 3)
        item = next(item for item in self._rows() if item.cid == call.param("target", str))
        return to_json(DetailStatus(item, 1 << 20, 8, 0, cells, DETAIL.file_list, peers))

    def _cells(self, count: int) -> str:
        """A chunk map in which a dozen chunks have moved on since the last time."""
        if len(self._map) != count:
            self._map = self._rng.choices("#v1359", [40, 1, 10, 10, 10, 10], k=count)
        for _ in range(CHUNKS_BETWEEN):
            self._map[self._rng.randrange(count)] = self._rng.choice("#v")
        return "".join(self._map)

    async def _peers(self, call: Call) -> object:
        await trio.lowlevel.checkpoint()
        return [to_json(peer) for peer in PEERS]

    async def _log(self, call: Call) -> object:
        await trio.lowlevel.checkpoint()
        return {"lines": list(LOG)}

    @contextmanager
    def runs(self, home: Path) -> Iterator[None]:
        """Answer at the data folder's socket inside the block."""
        token: trio.lowlevel.TrioToken | None = None
        scope = trio.CancelScope()
        ready = threading.Event()

        async def serve() -> None:
            nonlocal token
            token = trio.lowlevel.current_trio_token()
            with hold_folder(home / "lock") as lock, scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(ControlServer(home / "control.sock", self.handlers, lock=lock).run)
                    ready.set()

        thread = threading.Thread(target=trio.run, args=(serve,))
        thread.start()
        ready.wait()
        try:
            yield
        finally:
            assert token is not None
            token.run_sync_soon(scope.cancel)
            thread.join()
