"""Shares served in place: chunks read from the person's own files.

Rules: before and after each read the open file must be, to the last number, the file that was digested; so no byte
of a changed, replaced or vanished file is served, and nothing outside the share can be read whatever a path leads to
by then. A file that was only touched (chmod, a new hard link) is "changed" too, until it has been verified again
(`services.rechecking` sees to that).
Files are opened for reading only, through a bounded cache.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from node.store.beneath import open_path
from node.store.descriptors import Descriptors
from node.store.errors import SourceChanged, os_errors, shown
from node.store.identity import Identity
from node.store.items import Item
from node.store.names import local_paths
from protocols.manifest import Manifest


class Source:
    """The files of one complete item, for reading; thread-safe."""

    def __init__(
        self, paths: Sequence[str], manifest: Manifest, identities: Sequence[Identity], descriptors: Descriptors
    ) -> None:
        self.paths = tuple(paths)
        self._geometry = manifest.geometry
        self._identities = tuple(identities)
        self._descriptors = descriptors

    def read(self, index: int, offset: int, length: int) -> bytes:
        """`length` bytes of chunk `index` from `offset` on.

        Raises SourceChanged if the file is not what was shared, StorageError if it can't be read.
        """
        span = self._geometry.chunk(index)
        if offset < 0 or length < 0 or offset + length > span.length:
            raise ValueError(f"{length} bytes from {offset} are not in chunk {index} of {span.length} bytes")
        path = self.paths[span.file_index]
        with (
            os_errors("can't read", path),
            self._descriptors.lease(self, span.file_index, lambda: self._open(path)) as fd,
        ):
            self._check(span.file_index, fd)
            data = os.pread(fd, length, span.offset + offset)
            self._check(span.file_index, fd)
        if len(data) != length:
            raise SourceChanged(f"{shown(path)} is shorter than when it was shared")
        return data

    def read_as_it_is(self, index: int) -> bytes:
        """Chunk `index` as the file has it now, changed, short or gone (b""): for verifying; raises StorageError."""
        span = self._geometry.chunk(index)
        path = self.paths[span.file_index]
        with os_errors("can't read", path):
            try:
                fd = open_path(path)
            except FileNotFoundError:
                return b""
            try:
                return os.pread(fd, span.length, span.offset)
            finally:
                os.close(fd)

    def identities_now(self) -> list[Identity | None]:
        """What the files are now, None for one that is gone."""
        return [_identity_at(path) for path in self.paths]

    def close(self) -> None:
        """Let go of the files that are open for this share."""
        self._descriptors.drop(self)

    def _open(self, path: str) -> int:
        try:
            return open_path(path)
        except FileNotFoundError as error:
            raise SourceChanged(f"{shown(path)} is not where it was when it was shared") from error

    def _check(self, file_index: int, fd: int) -> None:
        if Identity.of(os.fstat(fd)) != self._identities[file_index]:
            self._descriptors.drop(self)  # what is there now is to be opened next time
            raise SourceChanged(
                f"changed since it was shared; verify it or share it again: {shown(self.paths[file_index])}"
            )


def source_of(item: Item, manifest: Manifest, identities: Sequence[Identity], descriptors: Descriptors) -> Source:
    """The source of a complete catalogue item."""
    assert item.path is not None
    return Source(file_paths(item.path, manifest, is_import=item.is_import), manifest, identities, descriptors)


def file_paths(path: str, manifest: Manifest, *, is_import: bool) -> list[str]:
    """The absolute path of each file of complete content at `path`.

    `is_import`: the files have the manifest's names, because they are where it was made from.
    """
    if not manifest.is_folder:
        return [path]
    names = [file.path for file in manifest.files]
    return [os.path.join(path, *name) for name in (names if is_import else local_paths(names))]


def _identity_at(path: str) -> Identity | None:
    try:
        return Identity.of(os.stat(path, follow_symlinks=False))
    except OSError:
        return None
