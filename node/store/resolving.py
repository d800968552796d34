"""What a person means by `3`, a CID, the beginning of one, a link or a name: the row of the catalogue.

Rules: a row number wins over a name made of digits, a CID over both; what fits several rows is an error that names
them, and never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.errors import AmbiguousError, NotFoundError, UsageError
from node.store.catalogue import Catalogue
from node.store.errors import shown
from node.store.items import Item
from protocols.link import SCHEME, LinkError, could_be_cid_prefix, parse_target

MIN_PREFIX = 6
"""Shorter ones are typing accidents; all CIDs of shares have seven characters in common, so a useful one is longer."""

NAMED_IN_ERRORS = 5
MAX_NUMBER_DIGITS = 9


def resolve(catalogue: Catalogue, target: str) -> Item:
    """The one row that `target` means; raises NotFoundError, AmbiguousError, UsageError for a broken link or CID."""
    target = target.strip()
    if not _is_text(target):
        raise NotFoundError(f"nothing here is called {shown(target)}: names here are valid Unicode")
    if target[: len(SCHEME)].lower() == SCHEME:
        return _by_link(catalogue, target)
    digits = target.removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) <= MAX_NUMBER_DIGITS:
        item = catalogue.numbered(int(digits))
        if item:
            return item
    named = catalogue.named(target)
    if named:
        return _only(target, named)
    if len(target) >= MIN_PREFIX and could_be_cid_prefix(target.lower()):
        starting = catalogue.with_prefix(target.lower(), NAMED_IN_ERRORS + 1)
        if starting:
            return _only(target, starting)
    try:
        return _by_link(catalogue, target)
    except UsageError:
        raise NotFoundError(f"nothing here is called {shown(target) or 'that'}; `list` shows what there is") from None


def _by_link(catalogue: Catalogue, target: str) -> Item:
    try:
        cid = parse_target(target).cid
    except LinkError as error:
        raise UsageError(str(error)) from error
    return catalogue.get(cid)


def _is_text(target: str) -> bool:
    """Whether it can be asked of the database: bytes of a shell's word that aren't UTF-8 are lone surrogates."""
    try:
        target.encode()
    except UnicodeEncodeError:
        return False
    return True


def _only(target: str, items: Sequence[Item]) -> Item:
    if len(items) == 1:
        return items[0]
    names = [f"#{item.number} {shown(item.name)}" for item in items[:NAMED_IN_ERRORS]]
    if len(items) > NAMED_IN_ERRORS:
        names.append("…")
    raise AmbiguousError(f"{shown(target)} fits several: {', '.join(names)}; use the number or more of the CID")
