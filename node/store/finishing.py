"""The end of a download: whole files compared, the partial renamed to its name, never over anything.

Rules: a download that meets something of its own name adopts it if it is the same content, and else leaves both
where they are. The order is: whole-file SHA-256, flush, rename, sync of the folder; so under the final name there is
never anything but the whole content, whatever crashes when.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from node.errors import StorageError
from node.store.digesting import THREADS, digest_whole
from node.store.errors import SourceChanged, os_errors, shown
from node.store.identity import Identity, settle
from node.store.libc import rename_new
from node.store.partial import Partial
from node.store.tree import Tree
from node.store.watch import Watch


def wrong_files(partial: Partial, watch: Watch, among: Collection[int] | None = None) -> list[int]:
    """The files of the partial (or those among them) whose SHA-256 isn't the manifest's; makes empty ones first.

    Files of one chunk are not read again: their only chunk was hashed before it was written, and the two digests are
    one (`protocols.manifest` refuses anything else). Raises StorageError and Stopped.
    """
    manifest = partial.manifest
    with os_errors("can't write", partial.part.path):
        partial.part.make_empty(manifest.empty_dirs)
    numbers = range(len(manifest.files)) if among is None else among
    long = [number for number in numbers if manifest.files[number].size > manifest.chunk_size]
    return _differing(partial.part, long, lambda index: partial.digest(index, watch))


def move_into_place(partial: Partial, watch: Watch) -> tuple[Identity, ...]:
    """Flush the partial, give it its final name, and answer what its files are there; raises StorageError, Stopped.

    May be called again after DiskFull, which can also come from the folder's sync, when the name is given already.
    """
    if partial.renamed is None:
        before = _complete(partial.part)
        partial.flush()
        partial.close()
        with os_errors("can't finish", partial.final.path), partial.final.root() as root_fd:
            partial.is_moving = True
            try:
                rename_new(root_fd, partial.part.name, partial.final.name)
            except FileExistsError:
                partial.is_moving = False
                identities = adopt(partial, watch)
                partial.is_moving = True
                partial.part.remove()
                return identities
        partial.renamed = tuple(before)
    with os_errors("can't finish", partial.final.path), partial.final.root() as root_fd:
        os.fsync(root_fd)
    after = _complete(partial.final)
    if [_content(identity) for identity in after] != [_content(identity) for identity in partial.renamed]:
        raise SourceChanged(f"{shown(partial.final.path)} was changed by somebody while it was being finished")
    if after:
        settle(max(after, key=lambda identity: identity.ctime_ns))
    return tuple(after)


def place(partial: Partial, files: Collection[int]) -> None:
    """Give some files of a folder their place already, as a second name of the same bytes; raises StorageError.

    What lies under the final name is whole even so, and the partial is as it was: the others may come later.
    """
    partial.flush()
    with os_errors("can't finish", partial.final.path):
        for index in files:
            partial.part.link(index, partial.final)


def take_back(partial: Partial, watch: Watch) -> None:
    """Delete what `place` put there, but for files that somebody changed since; raises StorageError and Stopped."""
    part, final = partial.part, partial.final
    with os_errors("can't delete", final.path):
        pairs = zip(part.identities(), final.identities(), strict=True)
        for index, (ours, theirs) in enumerate(pairs):
            if ours and theirs and (ours.dev, ours.ino) == (theirs.dev, theirs.ino):
                file = partial.manifest.files[index]
                if theirs.size == file.size and digest_file(final, index, watch) == file.sha256:
                    final.unlink(index)
        final.remove_empty_folders()


def place_rest(partial: Partial) -> tuple[Identity, ...]:
    """Give the rest of the files their place beside those that have it, and answer what all of them are there."""
    place(partial, range(len(partial.manifest.files)))
    with os_errors("can't finish", partial.final.path):
        partial.final.make_empty(partial.manifest.empty_dirs)
        partial.close()
        partial.is_moving = True
        partial.part.remove()
    identities = _complete(partial.final)
    if identities:
        settle(max(identities, key=lambda identity: identity.ctime_ns))
    return tuple(identities)


def adopt(partial: Partial, watch: Watch) -> tuple[Identity, ...]:
    """What the files under the final name are, if they are the download's content; raises StorageError if not."""
    final = partial.final
    with os_errors("can't read", final.path):
        before = final.identities()
        sizes = [identity.size if identity else None for identity in before]
        is_same = sizes == [file.size for file in final.manifest.files] and not _differing(
            final, range(len(sizes)), lambda index: digest_file(final, index, watch)
        )
        if is_same and os.path.isdir(final.path) == final.manifest.is_folder:
            for identity in before:
                if identity:
                    settle(identity)
            if final.identities() == before:
                return tuple(identity for identity in before if identity)
    raise StorageError(
        f"{shown(final.path)} exists and has other content; move it away and resume, or choose another folder with -o"
    )


def digest_file(tree: Tree, index: int, watch: Watch) -> bytes:
    """The SHA-256 of a file of a tree; raises OSError and Stopped."""
    fd = tree.open_for_reading(index)
    try:
        return digest_whole(fd, watch)
    finally:
        os.close(fd)


def _differing(tree: Tree, indexes: Iterable[int], digest: Callable[[int], bytes]) -> list[int]:
    def differs(index: int) -> bool:
        return digest(index) != tree.manifest.files[index].sha256

    indexes = list(indexes)
    with os_errors("can't read", tree.path), ThreadPoolExecutor(THREADS, thread_name_prefix="compare") as pool:
        try:
            return [index for index, is_wrong in zip(indexes, pool.map(differs, indexes), strict=True) if is_wrong]
        finally:
            pool.shutdown(cancel_futures=True)


def _complete(tree: Tree) -> list[Identity]:
    with os_errors("can't read", tree.path):
        identities = tree.identities()
    present = [identity for identity in identities if identity]
    sizes = [file.size for file in tree.manifest.files]
    if [identity.size for identity in present] != sizes:
        raise StorageError(f"a file of {shown(tree.path)} was taken away or cut off by somebody")
    return present


def _content(identity: Identity) -> tuple[int, int, int]:
    """What a rename leaves alone."""
    return identity.ino, identity.size, identity.mtime_ns
