"""Making many files ready to be shared, each by itself: as many as fit into half a second of a thread's time.

Rules: what goes wrong with one file is told of that file, and the others go on. Which files come next is the caller's
business: it calls again with what is left. So is what became of those that are others now: only it knows the folder
out of which no symbolic link may lead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.errors import NotFoundError, StorageError, UsageError
from node.store.errors import SourceChanged
from node.store.identity import Identity
from node.store.importing import Imported, import_scan
from node.store.scanning import scan
from node.store.watch import Watch
from node.store.watch_scan import look_at

BATCH_S = 0.5
"""After so long no further file is begun: others wait for their turn to share, and all of it is one transaction."""

BATCH_FILES = 500


@dataclass(frozen=True, slots=True)
class Digested:
    """A file that is ready, and the state that it was read in."""

    path: str
    identity: Identity
    imported: Imported


@dataclass(slots=True)
class Batch:
    """What came of the files that were looked at."""

    ready: list[Digested] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # gone, or another one now, or while it was read
    failed: dict[str, str] = field(default_factory=dict)  # path -> why


def digest_some(files: Sequence[tuple[str, Identity]], watch: Watch) -> Batch:
    """Digest the first of `files`, each as far as it is still in its state; raises Stopped."""
    batch = Batch()
    end = time.monotonic() + BATCH_S
    for path, identity in files[:BATCH_FILES]:
        _digest_one(path, identity, watch, batch)
        if time.monotonic() >= end:
            break
    return batch


def _digest_one(path: str, identity: Identity, watch: Watch, batch: Batch) -> None:
    if _state(path) != identity:
        batch.changed.append(path)
        return
    try:
        found = scan(path)
        if [file.identity for file in found.files] != [identity]:
            batch.changed.append(path)
            return
        batch.ready.append(Digested(path, identity, import_scan(found, watch)))
    except (SourceChanged, NotFoundError):
        if _state(path) == identity:
            batch.failed[path] = "it can't be read to its end"
        else:
            batch.changed.append(path)
    except (StorageError, UsageError) as error:
        batch.failed[path] = str(error)


def _state(path: str) -> Identity | None:
    return look_at(path, os.path.dirname(path))
