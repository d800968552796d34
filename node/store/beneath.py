"""Opening files below a folder in such a way that no symbolic link leads out of it.

Rules: a path is walked one component at a time from an open folder, and no component may be a link; what is opened
is a regular file. So whoever can write below the folder still can't make the node read or write elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""O_NONBLOCK because opening a fifo that somebody put there would otherwise wait for ever."""


@contextmanager
def folder(root_fd: int, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """An fd of the folder `names` below `root_fd`, for the body only; raises OSError. `make` makes missing ones."""
    fd = os.dup(root_fd)
    try:
        for name in names:
            inner = _enter(fd, name, make=make)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


def _enter(fd: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=fd)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # another thread was faster
        os.mkdir(name, dir_fd=fd)
    return os.open(name, FOLDER, dir_fd=fd)


def open_file(root_fd: int, path: Sequence[str], flags: int) -> int:
    """An fd of the regular file `path` below `root_fd`; with O_CREAT its folders are made too. Raises OSError."""
    with folder(root_fd, path[:-1], make=bool(flags & os.O_CREAT)) as parent_fd:
        return regular(os.open(path[-1], flags | FILE, 0o666, dir_fd=parent_fd))


def open_path(path: str) -> int:
    """An fd for reading of the regular file at an absolute path that a person named; raises OSError.

    Only the last component may not be a link: the caller compares the file's identity with the one on record.
    """
    return regular(os.open(path, os.O_RDONLY | FILE))


def regular(fd: int) -> int:
    """The fd itself; if it is not of a regular file it is closed and OSError is raised."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return fd
