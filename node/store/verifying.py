"""Reading chunks back and comparing them with their digests.

Rules: a chunk that is short or gone is bad like one with wrong bytes; a file that can't be read at all is an error.
Threads read and hash; what they hold at once is bounded.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from node.errors import NotFoundError
from node.store.catalogue import Catalogue
from node.store.descriptors import Descriptors
from node.store.digesting import THREADS
from node.store.errors import SourceChanged, shown
from node.store.identity import Identity, settle
from node.store.items import Item
from node.store.partial import Partial
from node.store.sources import source_of
from node.store.watch import Watch
from protocols.manifest import Manifest

AHEAD = 2 * THREADS
"""Chunks under way: no thread waits for the next one, and 8 chunks of 16 MiB fit any machine."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of everything that is had found: how many chunks were read, and which are bad."""

    checked: int
    bad: tuple[int, ...]


def verify(catalogue: Catalogue, item: Item, descriptors: Descriptors, watch: Watch) -> Verified:
    """Hash again all that is here of an item; the watch counts bytes.

    A share without bad chunks is known by its files as they are now; bad chunks are on record, those of a download as
    missing again.
    Raises NotFoundError before the manifest is known, StorageError (SourceChanged if somebody writes to a share
    meanwhile) and Stopped.
    """
    manifest = catalogue.manifest(item.cid)
    if manifest is None:
        raise NotFoundError(f"nothing of {shown(item.name or str(item.cid))} is here yet")
    if item.is_complete:
        return _verify_share(catalogue, item, manifest, descriptors, watch)
    return _verify_download(catalogue, item, manifest, descriptors, watch)


def bad_chunks(read: Callable[[int], bytes], manifest: Manifest, indexes: Iterable[int], watch: Watch) -> list[int]:
    """Those of the chunks that don't match their digest; `read(index)` gives what is there of one, or b"".

    Raises StorageError and Stopped.
    """
    bad: list[int] = []
    running: deque[tuple[int, Future[bool]]] = deque()

    def is_good(index: int) -> bool:
        return hashlib.sha256(read(index)).digest() == manifest.digest(index)

    def take() -> None:
        index, future = running.popleft()
        if not future.result():
            bad.append(index)
        watch.advance(manifest.geometry.chunk_length(index))

    with ThreadPoolExecutor(THREADS, thread_name_prefix="verify") as pool:
        try:
            for index in indexes:
                running.append((index, pool.submit(is_good, index)))
                if len(running) >= AHEAD:
                    take()
            while running:
                take()
        finally:
            pool.shutdown(cancel_futures=True)
    return bad


def _verify_share(
    catalogue: Catalogue, item: Item, manifest: Manifest, descriptors: Descriptors, watch: Watch
) -> Verified:
    source = source_of(item, manifest, catalogue.identities(item.cid), descriptors)
    before = source.identities_now()
    for identity in before:
        if identity:
            settle(identity)
    bad = set(bad_chunks(source.read_as_it_is, manifest, range(manifest.geometry.chunk_count), watch))
    if source.identities_now() != before:
        raise SourceChanged(f"{shown(item.path or item.name)} changed while it was being verified; verify it again")
    bad |= _misfits(manifest, before)
    if not bad:  # so what is gone, if anything, is an empty file, of which nobody can ask a byte
        known = catalogue.identities(item.cid)
        catalogue.set_identities(item.cid, [now or old for now, old in zip(before, known, strict=True)])
    else:
        catalogue.set_damaged(item.cid, bad, manifest.geometry)
    return Verified(manifest.geometry.chunk_count, tuple(sorted(bad)))


def _misfits(manifest: Manifest, identities: Sequence[Identity | None]) -> set[int]:
    """The chunks of files that are gone, or have grown: their chunks may be right, but the file is not."""
    return {
        index
        for number, identity in enumerate(identities)
        if identity is None or identity.size != manifest.files[number].size
        for index in manifest.geometry.file_chunks(number)
    }


def _verify_download(
    catalogue: Catalogue, item: Item, manifest: Manifest, descriptors: Descriptors, watch: Watch
) -> Verified:
    assert item.destination is not None
    have = catalogue.held(item.cid).have
    partial = Partial(item.cid, manifest, item.destination, item.output_name, descriptors)
    try:
        bad = bad_chunks(partial.read_as_it_is, manifest, have, watch)
    finally:
        partial.close()
    if bad:
        catalogue.forget_chunks(item.cid, bad, manifest.geometry)
    return Verified(have.count, tuple(bad))
