"""Doing what is due about watched files: digesting and sharing them, many in one go, and withdrawing what has gone.

Rules: files are withdrawn while others are digested, for which one alone may take an hour; what has been digested is
shared only if it is still wanted then. A file is looked at once more before it is withdrawn. What ought to be withdrawn
and can't be now stays owed, also to who comes after a restart: its row goes last. A fault costs a pause and no more.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import islice
from typing import Protocol

import trio

from node.errors import ShoalError
from node.services.library import IMPORTERS, Library
from node.services.threads import in_thread, stoppable
from node.services.watch_plan import Ended, Known, WatchPlan, inside_of
from node.services.watch_reading import look_again
from node.store.identity import Identity
from node.store.importing_many import BATCH_FILES, Batch, Digested, digest_some
from protocols.cid import Cid

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""Between looks at what is due, while something is awaited."""

FAULT_S = 10.0
"""After a fault, such as a full disk or a share that is being verified: none of these is over at once."""


class SavedFiles(Protocol):
    """Where it is kept what was shared; `node.store.watched` has it."""

    def files(self) -> list[tuple[str, Identity, bytes]]: ...
    def set_files(self, files: Sequence[tuple[str, Identity, bytes]]) -> None: ...
    def remove_files(self, paths: Sequence[str]) -> None: ...


class WatchSharing:
    """Keeps what is shared in step with what the plan says."""

    def __init__(self, library: Library, saved: SavedFiles, folders: Collection[str]) -> None:
        """`folders` are those watched now, whichever they are by then."""
        self.plan: WatchPlan[Identity] = WatchPlan({})
        self.changing = trio.Lock()  # of what is shared and of what is kept about it; never held for long
        self._library = library
        self._saved = saved
        self._folders = folders
        self._owed: dict[str, set[bytes]] = {}  # path -> shares to withdraw; with none only its row is to go
        self._pay_at = 0.0
        self._digesting: tuple[trio.CancelScope, list[str]] | None = None  # with the files
        self._wake = trio.Event()

    async def load(self) -> None:
        """Take in what the last run shared; what is in no watched folder is left from an `unwatch` cut short."""
        known = await in_thread(self._saved.files)
        self.plan = await in_thread(WatchPlan, {path: Known(identity, cid) for path, identity, cid in known})
        inside = tuple(map(inside_of, self._folders))
        for path in self.plan.known:
            if not path.startswith(inside):
                self.plan.gone(path, trio.current_time())

    async def run(self) -> None:
        """Share and withdraw for as long as the node runs."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._repeat, self._withdraw)
            nursery.start_soon(self._repeat, self._share)

    def wake(self) -> None:
        """Something was seen or has gone."""
        self._wake.set()
        self._wake = trio.Event()

    def let_go(self, paths: Sequence[str], *, keep: bool) -> None:
        """Forget files, whose shares are owed from now on unless they are kept; `withdraw_owed` withdraws them."""
        for path in paths:
            ended = self.plan.withdrawn(path)
            if not keep:
                self._owed.setdefault(path, set())
                self._owe(ended)
        if self._digesting and not {*paths}.isdisjoint(self._digesting[1]):
            self._digesting[0].cancel()
        self.wake()

    async def withdraw_owed(self, paths: Sequence[str]) -> None:
        """Withdraw what is owed of these files; for who holds `changing`. What can't be withdrawn now stays owed."""
        paid: list[str] = []
        for path in paths:
            cids = self._owed.get(path)
            if cids is not None and await self._withdraw_all(path, cids):
                self._owed.pop(path, None)
                paid.append(path)
            elif cids is not None:
                self._owed[path] = self._owed.pop(path)  # the others first, the next time
                self._pay_at = trio.current_time() + FAULT_S
        if gone := [path for path in paid if path not in self.plan.known]:
            await in_thread(self._saved.remove_files, gone)

    # --- inside -----------------------------------------------------------------------------------------------

    async def _repeat(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await act()
            except ShoalError as error:
                log.warning("watched folders: %s", error)
                await trio.sleep(FAULT_S)
            except Exception:  # the border: a bug met in one file costs neither the others nor the node
                log.exception("watched folders: something failed inside")
                await trio.sleep(FAULT_S)
            if self.plan.is_idle and not self._owed:
                await self._wake.wait()
            await trio.sleep(LOOK_S)

    async def _withdraw(self) -> None:
        while due := self.plan.to_withdraw(trio.current_time())[:BATCH_FILES]:
            async with self.changing:
                await self._look_again(due)
                self.let_go([path for path in due if self.plan.has_gone(path)], keep=False)
                await self.withdraw_owed(due)
        while self._owed and trio.current_time() >= self._pay_at:
            async with self.changing:
                await self.withdraw_owed(tuple(islice(self._owed, BATCH_FILES)))

    async def _withdraw_all(self, path: str, cids: set[bytes]) -> bool:
        try:
            for cid in tuple(cids):
                await self._library.unshare(Cid.from_bytes(cid), path)
                cids.discard(cid)
        except ShoalError as error:
            log.warning("%s can't be withdrawn now: %s", path, error)
        return not cids

    async def _share(self) -> None:
        while due := self.plan.to_share(trio.current_time(), BATCH_FILES):
            done = await self._digest(due)
            async with self.changing:
                await self._take_in(done)

    async def _digest(self, due: list[tuple[str, Identity]]) -> Batch:
        """Digest the first of what is due; nothing if one of these is wanted no more."""
        with trio.CancelScope() as scope:
            self._digesting = scope, [path for path, _ in due]
            try:
                async with IMPORTERS:
                    return await stoppable(digest_some, due, progress=lambda _: None)
            finally:
                self._digesting = None
        return Batch()

    async def _take_in(self, done: Batch) -> None:
        """Share what was digested; what was shared or failed is due no more."""
        for path, reason in done.failed.items():
            log.info("%s is not shared: %s", path, reason)
            self.plan.failed(path, trio.current_time(), reason)
        await self._look_again(done.changed)
        ready = [each for each in done.ready if self.plan.awaits(each.path)]
        if ready:
            try:
                await self._enter(ready)
            except ShoalError as error:
                for each in ready:
                    self.plan.failed(each.path, trio.current_time(), str(error))
                raise

    async def _enter(self, ready: list[Digested]) -> None:
        await self._library.share_all([digested.imported for digested in ready])
        rows = []
        for each in ready:
            cid = each.imported.cid.to_bytes()
            self._owed.get(each.path, set()).discard(cid)
            is_wanted = self.plan.awaits(each.path)  # it may have gone in the meantime
            self._owe(self.plan.shared(each.path, each.identity, cid))
            if is_wanted:
                rows.append((each.path, each.identity, cid))
            else:
                self.plan.gone(each.path, trio.current_time())
        # Before the rows are written: after a restart in between these files are digested again, which leads here.
        await self.withdraw_owed([path for path, _, _ in rows])
        await in_thread(self._saved.set_files, rows)

    def _owe(self, ended: Sequence[Ended]) -> None:
        for cid, path in ended:
            self._owed.setdefault(path, set()).add(cid)

    async def _look_again(self, paths: Sequence[str]) -> None:
        if paths:
            for path, state in (await in_thread(look_again, paths, tuple(self._folders))).items():
                self.plan.take_in(path, state, trio.current_time())
