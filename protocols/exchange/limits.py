"""The fixed numbers of the exchange protocol, each with its reason; SPEC.md has the same table.

Rule: a number that two implementations must agree on lives here and nowhere else. What a node may choose for itself,
such as the bytes of requests it accepts, is not here: it is an argument of `Connection`.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_ID: Final = "/shoal/exchange/1.0.0"

# The newest revision of SPEC.md spoken here, and the oldest. Two sides speak the lower of what their HELLOs say.
VERSION: Final = 1
OLDEST_VERSION: Final = 1

# One META message: framing costs nothing beside so many bytes, and four of them carry the largest digest page.
MAX_META: Final = 1 << 18

# One DATA message: a chunk of the default size. A sender makes it as long as the peer takes in a moment, because a HAVE
# waits behind it; for a peer that takes much, few long ones cost both sides a tenth less than many short ones.
MAX_DATA: Final = 1 << 20

# A DATA that doesn't end its request carries at least this much (libtorrent's unit of request), so that a peer can't
# make one chunk cost a million messages.
MIN_DATA: Final = 1 << 14

# A bitfield of 2^21 chunks, the most a manifest may have, takes exactly this many bytes: as much as one META.
MAX_BITFIELD: Final = 1 << 18

# The longest payload: a full DATA and, rounded up, its type and three numbers of at most nine bytes.
MAX_PAYLOAD: Final = MAX_DATA + 64

# Chunks in one HAVE: a node that verified more since the last write sends several. At most 3 KiB for 2^21 chunks.
MAX_HAVE: Final = 1024

# The unanswered requests of one side. A folder of 3 kB files needs many of them to fill a pipe (512 are 1.5 MB a
# round trip); each costs the server a few hundred bytes. libtorrent sends at most 500 too.
MAX_REQUESTS: Final = 512

# The least number of unanswered bytes a side may accept: one chunk of the default size. With less, a requester
# couldn't even ask for a whole chunk, and would wait a round trip for every part of it.
MIN_REQUEST_LIMIT: Final = 1 << 20

# The unanswered GET_METAs of one side: 2 MiB under way, which is four digest pages.
MAX_META_REQUESTS: Final = 8

# Text is for logs and screens, not for carrying data.
MAX_AGENT: Final = 64
MAX_BYE_TEXT: Final = 256

# What newer revisions may add behind the fields of HELLO: a few numbers and a signature or two.
MAX_HELLO_EXTRA: Final = 1024

# Types from this one on are optional: who doesn't know one ignores it. Their payloads are bounded more tightly than
# DATA, since they are received for nothing; the longest PEERS fits.
FIRST_OPTIONAL_TYPE: Final = 0x80
MAX_OPTIONAL: Final = 1 << 14

# What one PEERS tells. A minute's news of a swarm is a few peers; a newcomer hears of more than it needs at first. A
# peer id is a multihash of 34 to 44 bytes (libp2p specs, peer-ids); an IP address with a port has 8 or 20, transports
# with certificate hashes have more. Together 16,276 bytes at most: every PEERS is short enough to be optional.
MAX_PEERS: Final = 25
MIN_PEER_ID: Final = 34
MAX_PEER_ID: Final = 44
MAX_PEER_ADDRESSES: Final = 5
MAX_ADDRESS: Final = 120
