"""Watched folders: what appears in them is shared, what changes is shared anew, what vanishes is withdrawn.

Rules: every file anywhere below a watched folder is a share of its own, found by its own name (a folder that is to be
one share is shared with `share`). What to do is `watch_plan`'s decision; here the system's news are heard, folders
are read, and what is due is done, many small files in one go. A folder that isn't there, as on a disk that is not
mounted, keeps its shares. The system's news are a hint: folders are read at the start, and again from time to time.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import trio

from node.errors import NotFoundError, ShoalError, StorageError, UsageError
from node.services.library import IMPORTERS, Library
from node.services.threads import in_thread, stoppable
from node.services.watch_plan import Known, WatchPlan
from node.status import WatchStatus
from node.store.identity import Identity
from node.store.importing_many import BATCH_FILES, Digested, digest_some
from node.store.watch_scan import MAX_WATCHED, is_passing_name, look_at, scan_watched
from node.store.watched import WatchedFolders
from protocols.cid import Cid

log = logging.getLogger(__name__)

MAX_FOLDERS = 20
"""Watched folders: each has a thread that waits for the system's news."""

RESCAN_S = 600.0
"""Between readings of a folder whose news are heard: what the system lost is found then."""

DEAF_RESCAN_S = 15.0
"""Between readings of a folder whose news can't be heard: a network drive, or no watches left."""

MANY_NEWS = 500
"""News at once that are answered by reading the folder: that costs less than as many looks."""

TAKEN_IN = 1_000
"""Files of a reading taken in between two chances for others: a millisecond's worth."""

LOOK_S = 0.25
"""Between looks at what is due, while something is awaited."""

News = Callable[[str], AsyncIterator[set[str]]]
"""Opens a folder's news: sets of paths in which something has changed; the first says that they are heard now."""


class Saved(Protocol):
    """Where it is kept what is watched; `node.store.watched` has it."""

    def folders(self) -> list[str]: ...
    def add_folder(self, path: str, now: float) -> None: ...
    def remove_folder(self, path: str) -> None: ...
    def files(self) -> list[tuple[str, Identity, bytes]]: ...
    def set_files(self, files: Sequence[tuple[str, Identity, bytes]]) -> None: ...
    def remove_files(self, paths: Sequence[str]) -> None: ...


class _Folder:
    """One watched folder and its task."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.scope = trio.CancelScope()
        self.problem = ""  # why it can't be read or heard


class Watching:
    """All watched folders of this node."""

    def __init__(self, library: Library, saved: WatchedFolders, news: News, *, own_folder: str) -> None:
        self._library = library
        self._saved: Saved = saved
        self._news = news
        self._own_folder = os.path.realpath(own_folder)
        self._folders: dict[str, _Folder] = {}
        self._plan: WatchPlan[Identity] = WatchPlan({})
        self._nursery: trio.Nursery | None = None
        self._wake = trio.Event()
        self._acting = trio.Lock()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch what was watched before, and what is added, for as long as the node runs."""
        known = await in_thread(self._saved.files)
        self._plan = WatchPlan({path: Known(identity, cid) for path, identity, cid in known})
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for path in await in_thread(self._saved.folders):
                self._begin(path)
            task_status.started()
            while True:
                await self._act()
                if self._plan.next_action() is None:
                    await self._wake.wait()
                    self._wake = trio.Event()
                await trio.sleep(LOOK_S)

    # --- commands ---------------------------------------------------------------------------------------------

    async def add(self, path: str) -> WatchStatus:
        """Watch a folder from now on. Raises NotFoundError, and UsageError for what can't be watched."""
        real = await in_thread(os.path.realpath, path)
        if real in self._folders:
            return self._status(self._folders[real])
        if not await in_thread(os.path.isdir, real):
            raise NotFoundError(f"there is no folder {path}")
        for other in (*self._folders, self._own_folder):
            if real == other or f"{real}/".startswith(f"{other}/"):
                raise UsageError(f"{path} lies in {other}, which is {self._what(other)}")
            if f"{other}/".startswith(f"{real}/") and other != self._own_folder:
                raise UsageError(f"{other}, which lies in {path}, is watched already; unwatch it first")
        if len(self._folders) >= MAX_FOLDERS:
            raise UsageError(f"{MAX_FOLDERS} folders are watched already")
        await in_thread(self._saved.add_folder, real, time.time())
        return self._status(self._begin(real))

    async def remove(self, path: str, *, keep: bool) -> WatchStatus:
        """Watch a folder no more, and withdraw what it shared, unless told to keep it. Raises NotFoundError."""
        real = path if path in self._folders else await in_thread(os.path.realpath, path)
        folder = self._folders.get(real)
        if folder is None:
            raise NotFoundError(f"{path} isn't watched")
        folder.scope.cancel()
        async with self._acting:
            await in_thread(self._saved.remove_folder, real)
            status = self._status(folder)
            del self._folders[real]
            await self._forget(self._plan.paths_below(real), withdraw=not keep)
        return status

    def statuses(self) -> list[WatchStatus]:
        """Every watched folder."""
        return [self._status(folder) for folder in self._folders.values()]

    # --- one folder -------------------------------------------------------------------------------------------

    def _begin(self, path: str) -> _Folder:
        folder = self._folders[path] = _Folder(path)
        assert self._nursery is not None
        self._nursery.start_soon(self._watch, folder)
        return folder

    async def _watch(self, folder: _Folder) -> None:
        told = ""
        with folder.scope:
            while True:
                folder.problem = await self._listen(folder)
                if folder.problem != told:
                    log.warning("watched folder %s: %s", folder.path, folder.problem)
                    told = folder.problem
                await trio.sleep(DEAF_RESCAN_S)

    async def _listen(self, folder: _Folder) -> str:
        """Read the folder and hear its news until that fails; why it did."""
        problem = "its news can't be heard; it is read every few seconds"
        try:
            await self._rescan(folder)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._rescan_regularly, folder)
                is_first = True
                async for paths in self._news(folder.path):
                    if is_first:
                        await self._rescan(folder)  # for what happened since the last reading and wasn't heard
                        is_first = False
                    else:
                        await self._hear(folder, paths)
                nursery.cancel_scope.cancel()
        except* (StorageError, OSError) as group:
            problem = str(_first(group))
        return problem

    async def _rescan_regularly(self, folder: _Folder) -> None:
        while True:
            await trio.sleep(RESCAN_S)
            await self._rescan(folder)

    async def _rescan(self, folder: _Folder) -> None:
        found = await in_thread(scan_watched, folder.path, self._own_folder)
        folder.problem = f"only its first {MAX_WATCHED:,} files are shared" if len(found) >= MAX_WATCHED else ""
        now = trio.current_time()
        for path in self._plan.missing(folder.path, found):
            self._plan.gone(path, now)
        for number, (path, state) in enumerate(found.items()):
            self._plan.seen(path, state, now)
            if number % TAKEN_IN == 0:
                await trio.lowlevel.checkpoint()
        self._wake.set()

    async def _hear(self, folder: _Folder, paths: set[str]) -> None:
        meant = [path for path in paths if not self._is_passing(folder, path)]
        if not await in_thread(os.path.isdir, folder.path):
            raise StorageError("the folder isn't there")
        if len(meant) > MANY_NEWS or await in_thread(_any_folder, meant):
            await self._rescan(folder)
            return
        now = trio.current_time()
        for path, state in zip(meant, await in_thread(_look_at_all, meant), strict=True):
            if state is None:
                self._plan.gone(path, now)
                for below in self._plan.paths_below(path):  # it may have been a folder
                    self._plan.gone(below, now)
            else:
                self._plan.seen(path, state, now)
        self._wake.set()

    def _is_passing(self, folder: _Folder, path: str) -> bool:
        names = os.path.relpath(path, folder.path).split(os.sep)
        return f"{path}/".startswith(f"{self._own_folder}/") or any(map(is_passing_name, names))

    # --- acting -----------------------------------------------------------------------------------------------

    async def _act(self) -> None:
        """Do what is due now; a fault costs a retry, not the watching."""
        try:
            async with self._acting:
                await self._forget(self._plan.to_withdraw(trio.current_time()), withdraw=True)
            while due := self._plan.to_share(trio.current_time(), BATCH_FILES):
                async with self._acting:
                    await self._share_some(due)
        except ShoalError as error:
            log.warning("watched folders: %s", error)

    async def _share_some(self, due: list[tuple[str, Identity]]) -> None:
        """Share the first of what is due; what was shared or failed is due no more."""
        async with IMPORTERS:
            done = await stoppable(digest_some, due, progress=lambda _: None)
        for path, reason in done.failed.items():
            log.info("%s is not shared: %s", path, reason)
            self._plan.failed(path, trio.current_time())
        for path, state in done.changed.items():
            self._plan.seen(path, state, trio.current_time())
        for path in done.gone:
            self._plan.gone(path, trio.current_time())
        if done.ready:
            try:
                await self._enter(done.ready)
            except ShoalError:
                for each in done.ready:
                    self._plan.failed(each.path, trio.current_time())
                raise

    async def _enter(self, ready: list[Digested]) -> None:
        await self._library.share_all([digested.imported for digested in ready])
        rows = [(each.path, each.identity, each.imported.cid.to_bytes()) for each in ready]
        await in_thread(self._saved.set_files, rows)
        for path, identity, cid in rows:
            for old in self._plan.shared(path, identity, cid):
                await self._library.unshare(Cid.from_bytes(old), path)

    async def _forget(self, paths: list[str], *, withdraw: bool) -> None:
        for path in paths:
            cids = [Cid.from_bytes(cid) for cid in self._plan.withdrawn(path)]
            for cid in cids if withdraw else ():
                await self._library.unshare(cid, path)
        if paths:
            await in_thread(self._saved.remove_files, paths)

    # --- looking ----------------------------------------------------------------------------------------------

    def _what(self, folder: str) -> str:
        return "shoal's own data folder" if folder == self._own_folder else "watched already"

    def _status(self, folder: _Folder) -> WatchStatus:
        shared, waiting = self._plan.counts_below(folder.path)
        return WatchStatus(path=folder.path, shared=shared, waiting=waiting, problem=folder.problem)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _any_folder(paths: list[str]) -> bool:
    return any(os.path.isdir(path) and not os.path.islink(path) for path in paths)


def _look_at_all(paths: list[str]) -> list[Identity | None]:
    return [look_at(path) for path in paths]
