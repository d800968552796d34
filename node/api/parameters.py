"""Parameters that several methods take: an item, a path, words, CIDs. What isn't one is a UsageError."""

from __future__ import annotations

import os

from node.control.server import Call
from node.errors import UsageError
from node.services.threads import in_thread
from node.store.catalogue import Catalogue
from node.store.items import Item
from node.store.resolving import resolve
from protocols.cid import Cid


async def item_of(call: Call, catalogue: Catalogue) -> Item:
    """The item that `target` means; raises NotFoundError and AmbiguousError."""
    return await in_thread(resolve, catalogue, call.param("target", str))


def path_of(call: Call, name: str) -> str:
    """A path that means the same to the node as to its client, who works in another folder."""
    path = call.param(name, str)
    if not os.path.isabs(path) or "\0" in path:
        raise UsageError(f"{call.method} takes {name} as an absolute path, not {path!r}")
    return path


def words_of(call: Call, name: str) -> tuple[str, ...]:
    """A list of texts, empty if there is none."""
    words = call.param(name, list, [])
    if not all(isinstance(word, str) and word for word in words):
        raise UsageError(f"{name} is a list of texts")
    return tuple(words)


def cids_of(call: Call, name: str) -> list[Cid]:
    """A list of CIDs, empty if there is none."""
    try:
        return [Cid.parse(str(text)) for text in call.param(name, list, [])]
    except ValueError as error:
        raise UsageError(f"{name} is a list of CIDs: {error}") from error
