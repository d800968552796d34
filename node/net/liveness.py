"""Answering peers that ask whether this node is there, over `/ipfs/ping/1.0.0`.

This node itself asks below the streams: every connection notices a peer that has fallen silent (`protocols.yamux`).
Source: libp2p specs, ping/ping.md.
"""

from __future__ import annotations

import trio

from node.net.streams import PeerStream

PING = "/ipfs/ping/1.0.0"
PING_SIZE = 32
IDLE_TIMEOUT_S = 60.0  # of a stream on which a peer pings us; go-libp2p's value


async def answer_pings(stream: PeerStream) -> None:
    """Echo what a peer sends, PING_SIZE bytes at a time, until it stops."""
    while True:
        with trio.move_on_after(IDLE_TIMEOUT_S) as scope:
            data = await stream.receive_some(PING_SIZE)
            if not data:
                return
            await stream.send_all(data)
        if scope.cancelled_caught:
            return
