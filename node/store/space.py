"""Room on the disk, looked at before a download begins."""

from __future__ import annotations

import os
from pathlib import Path

from node.store.errors import DiskFull, os_errors, shown


def free_space(path: str) -> int:
    """Bytes this user may still write where `path` is or will be; raises StorageError."""
    place = Path(path).absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    with os_errors("can't look at", place):
        status = os.statvfs(place)
    return status.f_bavail * status.f_frsize


def check_room(path: str, need: int) -> None:
    """Raise DiskFull if fewer than `need` bytes are free where `path` is."""
    free = free_space(path)
    if need > free:
        raise DiskFull(f"the disk of {shown(path)} has {free / 1e6:,.1f} MB free and {need / 1e6:,.1f} MB are needed")
