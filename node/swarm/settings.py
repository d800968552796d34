"""The bounds of the decisions for one manifest, each with its reason.

Rules: numbers only. What a person may want to change is a field of a settings class; what only a developer would
change is a constant beside the code that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """Bounds of one download."""

    max_pipeline: int = 16 << 20
    """Bytes asked of one peer at a time: 1 Gbit/s over 130 ms, and what a liar can waste at most before it is known."""

    max_requests: int = 512
    """Requests open at one peer: the exchange protocol's MAX_REQUESTS; a folder of small files reaches it."""

    max_in_flight: int = 128 << 20
    """Bytes of chunks begun and not verified, over all peers: the most their buffers can take."""

    sequential: bool = False
    """Fetch in file order instead of rarest first, to look at a file while it comes."""


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """Bounds of the sending side of one share."""

    max_active: int = 2
    """Peers served at a time. A peer that gets a chunk soon can pass it on soon: serving few at once spreads faster
    than a trickle to everybody; a handful, because one connection alone often can't fill the line (libtorrent: 8)."""

    max_queued: int = 512
    """Requests waiting per peer: the exchange protocol's MAX_REQUESTS."""

    max_queued_bytes: int = 16 << 20
    """Bytes waiting per peer: the request limit that we announce."""
