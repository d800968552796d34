"""The one place where a name from the network becomes a path. Nothing else may do it.

Rules: names are data. `safe_name` answers every text with a name that is one plain component on Linux, macOS and
Windows; `local_paths` makes the names of one manifest distinct for file systems that ignore case or normalisation.
Both are deterministic and FROZEN: a finished download is found again under the names they gave, so a change here
needs a migration. A manifest with "..", separators or NUL in it was refused when it was decoded; should one ever
come this far, it still can't leave the download folder.
Sources: magic-wormhole NEWS 0.21-0.24 (basename lost twice), CVE-2020-26279 (go-ipfs get), CVE-2020-26283 (control
characters), Microsoft "Naming Files, Paths, and Namespaces", Unicode UAX #9 (bidi) and D145 (caseless matching).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from node.errors import StorageError
from node.store.errors import shown

MAX_NAME_BYTES = 255
"""NAME_MAX of every file system in common use, in bytes of UTF-8."""

MAX_PATH_BYTES = 4095
"""Linux PATH_MAX without the NUL: a longer path can be made but not opened by ordinary programs."""

MAX_EXTENSION_BYTES = 16
"""An extension up to this long survives the shortening of a name; longer ones are hardly extensions."""

_NUMBER_ROOM = len(" (4294967295)")
"""What a numbered name leaves free, the same for each number, so that numbering stays linear in hostile manifests."""

_FORBIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "/\\\\"  # separators here and elsewhere
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi: they make "gpj.exe" look like "exe.jpg"
    "\u200b\u2028\u2029\u2060-\u2064\ufeff"  # invisible, or line ends
    "\ud800-\udfff"  # lone surrogates: no UTF-8 exists for them
    "]"
)

_RESERVED = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL
)
_TRAILING = re.compile(r"[. ]+\Z")


def safe_name(name: str) -> str:
    """The file name that a name from the network gets here; a harmless name is returned as it is."""
    name = _FORBIDDEN.sub("_", name) or "_"
    name = _trail(shorten(_trail(name), MAX_NAME_BYTES))
    if _RESERVED.fullmatch(name):
        name = _trail("_" + shorten(name, MAX_NAME_BYTES - 1))
    return name


def shorten(name: str, limit: int) -> str:
    """The name cut to `limit` bytes of UTF-8 between two characters, its extension kept if it has one."""
    if len(name.encode()) <= limit:
        return name
    stem, extension = _split(name)
    room = limit - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore") + extension


def local_paths(paths: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """The paths below the download folder for a manifest's `paths`, in their order, no two of them the same.

    Names that would meet on a file system without case or normalisation get " (2)", " (3)", … before the extension;
    names that needed no other change keep theirs before those that did.
    """
    all_paths = [tuple(path) for path in paths]
    children: dict[tuple[str, ...], dict[tuple[str, bool], None]] = defaultdict(dict)
    for path in all_paths:
        for depth, name in enumerate(path):
            children[path[:depth]][name, depth + 1 == len(path)] = None
    names = {folder: _distinct(entries) for folder, entries in children.items()}
    return [
        tuple(names[path[:depth]][name, depth + 1 == len(path)] for depth, name in enumerate(path))
        for path in all_paths
    ]


def check_chosen_name(name: str) -> None:
    """Raise StorageError if a name that a person chose for a download can't be one; it may be an unwise one."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise StorageError(f"the name {name!r} is not valid UTF-8") from None
    if name in ("", ".", "..") or "/" in name or "\0" in name or length > MAX_NAME_BYTES:
        raise StorageError(f"{shown(name)} can't be a file name")


def check_length(folder: str, paths: Iterable[Sequence[str]]) -> None:
    """Raise StorageError if one of the `paths` below `folder` is longer than a path may be."""
    room = MAX_PATH_BYTES - len(folder.encode(errors="surrogateescape")) - 1
    for path in paths:
        if sum(len(name.encode()) + 1 for name in path) > room:
            where = shown(str(PurePosixPath(*path)))
            raise StorageError(f"a path is too long below {shown(folder)}: {where[:80]}…; try a shorter folder with -o")


def _trail(name: str) -> str:
    """Windows drops dots and spaces at the end of a name, so each of them becomes "_"."""
    return _TRAILING.sub(lambda match: "_" * len(match[0]), name)


def _split(name: str) -> tuple[str, str]:
    """Stem and extension; a hidden file's leading dot starts no extension."""
    at = name.rfind(".")
    if at <= 0 or len(name[at:].encode()) > MAX_EXTENSION_BYTES:
        return name, ""
    return name[:at], name[at:]


def _fold(name: str) -> str:
    """What two names share when a file system may take them for the same: canonical caseless matching, D145."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _distinct(entries: Iterable[tuple[str, bool]]) -> dict[tuple[str, bool], str]:
    """A distinct safe name for each (name, is a file) of one folder: first come first served, unchanged ones first."""
    safe = {entry: safe_name(entry[0]) for entry in entries}
    taken: set[str] = set()
    result: dict[tuple[str, bool], str] = {}
    for entry, name in safe.items():
        if name == entry[0] and _fold(name) not in taken:
            taken.add(_fold(name))
            result[entry] = name
    numbers: dict[tuple[str, str], int] = defaultdict(lambda: 2)
    for entry, name in safe.items():
        if entry not in result:
            result[entry] = _numbered(name, taken, numbers)
            taken.add(_fold(result[entry]))
    return result


def _numbered(name: str, taken: set[str], numbers: dict[tuple[str, str], int]) -> str:
    """The name itself if it is free, else with the first number that makes it so."""
    if _fold(name) not in taken:
        return name
    stem, extension = _split(name)
    stem = shorten(stem, MAX_NAME_BYTES - _NUMBER_ROOM - len(extension.encode()))
    key = (_fold(stem), _fold(extension))
    while _fold(name) in taken:
        name = f"{stem} ({numbers[key]}){extension}"
        numbers[key] += 1
    return name
