"""Damaged content fetched again: what is right of it is copied into the partial, and the whole replaces it in the end.

Rules: the person's files are only read until every byte of the replacement is verified and flushed; then each file that
differs is replaced by one rename. A file that somebody has changed since the repair began is never replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from node.errors import StorageError
from node.store.errors import os_errors, shown
from node.store.finishing import digest_file
from node.store.identity import Identity, settle
from node.store.libc import sync_file_system
from node.store.partial import Partial
from node.store.watch import Watch

BATCH = 4 << 20
"""Bytes read of the damaged files before they are written and put on record together."""

ABSENT = Identity(0, 0, 0, 0, 0)
"""What is on record of a file that wasn't there when the repair began."""


def as_found(identities: Iterable[Identity | None]) -> list[Identity]:
    """The identities as they are put on record when a repair begins."""
    return [identity or ABSENT for identity in identities]


def remains(partial: Partial, missing: Iterable[int], watch: Watch) -> Iterator[list[tuple[int, bytes]]]:
    """What the damaged files have where chunks are missing, right or not, a batch at a time; raises StorageError."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    for index in missing:
        data = _as_it_is(partial, index)
        watch.advance(len(data))
        batch.append((index, data))
        size += len(data)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def replace(partial: Partial, before: Sequence[Identity], watch: Watch) -> tuple[Identity, ...]:
    """Put the files of a whole partial in the place of those that differ, and answer what all of them are there.

    `before` is what was there when the repair began. Raises StorageError, before anything is replaced, if a file has
    changed since and isn't right. After DiskFull it may be called again.
    """
    partial.flush()
    with os_errors("can't finish", partial.final.path):
        wrong = _to_replace(partial, before, watch)
        partial.close()
        partial.is_moving = True
        partial.renamed = tuple(before)
        for index in wrong:
            if before[index] == ABSENT:
                partial.part.link(index, partial.final)
            else:
                partial.part.replace(index, partial.final)
        partial.final.make_empty(partial.manifest.empty_dirs)
        with partial.final.root() as root_fd:
            sync_file_system(root_fd)
        partial.part.remove()
        identities = [identity for identity in partial.final.identities() if identity]
    if len(identities) != len(partial.manifest.files):
        raise StorageError(f"a file of {shown(partial.final.path)} was taken away by somebody")
    if identities:
        settle(max(identities, key=lambda identity: identity.ctime_ns))
    return tuple(identities)


def _to_replace(partial: Partial, before: Sequence[Identity], watch: Watch) -> list[int]:
    final = partial.final
    wrong: list[int] = []
    for index, identity in enumerate(final.identities()):
        file = partial.manifest.files[index]
        if identity and identity.size == file.size and digest_file(final, index, watch) == file.sha256:
            continue
        if (identity or ABSENT) != before[index]:
            path = shown(final.file_path(index))
            raise StorageError(f"changed since the repair began; move it away and resume: {path}")
        wrong.append(index)
    return wrong


def _as_it_is(partial: Partial, index: int) -> bytes:
    span = partial.manifest.geometry.chunk(index)
    try:
        fd = partial.final.open_for_reading(span.file_index)
    except OSError:  # gone, or something else by now: then it is fetched
        return b""
    try:
        with os_errors("can't read", partial.final.path):
            return os.pread(fd, span.length, span.offset)
    finally:
        os.close(fd)
