"""The manifest: what a share is made of, in a block whose CID people pass on.

Source: MANIFEST.md.

Rules: one encoding for each content, and nothing in it but content, so that the same files under the same name have
the same CID on every node. Up to `INLINE_DIGESTS` chunk digests are in the block; more are in digest pages, blocks
of their own that the manifest names. Bytes from a peer are believed field by field, and digests stay one bytes
object: a manifest of a million chunks costs 32 MiB and no object per chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Final

from protocols import dag_cbor
from protocols.cid import DAG_CBOR, DIGEST_LENGTH, RAW, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.geometry import MAX_CHUNKS, Geometry
from protocols.manifest_rules import (
    MAX_FILES,
    MAX_MANIFEST_SIZE,
    MAX_NAME_BYTES,
    MAX_PATH_DEPTH,
    Path,
    RuleError,
    check_chunk_size,
    check_name,
    check_tree,
)

__all__ = [
    "INLINE_DIGESTS",
    "MAX_CHUNKS",
    "MAX_FILES",
    "MAX_MANIFEST_SIZE",
    "MAX_NAME_BYTES",
    "MAX_PATH_DEPTH",
    "PAGE_DIGESTS",
    "EncodedManifest",
    "FileEntry",
    "Manifest",
    "attach_pages",
    "check_page",
    "decode",
    "encode",
]

VERSION: Final = 1

# 256 KiB: a share of 8 GiB in default chunks needs one block and one round trip.
INLINE_DIGESTS: Final = 8_192
# 512 KiB: well under the 1 MiB that every libp2p implementation takes as one block; 128 pages at most.
PAGE_DIGESTS: Final = 16_384

_LIMITS: Final = dag_cbor.Limits(
    size=MAX_MANIFEST_SIZE,
    depth=4,  # manifest, files, file, path
    items=64 + MAX_CHUNKS // PAGE_DIGESTS + MAX_FILES * (7 + MAX_PATH_DEPTH),  # a file: itself, 3 keys, 3 values
)
_FIELDS: Final = {
    "v": int, "dirs": list, "name": str, "chunk": int, "files": list, "pages": list, "folder": bool, "digests": bytes,
}  # fmt: skip
_FILE_FIELDS: Final = {"path": list, "size": int, "sha256": bytes}
_EMPTY_SHA256: Final = sha256().digest()


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its path in the share, its bytes and the SHA-256 of all of it."""

    path: Path
    size: int
    sha256: bytes


@dataclass(frozen=True)  # no slots: `geometry` is computed once, when first asked for
class Manifest:
    """A share: a single file, or a folder of files and empty directories.

    A single file has its name as its path; in a folder, paths start below it. Files and `empty_dirs` are sorted by
    path. `digests` are the chunks' SHA-256 in order, 32 bytes each, or empty while the digest pages are missing;
    `pages` are those pages' CIDs, known once a manifest was decoded.
    """

    name: str
    chunk_size: int
    files: tuple[FileEntry, ...]
    digests: bytes = b""
    pages: tuple[Cid, ...] = ()
    is_folder: bool = False
    empty_dirs: tuple[Path, ...] = ()

    @cached_property
    def geometry(self) -> Geometry:
        """Where every chunk lies."""
        return Geometry(self.chunk_size, tuple(entry.size for entry in self.files))

    @property
    def has_digests(self) -> bool:
        """Whether chunks can be verified: digests are inline, or pages attached."""
        return len(self.digests) == self.geometry.chunk_count * DIGEST_LENGTH

    def digest(self, index: int) -> bytes:
        """The SHA-256 of chunk `index`.

        Raises `IndexError` outside the share, or while the pages are missing.
        """
        if not 0 <= index < len(self.digests) // DIGEST_LENGTH:
            raise IndexError(f"no digest of chunk {index} of {self.geometry.chunk_count}")
        return self.digests[index * DIGEST_LENGTH : (index + 1) * DIGEST_LENGTH]


@dataclass(frozen=True, slots=True)
class EncodedManifest:
    """A manifest as blocks: the one that `cid` names, and its digest pages in order."""

    cid: Cid
    block: bytes
    pages: tuple[bytes, ...]


def encode(manifest: Manifest) -> EncodedManifest:
    """The blocks of a manifest that has all its digests.

    Raises `LocalProtocolError`, in words for a person, for what no manifest can say.
    """
    try:
        _check_content(manifest)
        if not manifest.has_digests:
            count = manifest.geometry.chunk_count
            raise RuleError(f"{count} chunks can't have {len(manifest.digests)} bytes of digests.")
        _check_small_files(manifest)
    except RuleError as error:
        raise LocalProtocolError(str(error)) from error
    pages = _split_pages(manifest.digests)
    block = dag_cbor.encode(
        {
            "v": VERSION,
            "name": manifest.name,
            "folder": manifest.is_folder,
            "chunk": manifest.chunk_size,
            "files": [{"path": [*file.path], "size": file.size, "sha256": file.sha256} for file in manifest.files],
            "dirs": [[*path] for path in manifest.empty_dirs],
            "digests": b"" if pages else manifest.digests,
            "pages": [Cid.of(RAW, page) for page in pages],
        }
    )
    if len(block) > MAX_MANIFEST_SIZE:
        raise LocalProtocolError(f"The manifest has {len(block)} bytes, more than {MAX_MANIFEST_SIZE}.")
    return EncodedManifest(Cid.of(DAG_CBOR, block), block, pages)


def decode(block: bytes) -> Manifest:
    """The manifest a peer's block holds, without digests if they are in pages.

    Raises `RemoteProtocolError`. That the block is the one asked for is not checked here: `cid.names(block)`. The
    largest one takes about a second, so it is not for an event loop.
    """
    tree = dag_cbor.decode(block, _LIMITS, "The manifest")
    try:
        manifest = _from_tree(tree)
        _check_content(manifest)
        _check_digest_place(manifest)
        if manifest.has_digests:
            _check_small_files(manifest)
    except RuleError as error:
        raise RemoteProtocolError(str(error)) from error
    return manifest


def check_page(manifest: Manifest, number: int, page: bytes) -> None:
    """Refuse a digest page that is not number `number`, counted from 0.

    Raises `RemoteProtocolError` if its length is wrong or the manifest names another.
    """
    start = number * PAGE_DIGESTS
    expected = min(PAGE_DIGESTS, manifest.geometry.chunk_count - start) * DIGEST_LENGTH
    if len(page) != expected:
        raise RemoteProtocolError(f"Digest page {number} has {len(page)} bytes, not {expected}.")
    if not manifest.pages[number].names(page):
        raise RemoteProtocolError(f"Digest page {number} is not the one the manifest names.")


def attach_pages(manifest: Manifest, pages: Sequence[bytes]) -> Manifest:
    """The manifest with the digests of all its pages.

    Raises `RemoteProtocolError` if a page is not the one named or gives a small file another digest.
    """
    if len(pages) != len(manifest.pages):
        raise LocalProtocolError(f"A manifest of {len(manifest.pages)} digest pages was given {len(pages)}.")
    if not manifest.pages:
        return manifest
    for number, page in enumerate(pages):
        check_page(manifest, number, page)
    whole = replace(manifest, digests=b"".join(pages))
    try:
        _check_small_files(whole)
    except RuleError as error:
        raise RemoteProtocolError(str(error)) from error
    return whole


def _split_pages(digests: bytes) -> tuple[bytes, ...]:
    if len(digests) <= INLINE_DIGESTS * DIGEST_LENGTH:
        return ()
    step = PAGE_DIGESTS * DIGEST_LENGTH
    return tuple(digests[start : start + step] for start in range(0, len(digests), step))


def _from_tree(tree: object) -> Manifest:
    """The fields, each of its own type; what they say is not looked at."""
    if not isinstance(tree, dict) or type(tree.get("v")) is not int:
        raise RuleError("This block is not a manifest.")
    if tree["v"] != VERSION:
        raise RuleError(f"The manifest has version {tree['v']}, and this node reads version {VERSION}.")
    _check_fields(tree, _FIELDS)
    for file in tree["files"]:
        _check_fields(file, _FILE_FIELDS)
    if not all(isinstance(page, Cid) and page.codec == RAW for page in tree["pages"]):
        raise RuleError("The manifest names a digest page by something else than the CID of a raw block.")
    return Manifest(
        name=tree["name"],
        chunk_size=tree["chunk"],
        files=tuple(FileEntry(_path(file["path"]), file["size"], file["sha256"]) for file in tree["files"]),
        digests=tree["digests"],
        pages=tuple(tree["pages"]),
        is_folder=tree["folder"],
        empty_dirs=tuple(_path(path) for path in tree["dirs"]),
    )


def _check_fields(value: object, fields: dict[str, type]) -> None:
    """Exactly these keys and types: to Python a boolean would be an integer."""
    if not isinstance(value, dict) or value.keys() != fields.keys():
        raise RuleError(f"The manifest has a map with other keys than {', '.join(fields)}.")
    for key, kind in fields.items():
        if type(value[key]) is not kind:
            raise RuleError(f"The manifest's '{key}' is of a wrong type.")


def _path(components: object) -> Path:
    if not isinstance(components, list) or not all(isinstance(component, str) for component in components):
        raise RuleError("The manifest has a path that is not a list of texts.")
    return tuple(components)


def _check_content(manifest: Manifest) -> None:
    check_name(manifest.name)
    check_chunk_size(manifest.chunk_size)
    paths = [file.path for file in manifest.files]
    check_tree(paths, manifest.empty_dirs)
    if not manifest.is_folder and (paths != [(manifest.name,)] or manifest.empty_dirs):
        raise RuleError("A share of one file has that file under its own name, and no directories.")
    for file in manifest.files:
        if file.size < 0 or len(file.sha256) != DIGEST_LENGTH:
            raise RuleError("A file has a negative size or a SHA-256 that is not 32 bytes.")
        if file.size == 0 and file.sha256 != _EMPTY_SHA256:
            raise RuleError("An empty file has a SHA-256 that is not that of no bytes.")
    if manifest.geometry.chunk_count > MAX_CHUNKS:
        raise RuleError(f"The share has {manifest.geometry.chunk_count} chunks, more than {MAX_CHUNKS}.")


def _check_digest_place(manifest: Manifest) -> None:
    """Inline up to the limit, in pages beyond it, and as many as there are chunks."""
    count = manifest.geometry.chunk_count
    inline, pages = (count, 0) if count <= INLINE_DIGESTS else (0, -(-count // PAGE_DIGESTS))
    if (len(manifest.digests), len(manifest.pages)) != (inline * DIGEST_LENGTH, pages):
        raise RuleError(
            f"The manifest has {len(manifest.digests)} bytes of digests and {len(manifest.pages)} digest pages, where "
            f"{count} chunks need {inline * DIGEST_LENGTH} and {pages}."
        )


def _check_small_files(manifest: Manifest) -> None:
    """A file of one chunk has its digest as SHA-256, or it could never be finished."""
    for number, file in enumerate(manifest.files):
        if file.size == 0 or file.size > manifest.chunk_size:
            continue
        if manifest.digest(manifest.geometry.file_chunks(number)[0]) != file.sha256:
            raise RuleError("A file of one chunk has a SHA-256 that is not its chunk's.")
