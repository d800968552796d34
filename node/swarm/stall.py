"""Why nothing comes in, in words for a person.

Rules: whole short phrases in plain words, at most one number of a chunk; the first reason that holds is the one that a
person could do something about. Said once nothing has come for five seconds, so a screen never waits ten for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.swarm.rates import QUIET_S

if TYPE_CHECKING:
    from node.swarm.download import Download


def stall_reason(download: Download, now: float) -> str | None:
    """Why an unfinished download gets nothing; None if it gets something or must only wait a moment."""
    peers = download.peers.values()
    if download.is_paused:
        return "paused"
    if download.is_forbidden:
        return "the download limit is 0"
    if not peers:
        return "no peers connected"
    if now - download.last_data_at < QUIET_S:
        return None
    connected = "1 peer connected" if len(peers) == 1 else f"{len(peers)} peers connected"
    if not any(peer.has_told for peer in peers):
        return f"{connected}, none has said what it has yet"
    owing = [peer for peer in peers if peer.awaited_bytes]
    if owing:
        return f"{connected}, none has sent anything for {now - download.last_data_at:.0f} s"
    chunk = download.picker.first_unavailable()
    if chunk is not None and not any(download.picker.has_any(peer) for peer in peers):
        return f"{connected}, none has chunk {chunk}"
    if any(peer.busy_until > now for peer in peers):
        return f"{connected}, all of them busy"
    return None
