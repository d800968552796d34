"""The bounds of the decisions for one manifest, each with its reason.

Rules: numbers only. What a person may want to change is a field of a settings class; what only a developer would
change is a constant beside the code that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.exchange import MAX_REQUESTS


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """Bounds of one download."""

    max_pipeline: int = 16 << 20
    """Bytes asked of one peer at a time: 1 Gbit/s over 130 ms, and what a liar can waste at most before it is known."""

    max_requests: int = MAX_REQUESTS
    """Requests open at one peer: what the exchange protocol allows; a folder of small files reaches it."""

    max_in_flight: int = 128 << 20
    """Bytes of chunks begun and not verified, over all peers: the most their buffers can take."""

    sequential: bool = False
    """Fetch in file order instead of rarest first, to look at a file while it comes."""


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """Bounds of the sending side of one share."""

    max_active: int = 2
    """Peers served at a time. Who gets a whole chunk soon can pass it on soon, so few at once spread faster than a
    trickle to everybody; the second turn fills the line while the first one's next request is on its way. Receivers too
    slow to fill it give their turns away (`UploadQueue.hold`), so their number needs no room here."""

    max_queued: int = MAX_REQUESTS
    """Requests waiting per peer: what the exchange protocol allows."""

    max_queued_bytes: int = 16 << 20
    """Bytes waiting per peer: the request limit that we announce."""
