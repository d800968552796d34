"""A download at rest: its partial and its row in the catalogue, kept in step.

Rules: hash, disk, record, in that order: `write` returns when a chunk is on record, and only then may it be announced.
After `kill -9` everything on record is there. After a crash of the machine what had not been flushed is read again
before it is believed, and nothing else is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence

from node.errors import IntegrityError, StorageError
from node.store.catalogue import Catalogue
from node.store.descriptors import Descriptors
from node.store.errors import os_errors, shown
from node.store.finishing import adopt, move_into_place, place, place_rest, take_back, wrong_files
from node.store.identity import Identity
from node.store.partial import Partial
from node.store.repairing import remains, replace
from node.store.sources import Source, source_of
from node.store.verifying import bad_chunks
from node.store.watch import Watch
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.manifest import Manifest
from protocols.rope import Piece

FLUSH_S = 30.0
"""Between two flushes: by then the kernel has begun to write on its own, so that a flush hardly holds up a fast
download, and what has to be read again after a power cut is half a minute's worth of it."""


class StoredDownload:
    """One download whose manifest is known (and in the catalogue). Thread-safe, but opened and finished by one."""

    def __init__(self, catalogue: Catalogue, cid: Cid, manifest: Manifest, descriptors: Descriptors) -> None:
        item = catalogue.get(cid)
        assert item.destination is not None
        self.cid = cid
        self.manifest = manifest
        self._catalogue = catalogue
        self._descriptors = descriptors
        self._partial = Partial(cid, manifest, item.destination, item.output_name, descriptors)
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        held = catalogue.held(cid)
        self._have = held.have
        self._unflushed = set(held.flushed.missing_from(held.have))
        self._flushed_at = time.monotonic()
        self._doubtful = held.doubtful
        self._adopted: tuple[Identity, ...] | None = None
        self._replaced = catalogue.identities(cid)  # the damaged files that are to be replaced, if there are any
        self._is_placed = item.is_placed  # some files have their place already, by `place`

    @property
    def part_path(self) -> str:
        """Where the partial is."""
        return self._partial.part.path

    @property
    def final_path(self) -> str:
        """Where the download will be when it is finished."""
        return self._partial.final.path

    @property
    def have(self) -> Bitfield:
        """A copy of the bitfield."""
        with self._lock:
            return self._have.copy()

    @property
    def needs_recheck(self) -> bool:
        """Whether a crash of the machine left chunks that `resume` has to read again."""
        return bool(self._doubtful)

    def resume(self, watch: Watch) -> Bitfield:
        """Make sure of what is had, before anything else is done; the watch counts the bytes that are read.

        Content that is already in its final place, from a run that ended just after the rename or by the person's own
        hand, is had at once. Raises StorageError, also if something else is in that place, and Stopped.
        """
        self._partial.prepare()
        if not self._is_placed and self._partial.is_placed():  # by a download whose row was given up
            self._set_placed()
        if self._partial.final.exists() and not self._is_begun_beside_it and self._adopt(watch):
            return self.have
        if not self._have.count and self._partial.part.exists():
            self._take_over(watch)
        lost = self._partial.lost(self._have)
        doubtful = sorted(set(self._doubtful) - set(lost))
        bad = bad_chunks(self._partial.read_as_it_is, self.manifest, doubtful, watch)
        self._forget(lost + bad)
        self._partial.touch(self._unflushed)
        if self._doubtful:
            self._doubtful = ()
            self.flush()
        if self._replaced:
            for batch in remains(self._partial, self.have.missing(), watch):
                self.write(batch)
        return self.have

    def write(self, chunks: Sequence[tuple[int, Piece]]) -> tuple[list[int], list[int]]:
        """Verify, write and record chunks (index, data); the indexes of good and of bad ones.

        Raises StorageError, DiskFull if there was no room; what was written before that is on record.
        """
        assert not self._doubtful, "resume() comes first"
        good: list[int] = []
        bad: list[int] = []
        with self._partial.recent:
            try:
                for index, data in chunks:
                    (good if self._partial.write(index, data) else bad).append(index)
            finally:
                if good:
                    self._record(good)
            self._partial.grow(good, self._has)
        if time.monotonic() - self._flushed_at >= FLUSH_S:
            self.flush()
        return good, bad

    def read(self, index: int, offset: int, length: int) -> bytes:
        """`length` bytes of a chunk that is had, from `offset` on; raises StorageError."""
        return self._partial.read(index, offset, length)

    def flush(self) -> None:
        """Bring all that is on record to the disk itself; raises StorageError, DiskFull."""
        with self._flushing:
            with self._lock:
                unflushed, self._unflushed = self._unflushed, set()
                self._flushed_at = time.monotonic()
            try:
                self._partial.flush()
            except BaseException:
                with self._lock:
                    self._unflushed |= unflushed
                raise
            self._catalogue.mark_flushed(self.cid, unflushed, self.manifest.geometry)

    def place(self, files: Collection[int], watch: Watch) -> None:
        """Compare some files of a folder, which are whole, and give them their place; the others may come later.

        Raises as `finish` does. May be called again, with other files too.
        """
        if wrong := wrong_files(self._partial, watch, files):
            raise self._mismatch(wrong, watch)
        if not self._is_placed:
            if self._partial.final.exists():
                adopt(self._partial, watch)  # which it can't be: that says so
            self._set_placed()
        place(self._partial, files)

    def finish(self, watch: Watch) -> Source:
        """Compare the whole files, move them into place, and record it: the source to seed from.

        Raises StorageError if something else is in that place, IntegrityError if a file doesn't match: chunks that
        went bad on disk are then missing again, and Stopped. After DiskFull it may be called again.
        """
        identities = self._adopted
        if identities is None:
            is_moved = self._partial.renamed is not None  # by a call that then met a full disk
            wrong = [] if is_moved else wrong_files(self._partial, watch)
            if wrong:
                raise self._mismatch(wrong, watch)
            identities = self._adopted = self._move(watch)  # not to be done again
        self.discard()
        item = self._catalogue.complete_download(self.cid, self.final_path, identities)
        return source_of(item, self.manifest, identities, self._descriptors)

    def close(self) -> None:
        """Flush, and let go of the open files; the download can be opened again. Raises StorageError."""
        try:
            self.flush()
        finally:
            self._partial.close()

    def discard(self) -> None:
        """Delete the partial, if there is one; the row in the catalogue is the caller's. Raises StorageError."""
        self._partial.close()
        with os_errors("can't delete", self.part_path):
            self._partial.part.remove()

    @property
    def _is_begun_beside_it(self) -> bool:
        """Whether what lies in the final place is known not to be all of the content."""
        return bool(self._is_placed or self._replaced) and self._partial.part.exists()

    def _adopt(self, watch: Watch) -> bool:
        """Take what lies in the final place for the content, if it is: only damaged content may be something else."""
        try:
            self._adopted = adopt(self._partial, watch)
        except StorageError:
            if not self._replaced:
                raise
            return False
        self._partial.is_moving = True
        with self._lock:
            self._have = Bitfield.full(self.manifest.geometry.chunk_count)
        return True

    def _move(self, watch: Watch) -> tuple[Identity, ...]:
        if self._replaced and self._partial.final.exists():
            return replace(self._partial, self._replaced, watch)
        return place_rest(self._partial) if self._is_placed else move_into_place(self._partial, watch)

    def _set_placed(self) -> None:
        self._catalogue.choices.set_placed(self.cid, True)
        self._is_placed = True

    def delete(self, watch: Watch) -> None:
        """Delete all that this download wrote, but for files in their place that somebody changed since.

        Raises StorageError and Stopped.
        """
        if self._is_placed:
            take_back(self._partial, watch)
        self.discard()

    def _has(self, index: int) -> bool:
        with self._lock:
            return self._have[index]

    def _take_over(self, watch: Watch) -> None:
        """Read what a download left here whose row was given up."""
        kept = self._partial.kept()
        bad = set(bad_chunks(self._partial.read_as_it_is, self.manifest, kept, watch))
        self._record([index for index in kept if index not in bad])

    def _record(self, indexes: list[int]) -> None:
        self._catalogue.record_chunks(self.cid, indexes, self.manifest.geometry)
        with self._lock:
            for index in indexes:
                if self._have.set(index):
                    self._unflushed.add(index)

    def _forget(self, indexes: list[int]) -> None:
        if not indexes:
            return
        self._catalogue.forget_chunks(self.cid, indexes, self.manifest.geometry)
        with self._lock:
            for index in indexes:
                self._have.clear(index)
            self._unflushed.difference_update(indexes)

    def _mismatch(self, wrong: list[int], watch: Watch) -> IntegrityError:
        """The error for files that don't match, after finding out whose fault it is."""
        chunks = [index for number in wrong for index in self.manifest.geometry.file_chunks(number)]
        bad = bad_chunks(self._partial.read_as_it_is, self.manifest, chunks, watch)
        self._forget(bad)
        name = shown("/".join(self.manifest.files[wrong[0]].path))
        if bad:
            return IntegrityError(
                f"{len(bad)} chunks went bad on disk, the first in {name}; resume to fetch them again"
            )
        return IntegrityError(
            f"{name} doesn't match its SHA-256 though each of its chunks does: its maker made it wrong"
        )
