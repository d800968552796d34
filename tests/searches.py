"""The user's own search, `search linux`, and one without an answer, as snapshots."""

from __future__ import annotations

from node.status import AskedStatus, HitState, HitStatus, SearchStatus


def hit(number: int, name: str, size: int, peers: int, **changes) -> HitStatus:
    fields = {
        "number": number,
        "cid": f"bafyreihit{number}",
        "name": name,
        "size": size,
        "files": 1,
        "state": HitState.AVAILABLE,
        "claimed": peers,
        "verified": peers,
        "found": ("peers",),
    }
    return HitStatus(**(fields | changes))


WALL = 1_740_000_000.0
"""When the snapshots are looked at, in unix time."""

HITS = (
    hit(1, "linux.iso", 2_500_000_000, 12, copies=4.1, seen_at=WALL - 130),
    hit(2, "linux-tutorial.pdf", 4_000_000, 3, copies=3.0, seen_at=WALL - 170),
    hit(3, "linux-kernel.zip", 40_000_000, 5, copies=5.0, seen_at=WALL - 550),
)
ASKED = tuple(
    [AskedStatus(f"12D3KooWpeer{number}", "peers", "answered", 3) for number in range(16)]
    + [AskedStatus("12D3KooWbusy", "DHT", "busy", 0), AskedStatus("12D3KooWgone", "DHT", "didn't answer", 0)]
)
LINUX = SearchStatus("linux", "all", 0.42, True, True, HITS, ASKED, 37, ("linux",), 2)
NOTHING = SearchStatus("obscure words", "all", 1.3, True, True, (), ASKED[:1], 1, ("obscure", "words"), 0)
