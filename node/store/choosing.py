"""Files of a share that a person means by words, and what it costs to skip some.

Rules: a word is a file's path, a folder's (all beneath it), or a pattern with * and ?, of the whole path or, without a
slash in it, of the last name. A word that fits nothing is a mistake and not an empty choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from node.errors import NotFoundError, UsageError
from node.store.catalogue import Catalogue
from node.store.errors import shown
from node.swarm.selection import Priority
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.manifest import Manifest


def choose(
    manifest: Manifest,
    priorities: Mapping[int, Priority],
    words: Sequence[str],
    priority: Priority,
    *,
    others: Priority | None = None,
) -> dict[int, Priority]:
    """The priorities with those of the files meant changed; no words mean all files. `others` is for the rest.

    Raises NotFoundError for a word that fits no file, UsageError if nothing would be left to fetch.
    """
    count = len(manifest.files)
    meant = set(range(count))
    if words:
        meant = {index for word in words for index in _meant(manifest, word)}
    chosen = dict(priorities) if others is None else dict.fromkeys(range(count), others)
    chosen.update(dict.fromkeys(meant, priority))
    if count and all(chosen.get(index) is Priority.SKIP for index in range(count)):
        raise UsageError("that would skip every file; pause or cancel it instead")
    return {index: level for index, level in chosen.items() if level is not Priority.NORMAL}


def keep_priorities(
    catalogue: Catalogue, cid: Cid, manifest: Manifest, priorities: Mapping[int, Priority], have: Bitfield
) -> None:
    """Write a choice down, with how much of the skipped files isn't here."""
    geometry = manifest.geometry
    skipped = (index for index, level in priorities.items() if level is Priority.SKIP)
    absent = sum(_absent(manifest, index, have) for index in skipped)
    catalogue.choices.set_priorities(cid, priorities, len(geometry.file_sizes), skipped_bytes=absent)


def _absent(manifest: Manifest, file_index: int, have: Bitfield) -> int:
    geometry = manifest.geometry
    return sum(geometry.chunk_length(chunk) for chunk in geometry.file_chunks(file_index) if not have[chunk])


def _meant(manifest: Manifest, word: str) -> Iterable[int]:
    wanted = word.strip("/")
    found = [index for index, file in enumerate(manifest.files) if _fits(file.path, wanted)]
    if not found:
        raise NotFoundError(f"no file of {shown(manifest.name)} fits {shown(word)}; info lists them")
    return found


def _fits(path: tuple[str, ...], word: str) -> bool:
    whole = "/".join(path)
    if whole == word or whole.startswith(f"{word}/") or fnmatchcase(whole, word):
        return True
    return "/" not in word and fnmatchcase(path[-1], word)
