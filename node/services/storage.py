"""Where one download is kept: the catalogue's row and the partial files, as a `DownloadTask` uses them.

Rules: every method but `write` and `read` is called once and in order; all of them block, so that the task calls them
in threads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from node.services.content import ChunkReader
from node.store.catalogue import Catalogue
from node.store.choosing import choose, keep_priorities
from node.store.descriptors import Descriptors
from node.store.downloads import StoredDownload
from node.store.items import Item
from node.store.repairing import as_found
from node.store.sources import source_of
from node.store.space import check_room
from node.store.watch import Watch
from node.swarm.selection import Priority, Wishes
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.manifest import Manifest
from protocols.rope import Rope


class CatalogueStorage:
    """The download of one CID that the catalogue has a row of."""

    def __init__(self, catalogue: Catalogue, cid: Cid, descriptors: Descriptors) -> None:
        self._catalogue = catalogue
        self._cid = cid
        self._descriptors = descriptors
        self._stored: StoredDownload | None = None
        self._reader: ChunkReader | None = None

    def saved_manifest(self) -> tuple[Manifest, tuple[bytes, ...]] | None:
        """The manifest and its blocks, if an earlier run has fetched them."""
        manifest = self._catalogue.manifest(self._cid)
        return (manifest, self._catalogue.blocks(self._cid)) if manifest else None

    def save_manifest(self, manifest: Manifest, blocks: Sequence[bytes]) -> None:
        """Keep a verified manifest, and choose of its files what was asked for before it was known."""
        if only := self._catalogue.choices.only_files(self._cid):  # first, because it may be a mistake
            chosen = choose(manifest, {}, only, Priority.NORMAL, others=Priority.SKIP)
            keep_priorities(self._catalogue, self._cid, manifest, chosen, Bitfield(manifest.geometry.chunk_count))
        self._catalogue.set_manifest(self._cid, manifest, blocks)

    def wishes(self) -> Wishes:
        """Which files a person wants, and in which order."""
        item = self._catalogue.get(self._cid)
        return Wishes(self._catalogue.choices.priorities(self._cid), item.is_sequential)

    def open(self, manifest: Manifest, watch: Watch) -> Bitfield:
        """The chunks that are here already; raises DiskFull if there is no room for the others."""
        stored = StoredDownload(self._catalogue, self._cid, manifest, self._descriptors)
        have = stored.resume(watch)
        wanted = set(self.wishes().wanted(len(manifest.files)))
        chunk_of = manifest.geometry.chunk
        missing = sum(chunk_of(index).length for index in have.missing() if chunk_of(index).file_index in wanted)
        check_room(stored.part_path, missing)
        self._stored = self._reader = stored
        return have

    def read(self, index: int, offset: int, length: int) -> bytes:
        """A range of a chunk that is here, also once the download is finished; raises StorageError."""
        assert self._reader is not None
        return self._reader.read(index, offset, length)

    def write(self, chunks: Sequence[tuple[int, Rope]]) -> tuple[list[int], list[int]]:
        """Verify, write and record chunks; the indexes of the good and of the bad ones."""
        return self._opened.write(chunks)

    def place(self, files: Collection[int], watch: Watch) -> None:
        """Compare some whole files and give them their place; raises StorageError and IntegrityError."""
        self._opened.place(files, watch)

    def finish(self, watch: Watch) -> None:
        """Compare the whole files and move them into place; raises StorageError and IntegrityError."""
        self._reader = self._opened.finish(watch)
        self._stored = None

    def close(self) -> None:
        """Bring to the disk what was written, if the download isn't finished."""
        if self._stored:
            self._stored.close()

    @property
    def _opened(self) -> StoredDownload:
        assert self._stored is not None
        return self._stored


def reopen(catalogue: Catalogue, item: Item, descriptors: Descriptors) -> None:
    """Have what is bad or gone of a finished download fetched again, in place of the files as they are now."""
    manifest = catalogue.manifest(item.cid)
    assert manifest is not None
    source = source_of(item, manifest, (), descriptors)
    catalogue.reopen(item.cid, as_found(source.identities_now()))


def delete_partial(catalogue: Catalogue, item: Item, descriptors: Descriptors) -> None:
    """Delete the partial of a download that doesn't run; its row is the caller's. Raises StorageError."""
    if manifest := catalogue.manifest(item.cid):
        StoredDownload(catalogue, item.cid, manifest, descriptors).discard()


def delete_download(catalogue: Catalogue, item: Item, descriptors: Descriptors, watch: Watch) -> None:
    """Delete all that a download wrote that doesn't run, files in their place too; raises StorageError."""
    if manifest := catalogue.manifest(item.cid):
        StoredDownload(catalogue, item.cid, manifest, descriptors).delete(watch)
