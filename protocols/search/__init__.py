"""Searching by name, as SPEC.md has it: how names become tokens, and how one node asks another.

Most of what is public is re-exported here; the rule for tokens is in `tokens`.
"""

from __future__ import annotations

from protocols.search.conversation import Answering, Asking, answer
from protocols.search.limits import MAX_HITS, MAX_PUBLISHERS, MAX_QUERY_BYTES, MAX_QUERY_TOKENS, PROTOCOL_ID
from protocols.search.messages import Hit, Outcome, Query

__all__ = [
    "MAX_HITS",
    "MAX_PUBLISHERS",
    "MAX_QUERY_BYTES",
    "MAX_QUERY_TOKENS",
    "PROTOCOL_ID",
    "Answering",
    "Asking",
    "Hit",
    "Outcome",
    "Query",
    "answer",
]
