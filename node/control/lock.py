"""One node per data folder: an advisory lock that its holder can't leave behind.

The kernel drops `flock` with the process, so `kill -9` leaves no stale lock, only a file that says who was last.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.errors import NoNodeError, StorageError


@dataclass(frozen=True, slots=True)
class FolderLock:
    """Proof that this process is the data folder's node, for as long as `hold_folder` lasts."""

    path: Path


@contextmanager
def hold_folder(path: Path) -> Iterator[FolderLock]:
    """Hold the lock file at `path`; raises `NoNodeError` if another node does, `StorageError` if it can't be made."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"cannot use the data folder {path.parent}: {error.strerror}") from error
    try:
        _lock(fd, path)
        _sign(fd, path)
        try:
            yield FolderLock(path)
        finally:
            os.truncate(fd, 0)
    finally:
        os.close(fd)


def _sign(fd: int, path: Path) -> None:
    """Write down who holds the lock."""
    try:
        os.truncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except OSError as error:
        raise StorageError(f"cannot use the data folder {path.parent}: {error.strerror}") from error


def holder(path: Path) -> int | None:
    """The process id of the node that holds the lock file at `path`; None if none does.

    It only reads: trying the lock could make a node that starts at this moment believe that another one runs.
    """
    try:
        pid = int(path.read_text("ascii"))
        if pid <= 0:
            return None  # to kill() these would be whole process groups
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError, OverflowError):
        return None
    return pid


def _lock(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        who = f" (process {holder})" if holder.isdigit() else ""
        raise NoNodeError(f"another node{who} already uses the data folder {path.parent}") from error
    except OSError as error:
        raise StorageError(f"cannot lock the data folder {path.parent}: {error.strerror}") from error
