"""The files of a download while it is under way: `.<name>.<cid>.part` beside the place where it will end.

Rules: a chunk is hashed before it is written, so nothing unverified ever reaches the disk; files are sparse, and made
when their first chunk comes. What was written and what the disk has confirmed is kept by `downloads`. Thread-safe.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial

from node.errors import StorageError
from node.store.descriptors import Descriptors
from node.store.digesting import digest_whole
from node.store.errors import os_errors, shown
from node.store.growing import GrowingDigests, Recent, write_all
from node.store.identity import Identity
from node.store.libc import start_writing, sync_file_system
from node.store.names import check_chosen_name, check_length, local_paths, safe_name
from node.store.part_names import part_name
from node.store.tree import Tree
from node.store.watch import Watch
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.geometry import ChunkSpan
from protocols.manifest import Manifest
from protocols.rope import Piece, add_to

WRITTEN_EARLY = 1 << 18
"""Chunks from this size on start to be written out at once; smaller ones are better left to gather."""

CAUGHT_UP = 8
"""Bytes taken into a growing digest at most for each one written: itself, and seven that came early or that another
thread wrote meanwhile. At three it fell behind at full speed, and what it met later had to be read back."""


class Partial:
    """The partial of one download; raises StorageError if no path for it can be had. Makes nothing yet.

    `part` is the tree being filled, `final` the one it is to become. `output_name` is a name chosen by a person.
    """

    def __init__(
        self, cid: Cid, manifest: Manifest, destination: str, output_name: str | None, descriptors: Descriptors
    ) -> None:
        self.manifest = manifest
        destination = os.path.abspath(destination)
        name = output_name or safe_name(manifest.name)
        check_chosen_name(name)
        paths = local_paths(file.path for file in manifest.files)
        self.part = Tree(destination, part_name(name, cid), manifest, paths)
        self.final = Tree(destination, name, manifest, paths)
        self.is_moving = False  # its files have their final place, or are just about to: there they are read too
        self.renamed: tuple[Identity, ...] | None = None  # what its files were just before they got their place
        self._descriptors = descriptors
        self.recent = Recent()  # to be entered by who writes a batch and then calls `grow`
        self._growing = GrowingDigests(manifest)
        self._lock = threading.Lock()
        self._touched: set[int] = set()  # files written since the last flush
        check_length(self.part.path if manifest.is_folder else destination, paths)

    def prepare(self) -> None:
        """Make the destination folder if it isn't there; raises StorageError."""
        with os_errors("can't make the folder", self.part.destination):
            os.makedirs(self.part.destination, exist_ok=True)

    def write(self, index: int, data: Piece) -> bool:
        """Write a chunk if it is the one that the manifest means; whether it is. Raises StorageError, DiskFull."""
        span = self.manifest.geometry.chunk(index)
        if len(data) != span.length or add_to(hashlib.sha256(), data).digest() != self.manifest.digest(index):
            return False
        file_index = span.file_index
        with (
            os_errors("can't write", self.part.path),
            self._descriptors.lease(self, file_index, lambda: self.part.make(file_index)) as fd,
        ):
            if growing := self._growing.of(file_index):
                growing.write(fd, data, span.offset)
                self.recent.keep(index, data)
            else:
                write_all(fd, data, span.offset)
            if span.length >= WRITTEN_EARLY:
                start_writing(fd, span.offset, span.length)
        self.touch([index])
        return True

    def grow(self, indexes: Collection[int], has: Callable[[int], bool]) -> None:
        """Take chunks that were just written into the digests of their files, others that `has` when they have a turn.

        Raises StorageError.
        """
        geometry = self.manifest.geometry
        for file_index in {geometry.chunk(index).file_index for index in indexes}:
            growing = self._growing.of(file_index)
            if growing is None:
                continue
            next_piece = partial(self._next_piece, has, file_index)
            with os_errors("can't read", self.part.path):
                growing.grow(next_piece, CAUGHT_UP * sum(map(geometry.chunk_length, indexes)))

    def digest(self, file_index: int, watch: Watch) -> bytes:
        """The SHA-256 of a whole file; raises OSError and Stopped."""
        fd = self.part.open_for_reading(file_index)
        try:
            growing = self._growing.of(file_index)
            return growing.finish(fd, watch) if growing else digest_whole(fd, watch)
        finally:
            os.close(fd)

    def read(self, index: int, offset: int, length: int) -> bytes:
        """`length` bytes of chunk `index`, which has been written, from `offset` on; raises StorageError."""
        span = self.manifest.geometry.chunk(index)
        if offset < 0 or length < 0 or offset + length > span.length:
            raise ValueError(f"{length} bytes from {offset} are not in chunk {index} of {span.length} bytes")
        with os_errors("can't read", self.part.path):
            data = self._pread(span.file_index, length, span.offset + offset)
        if len(data) != length:
            raise StorageError(f"{shown(self.part.path)} was cut off by somebody")
        return data

    def read_as_it_is(self, index: int) -> bytes:
        """Chunk `index` as it is on disk, perhaps short or gone (b""): for verifying; raises StorageError."""
        span = self.manifest.geometry.chunk(index)
        with os_errors("can't read", self.part.path):
            try:
                return self._pread(span.file_index, span.length, span.offset)
            except FileNotFoundError:
                return b""

    def is_placed(self) -> bool:
        """Whether some of its files have a second name in the final place; raises StorageError."""
        if not (self.manifest.is_folder and self.part.exists() and self.final.exists()):
            return False
        with os_errors("can't read", self.final.path):
            pairs = zip(self.part.identities(), self.final.identities(), strict=True)
            return any(ours and theirs and ours.ino == theirs.ino for ours, theirs in pairs)

    def kept(self) -> list[int]:
        """The chunks of which the partial may hold bytes, though nothing is on record; raises StorageError."""
        geometry = self.manifest.geometry
        with os_errors("can't read", self.part.path):
            return [index for index in range(geometry.chunk_count) if self._is_written(geometry.chunk(index))]

    def _is_written(self, span: ChunkSpan) -> bool:
        """Whether there is anything but a hole where a chunk belongs."""
        try:
            with self._descriptors.lease(self, span.file_index, lambda: self.part.open(span.file_index)) as fd:
                return os.lseek(fd, span.offset, os.SEEK_DATA) < span.offset + span.length
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return False
            raise

    def lost(self, have: Bitfield) -> list[int]:
        """Those of the chunks in `have` whose file somebody took away or cut off; raises StorageError."""
        with os_errors("can't read", self.part.path):
            identities = self.part.identities()
        geometry = self.manifest.geometry
        lost: list[int] = []
        for index in have:
            span = geometry.chunk(index)
            identity = identities[span.file_index]
            if identity is None or identity.size != geometry.file_sizes[span.file_index]:
                lost.append(index)
        return lost

    def touch(self, indexes: Iterable[int]) -> None:
        """The files of these chunks belong to the next flush."""
        files = {self.manifest.geometry.chunk(index).file_index for index in indexes}
        with self._lock:
            self._touched |= files

    def flush(self) -> None:
        """Return when all that was written before the call is on the disk itself; raises StorageError, DiskFull.

        A single file is synced by itself. For a folder one sync of the file system costs less than a journal commit
        for each file (syncthing#9273: 6,311 files, more than an hour), and covers the folders too.
        """
        with self._lock:
            touched, self._touched = self._touched, set()
        if not touched:
            return
        try:
            with os_errors("can't write", self.part.path), self.part.root() as root_fd:
                if self.manifest.is_folder:
                    sync_file_system(root_fd)
                else:
                    self._sync_file(0)
                    os.fsync(root_fd)
        except BaseException:
            with self._lock:
                self._touched |= touched
            raise

    def close(self) -> None:
        """Let go of the open files; the next access opens them again."""
        self._descriptors.drop(self)

    def _sync_file(self, file_index: int) -> None:
        fd = self.part.open(file_index)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _next_piece(self, has: Callable[[int], bool], file_index: int, offset: int) -> Piece | None:
        geometry = self.manifest.geometry
        if offset >= geometry.file_sizes[file_index]:
            return None
        index = geometry.file_chunks(file_index)[offset // geometry.chunk_size]
        if data := self.recent.take(index):
            return data
        return self._pread(file_index, geometry.chunk_length(index), offset) if has(index) else None

    def _pread(self, file_index: int, length: int, offset: int) -> bytes:
        with self._descriptors.lease(self, file_index, lambda: self._open(file_index)) as fd:
            return os.pread(fd, length, offset)

    def _open(self, file_index: int) -> int:
        try:
            return self.part.open(file_index)
        except FileNotFoundError:
            if not self.is_moving:
                raise
            return self.final.open_for_reading(file_index)
