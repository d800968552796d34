"""What a yamux peer may make this side hold, each bound with its reason."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

INITIAL_WINDOW: Final = 256 * KIB
"""Credit that every stream starts with on both sides; the specification fixes it."""

MAX_STREAM_WINDOW: Final = 32 * MIB
"""Carries 330 MB/s over a round trip of 100 ms. go-yamux's maximum is 16 MiB."""

WINDOW_GROWTH_BUDGET: Final = 32 * MIB
"""What all windows of one connection may grow by, together: one stream to its maximum, or 32 to 1.25 MiB."""

MAX_UNREAD: Final = 64 * MIB
"""Bytes received on one connection and not yet read. Twice the growth budget, so a peer within the specification
gets here only by filling the initial windows of 128 streams that nobody reads; the fullest stream is then reset."""

TURN: Final = 65_507
"""Payload that a stream may put on the wire before it is another's turn. With the header it fills one Noise message
(65,519 bytes). A stream with nobody to wait for sends longer frames; so may peers, of any length."""

MAX_UNACKNOWLEDGED: Final = 256
"""Streams opened and not yet accepted, in either direction: the ACK backlog of libp2p's specification."""

MAX_INBOUND_STREAMS: Final = 1024
"""Streams that a peer may have open at once; go-yamux allows 1,000. Idle ones cost about 3 KiB each."""

MAX_ANSWERS: Final = 1024
"""Pongs and resets that wait to be sent because the peer asked for them. More means that it sends without reading."""

PING_INTERVAL_S: Final = 10.0
"""Between pings. With the deadline below, a half-open peer is noticed after 25 s at most."""

PING_TIMEOUT_S: Final = 15.0
"""How long a ping may wait while no byte at all arrives. Any byte counts as life: on a slow link under load, the
pong itself may be stuck behind data."""

LINGER_S: Final = 30.0
"""How long a stream that one side has ended may make no progress before it is reset and forgotten."""
