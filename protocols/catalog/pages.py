"""Entries, and the content-addressed pages they lie in.

Source: SPEC.md, section 2.

Rules: entries ascend by CID, within a page and from page to page, so that one catalogue has one set of pages. A page
says nothing of who publishes it or for how long: the head that names it does. Bytes of a peer are believed field by
field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from protocols import dag_cbor
from protocols.catalog.limits import MAX_PAGE_ENTRIES, MAX_PAGE_SIZE, PAGE_END
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import MAX_UVARINT
from protocols.manifest_rules import MAX_FILES, RuleError, check_name

_LIMITS: Final = dag_cbor.Limits(size=MAX_PAGE_SIZE, depth=3, items=3 + 5 * MAX_PAGE_ENTRIES)
_FIELDS: Final = (Cid, str, int, int)


@dataclass(frozen=True, slots=True)
class Entry:
    """One share as its publisher describes it; the manifest that `cid` names has the truth."""

    cid: Cid
    name: str
    size: int  # bytes
    files: int


def encode_page(entries: Sequence[Entry]) -> bytes:
    """The block of a page; raises LocalProtocolError for entries that no page may have."""
    try:
        _check(entries)
    except RuleError as error:
        raise LocalProtocolError(str(error)) from error
    return dag_cbor.encode({"entries": [[entry.cid, entry.name, entry.size, entry.files] for entry in entries]})


def decode_page(block: bytes) -> tuple[Entry, ...]:
    """The entries of a page from a peer; raises RemoteProtocolError. Up to 10 ms, so not for an event loop."""
    tree = dag_cbor.decode(block, _LIMITS, "The page")
    try:
        entries = _from_tree(tree)
        _check(entries)
    except RuleError as error:
        raise RemoteProtocolError(str(error)) from error
    return entries


def split(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Cut entries, which ascend by CID, into pages that mostly stay what they are when one comes or goes."""
    start = 0
    for end, entry in enumerate(entries, 1):
        if entry.cid.digest[-1] == PAGE_END or end - start == MAX_PAGE_ENTRIES or end == len(entries):
            yield entries[start:end]
            start = end


def _from_tree(tree: object) -> tuple[Entry, ...]:
    rows = tree.get("entries") if isinstance(tree, dict) and len(tree) == 1 else None
    if not isinstance(rows, list):
        raise RuleError("This block is not a page of a catalogue.")
    for row in rows:
        if not isinstance(row, list) or tuple(map(type, row)) != _FIELDS:
            raise RuleError("An entry is not a CID, a name, a size and a number of files.")
    return tuple(Entry(*row) for row in rows)


def _check(entries: Sequence[Entry]) -> None:
    if not 1 <= len(entries) <= MAX_PAGE_ENTRIES:
        raise RuleError(f"A page has {len(entries)} entries, not 1 to {MAX_PAGE_ENTRIES}.")
    for entry in entries:
        if entry.cid.codec != DAG_CBOR:
            raise RuleError("An entry is of something else than a manifest.")
        check_name(entry.name)
        if not (0 <= entry.size <= MAX_UVARINT and 0 <= entry.files <= MAX_FILES):
            raise RuleError("An entry has a size or a number of files that no share has.")
    if any(before.cid >= after.cid for before, after in pairwise(entries)):
        raise RuleError("The entries of a page are not in order, or one is there twice.")
