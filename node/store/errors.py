"""What goes wrong with disks and files, as sentences for the person whose disk it is.

Rules: every OSError that leaves this package has become one of these; the table below is the only place that knows
what an errno means. File names in sentences are escaped, so that no name can break a line or a terminal.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from node.errors import ExitCode, ShoalError, StorageError


class DiskFull(StorageError):
    """There is no room: worth another try once there is, so a download pauses on it and does not fail."""

    is_full = True


class SourceChanged(StorageError):
    """A shared file is not the one that was shared any more; not one of its bytes may be served."""


class Stopped(ShoalError):
    """The person or the node asked a long job to stop; nothing is broken."""

    code = ExitCode.INTERRUPTED


_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
}

_WORDS = {
    errno.ENOENT: "it is not there",
    errno.EACCES: "permission denied",
    errno.EPERM: "the system does not permit it",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk reports an I/O error",
    errno.ELOOP: "a symbolic link is in the way",
    errno.ENOTDIR: "something that is not a folder is in the way",
    errno.EISDIR: "it is a folder",
    errno.EEXIST: "something of that name is already there",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.EFBIG: "the file is too large for the file system or the limits set here",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
}


def shown(path: str | os.PathLike[str]) -> str:
    """The path as a sentence may contain it: control characters and undecodable bytes escaped."""
    text = os.fspath(path)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def storage_error(error: OSError, doing: str, path: str | os.PathLike[str]) -> StorageError:
    """The sentence for `error`, met when `doing` ("can't write") something to `path`."""
    if error.errno in _FULL:
        return DiskFull(f"{doing} {shown(path)}: {_FULL[error.errno]}")
    words = _WORDS.get(error.errno or 0) or error.strerror or str(error)
    return StorageError(f"{doing} {shown(path)}: {words}")


@contextmanager
def os_errors(doing: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of the body into the StorageError that tells a person about it."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, doing, path) from error
