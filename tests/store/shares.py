"""Shares made by hand for the store's tests: content in memory, its manifest from hashlib alone."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from protocols.cid import Cid
from protocols.geometry import MIN_CHUNK_SIZE
from protocols.manifest import FileEntry, Manifest, encode

CHUNK = MIN_CHUNK_SIZE


@dataclass(frozen=True)
class Share:
    """A share and all its bytes."""

    cid: Cid
    manifest: Manifest
    blocks: tuple[bytes, ...]
    contents: tuple[bytes, ...]  # in the manifest's order

    def chunk(self, index: int) -> bytes:
        span = self.manifest.geometry.chunk(index)
        return self.contents[span.file_index][span.offset : span.offset + span.length]

    @property
    def count(self) -> int:
        return self.manifest.geometry.chunk_count

    def chunks(self, *indexes: int) -> list[tuple[int, bytes]]:
        return [(index, self.chunk(index)) for index in (indexes or range(self.count))]


def share_file(content: bytes, name: str = "file.bin", chunk_size: int = CHUNK) -> Share:
    return _share(name, {(name,): content}, chunk_size, is_folder=False)


def share_folder(
    files: dict[str, bytes], name: str = "folder", chunk_size: int = CHUNK, empty_dirs: tuple[str, ...] = ()
) -> Share:
    contents = {tuple(path.split("/")): content for path, content in files.items()}
    return _share(name, contents, chunk_size, is_folder=True, empty_dirs=empty_dirs)


def _share(
    name: str,
    contents: dict[tuple[str, ...], bytes],
    chunk_size: int,
    *,
    is_folder: bool,
    empty_dirs: tuple[str, ...] = (),
) -> Share:
    ordered = sorted(contents.items())
    digests = b"".join(
        hashlib.sha256(content[start : start + chunk_size]).digest()
        for _, content in ordered
        for start in range(0, len(content), chunk_size)
    )
    manifest = Manifest(
        name=name,
        chunk_size=chunk_size,
        files=tuple(FileEntry(path, len(content), hashlib.sha256(content).digest()) for path, content in ordered),
        digests=digests,
        is_folder=is_folder,
        empty_dirs=tuple(sorted(tuple(path.split("/")) for path in empty_dirs)),
    )
    encoded = encode(manifest)
    return Share(encoded.cid, manifest, (encoded.block, *encoded.pages), tuple(content for _, content in ordered))


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def write_tree(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def read_tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
