"""In a node's process: a folder that answers as a small file system does, where no real one may be mounted.

Python imports this by itself when the folder of this file is on PYTHONPATH. SMALL_DISK names the folder,
SMALL_DISK_SIZE its size in bytes. Only what a node writes and asks with is replaced: `os.pwrite` and `os.statvfs`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["SMALL_DISK"])
SIZE = int(os.environ["SMALL_DISK_SIZE"])

_pwrite = os.pwrite
_statvfs = os.statvfs


def left() -> int:
    """Bytes that nothing under the folder takes yet."""
    return max(0, SIZE - sum(path.stat().st_blocks * 512 for path in FOLDER.rglob("*") if path.is_file()))


def pwrite(fd: int, data: Any, offset: int) -> int:
    """Write what there is room for, and fail as a full disk does when there is none."""
    if not Path(os.readlink(f"/proc/self/fd/{fd}")).is_relative_to(FOLDER):
        return _pwrite(fd, data, offset)
    room = left()
    if room == 0:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return _pwrite(fd, data[:room], offset)


def statvfs(path: Any) -> os.statvfs_result:
    """The file system of a path, with the room that the small disk has."""
    status = _statvfs(path)
    if not isinstance(path, int) and Path(path).is_relative_to(FOLDER):
        fields = list(status)
        fields[3] = fields[4] = left() // status.f_frsize
        return os.statvfs_result(fields)
    return status


os.pwrite = pwrite
os.statvfs = statvfs
