"""The files of one share as a download lays them out: under one name below the destination folder.

Rules: the partial and the finished download are the same tree under two names, so that one rename finishes it. Every
path is walked from the destination without following links. Methods raise OSError: the caller knows what it was
doing, and says so.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from node.store.beneath import folder, open_file
from node.store.identity import Identity
from protocols.manifest import Manifest

Path = tuple[str, ...]


class Tree:
    """The tree called `name` in the folder `destination`; `local_paths` are its files' paths below a folder share."""

    def __init__(self, destination: str, name: str, manifest: Manifest, local_paths: Sequence[Path]) -> None:
        self.destination = destination
        self.name = name
        self.manifest = manifest
        self.path = os.path.join(destination, name)
        self._paths = [(name, *path) for path in local_paths] if manifest.is_folder else [(name,)]

    def file_path(self, index: int) -> str:
        """The path of file `index` as a person would type it."""
        return os.path.join(self.destination, *self._paths[index])

    @contextmanager
    def root(self) -> Iterator[int]:
        """An fd of the destination folder, for the body only; a person chose it, so links on the way are fine."""
        fd = os.open(self.destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    def exists(self) -> bool:
        """Whether anything of that name is there, be it a dangling link."""
        return os.path.lexists(self.path)

    def open(self, index: int) -> int:
        """An fd of file `index` for reading and writing, which must be there."""
        with self.root() as root_fd:
            return open_file(root_fd, self._paths[index], os.O_RDWR)

    def open_for_reading(self, index: int) -> int:
        """An fd of file `index` for reading, which must be there."""
        with self.root() as root_fd:
            return open_file(root_fd, self._paths[index], os.O_RDONLY)

    def make(self, index: int) -> int:
        """An fd of file `index`, made if need be with the folders above it, sparse and of its full size."""
        with self.root() as root_fd:
            fd = open_file(root_fd, self._paths[index], os.O_RDWR | os.O_CREAT)
        try:
            if os.fstat(fd).st_size != self.manifest.files[index].size:
                os.ftruncate(fd, self.manifest.files[index].size)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def link(self, index: int, other: Tree) -> None:
        """Give file `index` its place in `other` too, a tree of the same share in the same folder: one file, two names.

        Raises FileExistsError if something else is there.
        """
        ours, theirs = self._paths[index], other._paths[index]
        with (
            self.root() as root_fd,
            folder(root_fd, ours[:-1]) as source,
            folder(root_fd, theirs[:-1], make=True) as at,
        ):
            try:
                os.link(ours[-1], theirs[-1], src_dir_fd=source, dst_dir_fd=at, follow_symlinks=False)
            except FileExistsError:
                here = os.stat(ours[-1], dir_fd=source, follow_symlinks=False)
                if not os.path.samestat(here, os.stat(theirs[-1], dir_fd=at, follow_symlinks=False)):
                    raise

    def replace(self, index: int, other: Tree) -> None:
        """Put file `index` in the place of what `other`, a tree of the same share in the same folder, has there."""
        ours, theirs = self._paths[index], other._paths[index]
        with self.root() as root_fd, folder(root_fd, ours[:-1]) as source, folder(root_fd, theirs[:-1]) as at:
            os.rename(ours[-1], theirs[-1], src_dir_fd=source, dst_dir_fd=at)

    def make_empty(self, empty_dirs: Sequence[Path]) -> None:
        """Make what no chunk makes: the folder itself, empty files and empty folders."""
        with self.root() as root_fd:
            for path in [(self.name, *path) for path in empty_dirs] + [(self.name,)] * self.manifest.is_folder:
                with folder(root_fd, path, make=True):
                    pass
        for index, file in enumerate(self.manifest.files):
            if not file.size:
                os.close(self.make(index))

    def identities(self) -> list[Identity | None]:
        """What each file is now; None for one that is not there, or is something else than a file."""
        found: list[Identity | None] = []
        with self.root() as root_fd:
            for path in self._paths:
                try:
                    with folder(root_fd, path[:-1]) as parent_fd:
                        status = os.stat(path[-1], dir_fd=parent_fd, follow_symlinks=False)
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                        raise
                    found.append(None)
                else:
                    found.append(Identity.of(status) if stat.S_ISREG(status.st_mode) else None)
        return found

    def unlink(self, index: int) -> None:
        """Take file `index` away."""
        path = self._paths[index]
        with self.root() as root_fd, folder(root_fd, path[:-1]) as at:
            os.unlink(path[-1], dir_fd=at)

    def remove_empty_folders(self) -> None:
        """Take away those of the folders of the files that have nothing in them, the innermost first."""
        folders = {path[:depth] for path in self._paths for depth in range(1, len(path))}
        with self.root() as root_fd:
            for path in sorted(folders, key=len, reverse=True):
                with suppress(OSError), folder(root_fd, path[:-1]) as at:
                    os.rmdir(path[-1], dir_fd=at)

    def remove(self) -> None:
        """Delete the tree, if it is there, and nothing that a link in it points to."""
        with suppress(FileNotFoundError), self.root() as root_fd:
            if self.manifest.is_folder:
                shutil.rmtree(self.name, dir_fd=root_fd)
            else:
                os.unlink(self.name, dir_fd=root_fd)
