"""The methods on items: what a command's words mean to the services.

Rules: a handler checks its parameters, finds the item that is meant and calls one service; results are `node.status`
snapshots as JSON. The `handlers` of all classes of this package are the whole API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import trio

from node.api.parameters import cids_of, item_of, path_of
from node.control.server import Call, Handler
from node.errors import UsageError
from node.services.library import Library
from node.services.snapshots import ROWS_AT_ONCE, Snapshots
from node.services.threads import in_thread
from node.status import to_json
from node.store.items import Item
from node.store.scanning import Scan

PROGRESS_S = 0.1
"""Ten times a second: what a progress line can show."""

T = TypeVar("T")

CELLS_DEFAULT = 64
CELLS_MOST = 65_536
"""As many cells as the largest terminal has; the map is a string of so many characters."""


class ItemsApi:
    """The handlers, bound to the running node."""

    def __init__(self, library: Library, snapshots: Snapshots) -> None:
        self._library = library
        self._snapshots = snapshots

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {
            "list": self.list_items,
            "info": self.info,
            "peers": self.peers,
            "share": self.share,
            "pause": self.pause,
            "resume": self.resume,
            "stop": self.stop,
            "cancel": self.cancel,
            "verify": self.verify,
        }

    # --- looking ----------------------------------------------------------------------------------------------

    async def list_items(self, call: Call) -> object:
        """Every share and download; with `moving` only those that are fetched or have a session with somebody.

        `also` names more of them by CID: those that have moved until now, to be told how they ended.
        """
        if call.param("moving", bool, default=False):
            swarms = self._library.exchange.swarms
            moving = {*self._library.active, *(cid for cid, swarm in swarms.items() if swarm.sessions)}
            moving.update(cids_of(call, "also"))
            rows = await in_thread(lambda: [self._library.catalogue.find(cid) for cid in moving])
            return [to_json(self._snapshots.item(row)) for row in rows if row is not None]
        answer = []
        for place, item in enumerate(await self._snapshots.items(), start=1):
            answer.append(to_json(item))
            if place % ROWS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return answer

    async def info(self, call: Call) -> object:
        """One item in full."""
        cells = call.param("cells", int, CELLS_DEFAULT)
        if not 1 <= cells <= CELLS_MOST:
            raise UsageError(f"cells is a number from 1 to {CELLS_MOST}, not {cells}")
        with_files = call.param("files", bool, default=True)
        return to_json(await self._snapshots.detail(await self._item(call), cells, with_files=with_files))

    async def peers(self, call: Call) -> object:
        """Who shares one item, or every connection of the node."""
        if call.params.get("target") is None:
            return [to_json(row) for row in self._snapshots.connections()]
        return [to_json(row) for row in self._snapshots.peers(await self._item(call))]

    # --- doing ------------------------------------------------------------------------------------------------

    async def share(self, call: Call) -> object:
        """Share a path; progress as {name, done, total, files_done, files}."""
        newest: list[dict[str, object]] = []

        def progress(found: Scan, done: int) -> None:
            newest[:] = [{"name": found.name, "done": done, "total": found.total_size, "files": len(found.files)}]

        shared = await _reporting(call, newest, self._library.share(path_of(call, "path"), progress))
        skipped = [f"{entry.path}: {entry.reason}" for entry in shared.scan.skipped]
        if shared.scan.skipped_count > len(skipped):
            skipped.append(f"{shared.scan.skipped_count - len(skipped)} more")
        return {"item": to_json(self._snapshots.item(shared.item)), "skipped": skipped, "new": shared.is_new}

    async def pause(self, call: Call) -> object:
        """Stop a download for now."""
        return await self._act(call, self._library.pause)

    async def resume(self, call: Call) -> object:
        """Go on with a download, or share again."""
        return await self._act(call, self._library.resume)

    async def stop(self, call: Call) -> object:
        """Stop sharing."""
        return await self._act(call, self._library.stop)

    async def cancel(self, call: Call) -> object:
        """Give a file up and forget its row; `delete` says what becomes of what was fetched."""
        delete = call.param("delete", bool)
        return await self._act(call, partial(self._library.cancel, delete=delete))

    async def verify(self, call: Call) -> object:
        """Hash what is here again; progress as {done, total}."""
        item = await self._item(call)
        newest: list[dict[str, object]] = []

        total = item.size if item.is_complete else item.bytes_have

        def progress(done: int) -> None:
            newest[:] = [{"name": item.name, "done": done, "total": total}]

        item, verified = await _reporting(call, newest, self._library.verify(item, progress))
        row = to_json(self._snapshots.item(item))
        return {"item": row, "bad_chunks": list(verified.bad), "checked": verified.checked}

    # --- inside -----------------------------------------------------------------------------------------------

    async def _act(self, call: Call, action: Callable[[Item], Awaitable[Item]]) -> object:
        return to_json(self._snapshots.item(await action(await self._item(call))))

    async def _item(self, call: Call) -> Item:
        return await item_of(call, self._library.catalogue)


async def _reporting(call: Call, newest: list[dict[str, object]], job: Awaitable[T]) -> T:
    """Await a job whose thread puts its newest progress into `newest`, passing it on a few times a second."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_report, call, newest)
        result = await job
        nursery.cancel_scope.cancel()
    return result


async def _report(call: Call, newest: list[dict[str, object]]) -> None:
    while True:
        await trio.sleep(PROGRESS_S)
        if newest:
            await call.progress(newest.pop())
