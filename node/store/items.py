"""One row of the catalogue as a value, and how it is read from the database.

Rule: of the words of TransferState only DOWNLOADING, PAUSED, COMPLETE, SEEDING and ERROR are kept; being stalled or
verifying is a matter of the moment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from node.status import TransferState
from node.swarm.selection import Priority
from protocols.cid import Cid


@dataclass(frozen=True, slots=True)
class Item:
    """A share or a download; sizes in bytes, times in unix seconds."""

    number: int
    cid: Cid
    name: str
    state: TransferState
    reason: str
    is_folder: bool
    is_import: bool  # its files have the manifest's names, not those that `names.local_paths` gives
    size: int  # before the manifest is known: what the link said, or 0
    chunk_size: int
    chunk_count: int
    file_count: int
    chunks_have: int
    bytes_have: int
    path: str | None  # where the complete content is; None while it is being downloaded
    destination: str | None  # the folder that a download ends in
    output_name: str | None  # the name it gets there, if a person chose one
    hints: tuple[str, ...]
    added_at: float
    received: int
    sent: int
    up_limit_bps: float | None  # bytes per second; None: no limit of its own
    down_limit_bps: float | None
    is_sequential: bool
    skipped_files: int
    skipped_bytes: int  # of the files that aren't wanted, what isn't here
    is_placed: bool  # a download whose wanted files are in their place already
    priority: str  # of its wanted files: high, normal or low, or mixed
    only_peer: str  # the peer that a person chose to fetch it from; "" for whoever has it

    @property
    def has_manifest(self) -> bool:
        """Whether the manifest is known, and with it sizes and counts."""
        return self.chunk_size > 0

    @property
    def is_complete(self) -> bool:
        """Whether everything is in its place; False for a download, even one that lacks only its rename."""
        return self.path is not None


COLUMNS = ", ".join(field.name for field in fields(Item))
"""The columns of `items` are called what the fields are called."""

_CONVERTED: dict[str, Callable[[Any], object]] = {
    "cid": lambda data: Cid(data[1], data[4:]),  # its 36 bytes, checked when they were made
    "state": TransferState,
    "is_folder": bool,
    "is_import": bool,
    "path": lambda path: None if path is None else os.fsdecode(path),
    "destination": lambda path: None if path is None else os.fsdecode(path),
    "hints": lambda hints: () if hints == "[]" else tuple(json.loads(hints)),
    "is_sequential": bool,
    "is_placed": bool,
}
_CONVERSIONS = [(place, _CONVERTED[field.name]) for place, field in enumerate(fields(Item)) if field.name in _CONVERTED]


def item_from_row(row: Sequence[Any]) -> Item:
    """The item of a row selected as COLUMNS."""
    values = list(row)
    for place, convert in _CONVERSIONS:
        values[place] = convert(values[place])
    return Item(*values)


def priority_word(levels: bytes) -> str:
    """How much the wanted ones among files of these levels (a `Priority` each) are wanted: one word for the row."""
    wanted = {level for level in levels if level != Priority.SKIP}
    if len(wanted) > 1:
        return "mixed"
    return Priority(wanted.pop() if wanted else Priority.NORMAL).name.lower()
