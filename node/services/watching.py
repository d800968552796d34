"""Watched folders: what appears in them is shared, what changes is shared anew, what vanishes is withdrawn.

Rules: every file anywhere below a watched folder is a share of its own, found by its own name (a folder that is to be
one share is shared with `share`). What to do is `watch_plan`'s decision, and `watch_sharing` does it; here the system's
news are heard and folders are read. A folder that isn't there, as on a disk that is not mounted, keeps its shares. The
system's news are a hint: folders are read at the start, and again from time to time. A fault in one folder is told of
that folder, which is tried again, and the others don't notice.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import chain, repeat

import trio

from node.errors import NotFoundError, StorageError, UsageError
from node.services.library import Library
from node.services.threads import in_thread
from node.services.watch_plan import below_any, inside_of
from node.services.watch_reading import look_around, read_folder
from node.services.watch_sharing import WatchSharing
from node.status import WatchStatus
from node.store.identity import Identity
from node.store.importing_many import BATCH_FILES
from node.store.watch_scan import MAX_WATCHED, check_hearable, place_of
from node.store.watched import WatchedFolders

log = logging.getLogger(__name__)

MAX_FOLDERS = 20
"""Watched folders: each has a thread that waits for the system's news."""

RESCAN_S = 600.0
"""Between readings of a folder whose news are heard: what the system lost is found then."""

DEAF_RESCAN_S = 15.0
"""Between readings of a folder whose news can't be heard: a network drive, or no watches left."""

TAKEN_IN = 250
"""Files of a reading taken in between two chances for others: two milliseconds' worth."""

News = Callable[[str], AsyncIterator[set[str]]]
"""Opens a folder's news: sets of paths in which something has changed; the first says that they are heard now."""


class _Folder:
    """One watched folder and its task."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.scope = trio.CancelScope()
        self.place = (0, 0)  # device and inode
        self.problem = ""  # why it can't be read or heard
        self.is_full = False


class Watching:
    """All watched folders of this node."""

    def __init__(self, library: Library, saved: WatchedFolders, news: News, *, own_folder: str) -> None:
        self._saved = saved
        self._news = news
        self._own_folder = os.path.realpath(own_folder)
        self._folders: dict[str, _Folder] = {}
        self._sharing = WatchSharing(library, saved, self._folders.keys())
        self._nursery: trio.Nursery | None = None
        self._commands = trio.Lock()  # one at a time: what one has checked another could change meanwhile

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch what was watched before, and what is added, for as long as the node runs."""
        for path in await in_thread(self._saved.folders):
            self._folders[path] = _Folder(path)
        await self._sharing.load()
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for folder in self._folders.values():
                nursery.start_soon(self._watch, folder)
            task_status.started()
            await self._sharing.run()

    # --- commands ---------------------------------------------------------------------------------------------

    async def add(self, path: str) -> WatchStatus:
        """Watch a folder from now on. Raises NotFoundError, and UsageError for what can't be watched."""
        async with self._commands:
            real = await in_thread(os.path.realpath, path)
            if real in self._folders:
                return self._status(self._folders[real])
            if not await in_thread(os.path.isdir, real):
                raise NotFoundError(f"there is no folder {path}")
            self._check_apart(path, real)
            await in_thread(self._saved.add_folder, real, time.time())
            folder = self._folders[real] = _Folder(real)
            assert self._nursery is not None
            self._nursery.start_soon(self._watch, folder)
            return self._status(folder)

    async def remove(self, path: str, *, keep: bool) -> WatchStatus:
        """Watch a folder no more, and withdraw what it shared, unless told to keep it. Raises NotFoundError.

        Whoever cancels this once it has begun only doesn't wait for its end.
        """
        async with self._commands:
            real = path if path in self._folders else await in_thread(os.path.realpath, path)
            folder = self._folders.get(real)
            if folder is None:
                raise NotFoundError(f"{path} isn't watched")
            async with self._sharing.changing:
                with trio.CancelScope(shield=True):
                    status = self._status(folder)
                    paths = await self._forget(folder, keep=keep)
        for start in range(0, len(paths), BATCH_FILES):
            async with self._sharing.changing:
                await self._sharing.withdraw_owed(paths[start : start + BATCH_FILES])
        return status

    def statuses(self) -> list[WatchStatus]:
        """Every watched folder."""
        return [self._status(folder) for folder in self._folders.values()]

    # --- one folder -------------------------------------------------------------------------------------------

    def _check_apart(self, path: str, real: str) -> None:
        """Raise UsageError if one more folder is too many, or lies in another one or around it."""
        for other in (*self._folders, self._own_folder):
            if real == other or real.startswith(inside_of(other)):
                raise UsageError(f"{path} lies in {other}, which is {self._what(other)}")
            if other.startswith(inside_of(real)) and other != self._own_folder:
                raise UsageError(f"{other}, which lies in {path}, is watched already; unwatch it first")
        if len(self._folders) >= MAX_FOLDERS:
            raise UsageError(f"{MAX_FOLDERS} folders are watched already")

    async def _forget(self, folder: _Folder, *, keep: bool) -> list[str]:
        """Watch a folder no more; its files, whose shares are to be withdrawn."""
        paths = self._sharing.plan.paths_below(folder.path)
        await in_thread(self._saved.remove_folder, folder.path, paths if keep else ())
        folder.scope.cancel()
        del self._folders[folder.path]
        paths = self._sharing.plan.paths_below(folder.path)
        for start in range(0, len(paths), TAKEN_IN):
            self._sharing.let_go(paths[start : start + TAKEN_IN], keep=keep)
            await trio.lowlevel.checkpoint()
        return paths

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
            folder.place = await in_thread(place_of, folder.path)
            await self._rescan(folder)
            await in_thread(check_hearable, folder.path)
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
        except* Exception as group:  # the border: whatever watchfiles makes of a name costs news, not the node
            log.info("watched folder %s: %s", folder.path, _first(group))
        return problem

    async def _rescan_regularly(self, folder: _Folder) -> None:
        while True:
            await trio.sleep(RESCAN_S)
            await self._rescan(folder)
            await in_thread(look_around, folder.path, folder.place, self._own_folder, ())

    async def _rescan(self, folder: _Folder) -> None:
        plan = self._sharing.plan
        before = dict(plan.known), plan.paths_waiting()
        reading = await in_thread(read_folder, folder.path, self._own_folder, *before)
        await trio.lowlevel.checkpoint()  # unwatched meanwhile: then nothing of it is wanted any more
        folder.is_full = reading.is_full
        folder.problem = f"only its first {MAX_WATCHED:,} files are shared" if reading.is_full else ""
        now = trio.current_time()
        now_there: Iterable[tuple[str, Identity | None]] = chain(
            zip(reading.missing, repeat(None)), reading.found.items()
        )
        for number, (path, state) in enumerate(now_there):
            plan.take_in(path, state, now)
            if number % TAKEN_IN == 0:
                await trio.lowlevel.checkpoint()
        self._sharing.wake()

    async def _hear(self, folder: _Folder, paths: set[str]) -> None:
        plan = self._sharing.plan
        now_there = await in_thread(look_around, folder.path, folder.place, self._own_folder, paths)
        if now_there is None:
            await self._rescan(folder)
            return
        gone = {path for path, state in now_there.items() if state is None and not plan.holds(path)}
        if gone:  # they may have been folders
            below = await in_thread(below_any, (*plan.known, *plan.paths_waiting()), gone)
            now_there.update(dict.fromkeys(below))
        await trio.lowlevel.checkpoint()
        for path, state in now_there.items():
            if not folder.is_full or plan.holds(path):
                plan.take_in(path, state, trio.current_time())
        self._sharing.wake()

    # --- looking ----------------------------------------------------------------------------------------------

    def _what(self, folder: str) -> str:
        return "shoal's own data folder" if folder == self._own_folder else "watched already"

    def _status(self, folder: _Folder) -> WatchStatus:
        counts = self._sharing.plan.counts_below(folder.path)
        problems = [folder.problem] if folder.problem else []
        if counts.failing:
            problems.append(failing_words(counts.failing, self._sharing.plan.reason_below(folder.path)))
        return WatchStatus(path=folder.path, shared=counts.shared, waiting=counts.waiting, problem="; ".join(problems))


def failing_words(number: int, reason: str) -> str:
    """What to tell of files that can't be shared; `reason` is that of one of them, if it is known."""
    what = "1 file" if number == 1 else f"{number:,} files"
    which = "" if number == 1 else "one of them: "
    return f"{what} can't be shared" + (f": {which}{reason}" if reason else "")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
