"""The system calls that Python doesn't wrap: a rename that never replaces, and ways to have the kernel write out.

Rule: where the system or the file system lacks one, a plain call of the same meaning takes its place.
"""

from __future__ import annotations

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_RENAME_NOREPLACE = 1
_SYNC_FILE_RANGE_WRITE = 2
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def rename_new(folder_fd: int, old: str, new: str) -> None:
    """Rename within one open folder, atomically; raises FileExistsError if `new` is there already, else OSError."""
    renameat2 = getattr(_libc, "renameat2", None)
    if renameat2 is not None:
        ctypes.set_errno(0)
        if renameat2(folder_fd, os.fsencode(old), folder_fd, os.fsencode(new), _RENAME_NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), new)
    _rename_new_without_kernel(folder_fd, old, new)


def _rename_new_without_kernel(folder_fd: int, old: str, new: str) -> None:
    """The same by link and unlink; a folder can't be linked, so there a look and a rename must do."""
    try:
        os.link(old, new, src_dir_fd=folder_fd, dst_dir_fd=folder_fd, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a folder, or a file system without hard links
        try:
            os.stat(new, dir_fd=folder_fd, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(old, new, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
    os.unlink(old, dir_fd=folder_fd)


def sync_file_system(fd: int) -> None:
    """Write out everything the file system of `fd` holds back: one call instead of one fsync per file."""
    syncfs = getattr(_libc, "syncfs", None)
    if syncfs is None:
        os.sync()
    elif syncfs(fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def start_writing(fd: int, offset: int, length: int) -> None:
    """Have the kernel begin to write a range to the disk, so that a flush later has little to wait for.

    A hint: it neither waits nor tells of errors of the disk, which the flush does.
    """
    sync_file_range = getattr(_libc, "sync_file_range", None)
    if sync_file_range is not None:
        sync_file_range(fd, ctypes.c_int64(offset), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE)
