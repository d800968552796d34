"""The fixed numbers of the search protocol, each with its reason; SPEC.md has the same table.

Rule: a number that two implementations must agree on lives here and nowhere else. What a node may choose for itself,
such as how many queries a second it answers, is not here.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_ID: Final = "/shoal/search/1.0.0"

# Of UTF-8: longer than any file name, so that a whole name can be asked for.
MAX_QUERY_BYTES: Final = 256

# As many as the longest text can sensibly have: each costs the other side a walk through its index.
MAX_QUERY_TOKENS: Final = 32

# What a person looks through; one node's answer must not crowd out the others'.
MAX_HITS: Final = 50

# Peer ids that one hit may name beside its sender: enough to begin a download, which then finds others by itself.
MAX_PUBLISHERS: Final = 8
MAX_PEER_ID: Final = 64  # characters of base58: an Ed25519 peer id has 52, an RSA one 46

# One frame: a query, or a few dozen hits with names of 255 bytes, and room for what newer versions may add.
MAX_FRAME: Final = 1 << 16

# A whole answer with its frames: four times what 50 of the longest hits take.
MAX_ANSWER: Final = 1 << 18

# Hits whose name doesn't match the query. An honest node sends none; a few are forgiven and dropped, no more.
MAX_STRAYS: Final = 5
