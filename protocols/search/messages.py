"""What the two sides of a search say: a query, hits, and how the answer ends; SPEC.md section 4.

Rule: a message that could never be legal can't be made: the constructors raise LocalProtocolError, and the codec turns
that into RemoteProtocolError for what came from a peer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import LocalProtocolError
from protocols.link import MAX_SHARE_SIZE
from protocols.manifest import MAX_FILES
from protocols.manifest_rules import RuleError, check_name
from protocols.search import limits
from protocols.search.tokens import tokens_of_query

_PEER_ID: Final = re.compile(rf"[1-9A-HJ-NP-Za-km-z]{{1,{limits.MAX_PEER_ID}}}")


class Outcome(IntEnum):
    """How an answer ends; a number not listed here is read as REFUSED."""

    COMPLETE = 0  # these were all
    MORE = 1  # there are more than an answer may hold
    BUSY = 2  # too many are asking, or this one too often: try again later
    REFUSED = 3  # this node answers no such queries

    @classmethod
    def _missing_(cls, value: object) -> Outcome:
        return cls.REFUSED


@dataclass(frozen=True, slots=True)
class Query:
    """Asks for names that match `text`; `limit` is how many hits are wanted at most."""

    text: str
    limit: int = limits.MAX_HITS

    def __post_init__(self) -> None:
        _require(len(_utf8(self.text)) <= limits.MAX_QUERY_BYTES, f"it has more than {limits.MAX_QUERY_BYTES} bytes")
        _require(bool(self.tokens), "it has no word in it, no letter or digit")
        _require(len(self.tokens) <= limits.MAX_QUERY_TOKENS, f"it has more than {limits.MAX_QUERY_TOKENS} words")
        _require(1 <= self.limit <= limits.MAX_HITS, "a query asks for no hits, or for too many")

    @property
    def tokens(self) -> tuple[str, ...]:
        """What a name must match."""
        return tokens_of_query(self.text)


@dataclass(frozen=True, slots=True)
class Hit:
    """One share: `name`, `size` in bytes and number of `files` are the manifest's, as the sender says."""

    cid: Cid
    name: str
    size: int
    files: int
    is_own: bool  # the sender itself shares it
    publishers: tuple[str, ...] = ()  # peer ids of others who, as the sender has heard, share it

    def __post_init__(self) -> None:
        _require(self.cid.codec == DAG_CBOR, "a hit is not a manifest's CID")
        try:
            check_name(self.name)
        except RuleError as error:
            raise LocalProtocolError(str(error)) from error
        _require(0 <= self.size <= MAX_SHARE_SIZE, "a hit has an impossible size")
        _require(0 <= self.files <= MAX_FILES, "a hit has an impossible number of files")
        _require(len(self.publishers) <= limits.MAX_PUBLISHERS, "a hit names too many peers")
        _require(self.is_own or bool(self.publishers), "a hit names nobody who has it")
        _require(all(map(_PEER_ID.fullmatch, self.publishers)), "a hit names a peer by something else than its id")


@dataclass(frozen=True, slots=True)
class Hits:
    """Some of the hits of an answer, at least one."""

    hits: tuple[Hit, ...]

    def __post_init__(self) -> None:
        _require(0 < len(self.hits) <= limits.MAX_HITS, "an answer has no hits in a frame, or too many")


@dataclass(frozen=True, slots=True)
class End:
    """The last word of an answer."""

    outcome: Outcome


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise LocalProtocolError("a text is not valid Unicode") from None


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise LocalProtocolError(fault)
