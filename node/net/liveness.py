"""Noticing peers that are gone without having said so.

Why: when a path dies, TCP says nothing for many minutes, and stock yamux ignores a missing pong. Rules: every
connection is pinged over `/ipfs/ping/1.0.0`, and bytes on any of its streams count as an answer too, so that a link
full of data isn't taken for a dead one. Source: libp2p specs, ping/ping.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import trio

from node.net.messages import read_exactly
from node.net.streams import PeerStream, Traffic

PING = "/ipfs/ping/1.0.0"
PING_SIZE = 32
PING_INTERVAL_S = 15.0
MAX_MISSES = 2  # one lost answer may be a hiccup
IDLE_TIMEOUT_S = 60.0  # of a stream on which a peer pings us; go-libp2p's value


async def wait_dead(
    ping_once: Callable[[], Awaitable[object]], traffic: Traffic, *, interval_s: float = PING_INTERVAL_S
) -> None:
    """Return once a connection has missed MAX_MISSES pings in a row.

    `ping_once` raises if the peer doesn't answer; it is cancelled after `interval_s`. A connection that received
    anything during an interval isn't pinged in it.
    """
    misses = 0
    while misses < MAX_MISSES:
        received = traffic.received
        await trio.sleep(interval_s)
        if traffic.received != received:
            misses = 0
            continue
        with trio.move_on_after(interval_s):
            await ping_once()
        misses = 0 if traffic.received != received else misses + 1


async def ping(stream: PeerStream) -> float:
    """One ping on a stream that speaks PING: the round trip in seconds; raises what the stream raises."""
    started = trio.current_time()
    payload = secrets.token_bytes(PING_SIZE)
    await stream.send_all(payload)
    if await read_exactly(stream, PING_SIZE) != payload:
        raise trio.BrokenResourceError("the answer to a ping is not what was sent")
    return trio.current_time() - started


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
