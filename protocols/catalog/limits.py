"""The fixed numbers of the catalogue protocol, each with its reason; SPEC.md has the same table.

Rule: a number that two implementations must agree on lives here and nowhere else. How many publishers a node holds,
and how often it asks, is its own business.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_ID: Final = "/shoal/catalog/1.0.0"

VERSION: Final = 1  # of a head; there are no optional keys, so every change of it is a new version

# Of one publisher. A large collection has 10,000 shares, and 16,384 entries are at most 5 MB.
MAX_ENTRIES: Final = 1 << 14

# A page of names of 255 bytes has 320 KiB. Pages are about a quarter of this long, see PAGE_END.
MAX_PAGE_ENTRIES: Final = 1 << 10
MAX_PAGE_SIZE: Final = 1 << 19

# An entry whose digest ends in this byte is the last of its page. So pages have 256 entries on average, about 25 kB,
# and a share that comes or goes changes one page, or two, and leaves the others the blocks they were.
PAGE_END: Final = 0x00

# Of one head: 16,384 entries cut at random make 64 pages, never more than a hundred.
MAX_PAGES: Final = 1 << 8

# A head of 256 pages has 10.8 kB.
MAX_HEAD_SIZE: Final = 12 << 10

MAX_LIFETIME_S: Final = 48 * 3600  # what provider records in the DHT have too
MAX_CLOCK_SKEW_S: Final = 600  # clocks of machines that nobody looks after

# One TELL: a neighbourhood's heads, which have a few hundred bytes each if their catalogues are ordinary.
MAX_HEADS: Final = 64
MAX_TELL_HEADS: Final = 1 << 18  # bytes of heads in it

# DHT servers that a TELL names: a bucket of Kademlia. Each is a peer as in PEERS of the exchange protocol.
MAX_PEERS: Final = 20

# The longest payload: a whole page, with its type byte.
MAX_PAYLOAD: Final = MAX_PAGE_SIZE + 1

# The longest payload of the side that asks: a TELL of 256 KiB of heads and, rounded up, 20 peers of 700 bytes each.
MAX_REQUEST: Final = MAX_TELL_HEADS + (1 << 14)

# Requests of one stream that are not answered yet: sixteen pages of 25 kB fill 4 MB/s at 100 ms.
MAX_OUTSTANDING: Final = 16

# TELLs of one stream that nobody asked for: news are rare, and a stream that brings more has something else in mind.
MAX_NEWS: Final = 16

# Types from this one on are optional: who doesn't know one ignores it.
FIRST_OPTIONAL_TYPE: Final = 0x80
MAX_OPTIONAL: Final = 1 << 14
