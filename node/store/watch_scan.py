"""What there is to share in a watched folder: every file anywhere below it, each by itself.

Rules: names that programs give to files they are still writing are left out, and so is what is hidden: nobody who puts
a folder under watch means these. Symbolic links are not followed, be it the file, a folder on the way to it, or the
watched folder itself, which was none when it was added. Empty files have nothing to share, and the node's own data
folder is never entered. A folder that can't be read is passed over; it shows when it can be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from node.errors import StorageError
from node.store.errors import os_errors, storage_error
from node.store.identity import Identity

MAX_WATCHED = 100_000
"""Files in one watched folder: what is beyond is left out; each costs a row and a place in the provide schedule."""

MAX_HEARD = 10_000
"""Folders in one whose news are heard: the system is told of each, which takes 10 us and halts the whole node."""

PASSING_ENDINGS = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".!qb", ".aria2", ".filepart", "~")
"""Of browsers, download managers and editors, in lower case."""

PASSING_BEGINNINGS = (".", "~$")
"""Hidden files, in which rsync and many others write too, and the locks of office programs."""

PASSING_NAMES = frozenset({"thumbs.db", "desktop.ini"})
"""What file managers leave behind."""


def is_passing_name(name: str) -> bool:
    """Tell whether a file of this name, or in a folder of this name, isn't meant to be shared."""
    low = name.lower()
    return low.startswith(PASSING_BEGINNINGS) or low.endswith(PASSING_ENDINGS) or low in PASSING_NAMES


def place_of(root: str) -> tuple[int, int]:
    """Device and inode of a watched folder, by which it is known again; raises StorageError if it isn't there."""
    try:
        status = os.lstat(root)
    except FileNotFoundError:
        raise StorageError("the folder isn't there") from None
    except OSError as error:
        raise storage_error(error, "can't read", root) from error
    if stat.S_ISLNK(status.st_mode):
        raise StorageError("it is a symbolic link now; watch the folder that it leads to")
    if not stat.S_ISDIR(status.st_mode):
        raise StorageError("it is no folder any more")
    return status.st_dev, status.st_ino


def scan_watched(root: str, own_folder: str) -> dict[str, Identity]:
    """Every file to share below `root`, by absolute path; `own_folder` is the node's data folder.

    Raises StorageError if `root` itself can't be read.
    """
    found: dict[str, Identity] = {}
    place_of(root)
    with os_errors("can't read", root):
        os.scandir(root).close()
    for path, status in _files(root, own_folder):
        if len(found) >= MAX_WATCHED:
            break
        found[path] = Identity.of(status)
    return found


def check_hearable(root: str) -> None:
    """Raise StorageError if a folder can't be listened to as a whole: it is too large, or leads out of itself.

    Who listens (watchfiles) follows symbolic links, and one link to / is all folders of the machine.
    """
    waiting, heard = [root], 0
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
                heard += 1
            elif entry.is_symlink() and _leads_out(entry.path, root):
                raise StorageError("a symbolic link leads out of it; it is read every few seconds")
        if heard > MAX_HEARD:
            raise StorageError(f"it has more than {MAX_HEARD:,} folders; it is read every few seconds")


def look_at(path: str, root: str) -> Identity | None:
    """What is at a path below `root` now, None if that is nothing to share; its name has been looked at already."""
    try:
        parent = os.path.dirname(path)
        while len(parent) > len(root):  # a link on the way leads out of what is shared
            if stat.S_ISLNK(os.lstat(parent).st_mode):
                return None
            parent = os.path.dirname(parent)
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return Identity.of(status) if stat.S_ISREG(status.st_mode) and status.st_size else None


def _leads_out(link: str, root: str) -> bool:
    target = os.path.realpath(link)
    return os.path.isdir(target) and not f"{target}/".startswith(f"{root}/")


def _files(root: str, own_folder: str) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            continue
        for entry in entries:
            if is_passing_name(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                if entry.path != own_folder:
                    waiting.append(entry.path)
            elif stat.S_ISREG(status.st_mode) and status.st_size:
                yield entry.path, status
