"""Looking at watched folders, for threads: what is there, what is there no more, and what became of what was told of.

Rules: what a reading hasn't found is looked for again by itself, because files move while folders are read; only then
it is missing. Nothing here changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from node.errors import StorageError
from node.services.watch_plan import Known, inside_of
from node.store.identity import Identity
from node.store.watch_scan import MAX_WATCHED, is_passing_name, look_at, place_of, scan_watched

MANY_NEWS = 500
"""News at once that are answered by reading the folder: that costs less than as many looks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading of a folder has found, and which of the files known before it are missing."""

    found: dict[str, Identity]
    missing: list[str]

    @property
    def is_full(self) -> bool:
        """Whether there may be more that is left out."""
        return len(self.found) >= MAX_WATCHED


def read_folder(root: str, own_folder: str, known: Mapping[str, Known[Identity]], waiting: Iterable[str]) -> Reading:
    """Read a folder; `known` and `waiting` are the files shared and to be shared, as they were before this.

    Raises StorageError if the folder can't be read, or seems not to be mounted.
    """
    found = scan_watched(root, own_folder)
    inside = inside_of(root)
    before = [path for path in known if path.startswith(inside)]
    if not found and before and place_of(root)[0] not in {known[path].state.dev for path in before}:
        raise StorageError("it is empty, and not on the disk that its files were on: that isn't mounted")
    missing = []
    for path in (*before, *(path for path in waiting if path.startswith(inside))):
        if path not in found:
            state = look_at(path, root)
            if state is None:
                missing.append(path)
            else:
                found[path] = state
    return Reading(found, missing)


def look_around(
    root: str, place: tuple[int, int], own_folder: str, told: Iterable[str]
) -> dict[str, Identity | None] | None:
    """How the files now look of which the news told; None if the folder is better read as a whole.

    Raises StorageError if the folder isn't that at `place` any more: then nothing more will be heard of this one.
    """
    if place_of(root) != place:
        raise StorageError("it is another folder now")
    meant = [path for path in told if _is_meant(root, own_folder, path)]
    if len(meant) > MANY_NEWS or any(os.path.isdir(path) and not os.path.islink(path) for path in meant):
        return None
    return {path: look_at(path, root) for path in meant}


def look_again(paths: Iterable[str], roots: Collection[str]) -> dict[str, Identity | None]:
    """How files look now; None also for what lies in none of the folders any more."""
    return {
        path: next((look_at(path, root) for root in roots if path.startswith(inside_of(root))), None) for path in paths
    }


def _is_meant(root: str, own_folder: str, path: str) -> bool:
    names = os.path.relpath(path, root).split(os.sep)
    return not (f"{path}/".startswith(f"{own_folder}/") or any(map(is_passing_name, names)))
