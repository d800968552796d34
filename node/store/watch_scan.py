"""What there is to share in a watched folder: every file anywhere below it, each by itself.

Rules: names that programs give to files they are still writing are left out, and so is what is hidden: nobody who puts
a folder under watch means these. Symbolic links are not followed, empty files have nothing to share, and the node's
own data folder is never entered. A folder that can't be read is passed over; it shows when it can be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from node.store.errors import os_errors
from node.store.identity import Identity

MAX_WATCHED = 100_000
"""Files in one watched folder: what is beyond is left out; each costs a row and a place in the provide schedule."""

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


def scan_watched(root: str, own_folder: str) -> dict[str, Identity]:
    """Every file to share below `root`, by absolute path; `own_folder` is the node's data folder.

    Raises StorageError if `root` itself can't be read.
    """
    found: dict[str, Identity] = {}
    with os_errors("can't read", root):
        os.scandir(root).close()
    for path, status in _files(root, own_folder):
        if len(found) >= MAX_WATCHED:
            break
        found[path] = Identity.of(status)
    return found


def look_at(path: str) -> Identity | None:
    """What is at a path now, None if that is nothing to share; its name has been looked at already."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return Identity.of(status) if stat.S_ISREG(status.st_mode) and status.st_size else None


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
