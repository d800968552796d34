"""From a path to a share: scan, digest, manifest. The files stay where they are.

Rule: the manifest depends on nothing but names and content, so the same content has the same CID on every node.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.errors import StorageError
from node.store.digesting import Digester, SourceFile
from node.store.errors import shown
from node.store.identity import Identity
from node.store.scanning import Scan
from node.store.watch import Watch
from protocols.cid import Cid
from protocols.errors import LocalProtocolError
from protocols.geometry import chunk_size_for
from protocols.manifest import FileEntry, Manifest, encode


@dataclass(frozen=True, slots=True)
class Imported:
    """A path made ready to be shared: what `Catalogue.add_share` takes."""

    cid: Cid
    manifest: Manifest
    blocks: tuple[bytes, ...]  # the manifest block, then its digest pages
    path: str
    identities: tuple[Identity, ...]


def import_scan(scan: Scan, watch: Watch, chunk_size: int | None = None) -> Imported:
    """Digest what a scan found; the watch counts its bytes. `chunk_size` is for tests and those who know better.

    Raises StorageError (SourceChanged if a file changes meanwhile) and Stopped.
    """
    sizes = [file.identity.size for file in scan.files]
    chunk_size = chunk_size or chunk_size_for(sizes)
    sources = [SourceFile(scan.file_path(file), file.identity) for file in scan.files]
    entries: list[FileEntry] = []
    digests: list[bytes] = []
    with Digester(chunk_size, watch) as digester:
        for file, found in zip(scan.files, digester.digest(sources), strict=True):
            entries.append(FileEntry(file.path, file.identity.size, found.sha256))
            digests.append(found.chunks)
    manifest = Manifest(
        name=scan.name,
        chunk_size=chunk_size,
        files=tuple(entries),
        digests=b"".join(digests),
        is_folder=scan.is_folder,
        empty_dirs=tuple(scan.empty_dirs),
    )
    try:
        encoded = encode(manifest)
    except LocalProtocolError as error:
        raise StorageError(f"{shown(scan.path)} can't be one share: {error}") from error
    identities = tuple(file.identity for file in scan.files)
    return Imported(encoded.cid, manifest, (encoded.block, *encoded.pages), scan.path, identities)
