"""What there is to share at a path: files, empty directories, and what is left out and why.

Rules: symbolic links inside a share are reported, never followed, so that nothing outside it is shared by accident
and loops can't be entered; the path a person typed may itself be a link. Sockets, pipes and devices are left out, so
are unfinished downloads and the node's own data folder with its private key. Hidden files are shared. Whatever can't
be read is an error that names it: a share that silently lacks a file would be worse. Nothing is opened but folders.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from node.errors import NotFoundError, StorageError, UsageError
from node.store.beneath import FOLDER, folder
from node.store.errors import os_errors, shown
from node.store.identity import Identity
from node.store.part_names import is_part_name
from protocols.manifest import MAX_FILES, MAX_PATH_DEPTH

SKIPPED_SHOWN = 100
"""Left-out entries that are named; a person who has more looks at the number."""

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file below the share, and its state when it was found."""

    path: tuple[str, ...]
    identity: Identity


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is left out, `path` with slashes."""

    path: str
    reason: str


@dataclass(slots=True)
class Scan:
    """What is at a path; `files` and `empty_dirs` are sorted as a manifest wants them."""

    name: str
    path: str  # absolute, without symbolic links
    is_folder: bool
    files: list[ScannedFile] = field(default_factory=list)
    empty_dirs: list[tuple[str, ...]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)  # the first SKIPPED_SHOWN
    skipped_count: int = 0

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return sum(file.identity.size for file in self.files)

    def file_path(self, file: ScannedFile) -> str:
        """The absolute path of one of the files."""
        return os.path.join(self.path, *file.path) if self.is_folder else self.path


def scan(path: str, own_folder: str | None = None) -> Scan:
    """What `path` would share; `own_folder` is the node's data folder, which is never shared.

    Raises NotFoundError for no such path, StorageError for what can't be read or is beyond a manifest's limits.
    """
    name = os.path.basename(os.path.abspath(path))
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file or folder {shown(path)}") from error
    except OSError as error:
        raise StorageError(f"can't read {shown(path)}: {error.strerror}") from error
    if not name:
        raise StorageError("the root folder has no name to share it under; share a folder in it")
    _check_name(name, path)
    if stat.S_ISREG(status.st_mode):
        return Scan(name, real, is_folder=False, files=[ScannedFile((name,), Identity.of(status))])
    if not stat.S_ISDIR(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a file")
        raise StorageError(f"{shown(path)} is {kind}; only files and folders can be shared")
    result = Scan(name, real, is_folder=True)
    _walk(result, _own_place(own_folder))
    result.files.sort(key=lambda file: file.path)
    result.empty_dirs.sort()
    return result


def _own_place(own_folder: str | None) -> tuple[int, int] | None:
    """Device and inode of the node's data folder: it is known again by whatever path one comes to it."""
    if own_folder is None or not os.path.exists(own_folder):
        return None
    status = os.stat(own_folder)
    return status.st_dev, status.st_ino


def _walk(result: Scan, own_place: tuple[int, int] | None) -> None:
    """Fill in the scan of a folder, without recursion: a hostile tree is as deep as it likes."""
    with os_errors("can't read", result.path):
        root_fd = os.open(result.path, FOLDER)
    try:
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            here = waiting.pop()
            folders = list(_read_folder(result, root_fd, here, own_place))
            waiting.extend(folders)
            _check_count(result, len(waiting))
    finally:
        os.close(root_fd)


def _read_folder(
    result: Scan, root_fd: int, here: tuple[str, ...], own_place: tuple[int, int] | None
) -> Iterator[tuple[str, ...]]:
    """Take note of one folder's entries; its subfolders are the answer."""
    shared_before = len(result.files)
    is_empty = True
    where = Path(result.path, *here)
    with os_errors("can't read", where), folder(root_fd, here) as fd, os.scandir(fd) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            reason = _why_not(entry.name, status, own_place)
            if reason:
                result.skipped_count += 1
                if len(result.skipped) < SKIPPED_SHOWN:
                    result.skipped.append(Skipped("/".join((*here, entry.name)), reason))
                continue
            path = (*here, entry.name)
            _check_name(entry.name, where / entry.name)
            if len(path) > MAX_PATH_DEPTH:
                raise StorageError(f"{shown(where)} is more than {MAX_PATH_DEPTH} folders deep; share a folder in it")
            if stat.S_ISDIR(status.st_mode):
                is_empty = False
                yield path
            else:
                result.files.append(ScannedFile(path, Identity.of(status)))
                _check_count(result, 0)
    if is_empty and len(result.files) == shared_before and here:
        result.empty_dirs.append(here)


def _why_not(name: str, status: os.stat_result, own_place: tuple[int, int] | None) -> str:
    """Why an entry is left out, "" if it is not."""
    if stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) == own_place:
        return "shoal's own data folder"
    if is_part_name(name):
        return "an unfinished download"
    return _KINDS.get(stat.S_IFMT(status.st_mode), "")


def _check_count(result: Scan, waiting: int) -> None:
    """Each folder that waits has at least one file in it, or is an empty folder."""
    if len(result.files) + len(result.empty_dirs) + waiting > MAX_FILES:
        raise StorageError(
            f"{shown(result.path)} has more than {MAX_FILES:,} files and empty folders; share parts of it"
        )


def _check_name(name: str, path: str | os.PathLike[str]) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name of {os.fspath(path)!r} is not valid UTF-8; rename it to share it") from None
