"""What a manifest may say: its limits, and the rules for names and paths.

Source: MANIFEST.md, sections 2 to 5.

Rules: plain values in, `RuleError` out; whose fault that is, the caller knows: a peer's when decoding, ours when
encoding. Whether a name can be a file name on this machine is the business of whoever writes files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from protocols.geometry import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE

# 65,536 files with paths of 60 bytes fit. It is the one block that has to arrive whole before anything in it can be
# trusted, and the worst one costs about thirty times its size in memory while it is decoded.
MAX_MANIFEST_SIZE: Final = 8 << 20

MAX_FILES: Final = 65_536  # files and empty directories together; a row on a screen and in a database for each
MAX_PATH_DEPTH: Final = 32  # components; deeper than trees of real work, shallower than PATH_MAX everywhere
MAX_NAME_BYTES: Final = 255  # of UTF-8, a component's limit on ext4, APFS and NTFS or below it

Path = tuple[str, ...]

_COMPONENT: Final = re.compile(r"(?!\.\.?\Z)[^/\0]+")


class RuleError(ValueError):
    """A manifest can't say this; `str()` is a sentence for a person."""


def check_name(name: str) -> None:
    """Refuse what can't be one component of a path: `..`, with `/`, too long, …"""
    if _COMPONENT.fullmatch(name) is None:
        raise RuleError("A name is empty, '.' or '..', or has '/' or NUL in it.")
    if name.isascii():
        size = len(name)
    else:
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise RuleError("A name is not valid Unicode.") from None
    if size > MAX_NAME_BYTES:
        raise RuleError(f"A name has {size} bytes, more than {MAX_NAME_BYTES}.")


def check_tree(files: Sequence[Path], dirs: Sequence[Path]) -> None:
    """Refuse paths out of bounds or order, and any that is inside another.

    Order is bytewise by component, which for UTF-8 is Python's own order of tuples of strings.
    """
    if len(files) + len(dirs) > MAX_FILES:
        raise RuleError(f"A share has {len(files) + len(dirs)} files and empty directories, more than {MAX_FILES}.")
    checked: set[str] = set()  # most components are directories that were seen before
    for path in (*files, *dirs):
        if not 1 <= len(path) <= MAX_PATH_DEPTH:
            raise RuleError(f"A path has {len(path)} components, not 1 to {MAX_PATH_DEPTH}.")
        for component in path:
            if component not in checked:
                check_name(component)
                checked.add(component)
    for kind, paths in (("files", files), ("empty directories", dirs)):
        if any(before >= after for before, after in pairwise(paths)):
            raise RuleError(f"The {kind} are not in order, or one is there twice.")
    # In this order whatever lies inside a path follows it at once.
    for outside, inside in pairwise(sorted((*files, *dirs))):
        if inside[: len(outside)] == outside:
            raise RuleError("A file or empty directory has something else inside it.")


def check_chunk_size(chunk_size: int) -> None:
    """Refuse a chunk size that is not a power of two from 64 KiB to 16 MiB."""
    if not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE or chunk_size.bit_count() != 1:
        raise RuleError(f"A chunk size is a power of two from {MIN_CHUNK_SIZE} to {MAX_CHUNK_SIZE}, not {chunk_size}.")
