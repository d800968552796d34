"""Putting provider records on one server, and seeing that they are there.

Rules: ADD_PROVIDER has no answer, so whether it was taken is asked with GET_PROVIDERS: a server may be full, may limit
its senders (py-libp2p: ten records in ten seconds), or may have ended the held stream the moment before. Of many
records only a few are asked for, the last among them: what ends a stream or a server's patience ends it for all that
come after, and what was refused by itself, as a word that too many provide, says nothing of the others. No server is
sent more than it reads without making others wait.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net import kad_messages
from node.net.kad_client import KadClient, QueryError
from node.net.kad_messages import Contact, Kind
from node.net.kad_pacing import PeerPacing

log = logging.getLogger(__name__)

TRIES = 2  # the second goes over a new stream, if the first one's had ended
PAUSE_S = 0.5  # between them
AT_ONCE = 100  # records in one write: 15 KB, which no server needs long for
ASKED_FOR = 8  # of a batch, when all is sent: enough to see a server that takes some and not others

RATE = 80.0  # records a second and server, under the 100 at which `kad_pacing` slows a sender down
BURST = 400.0  # records at once, less than half of what it lets pass

Asking = Callable[[Contact, Message], Awaitable[Message]]


class Placing:
    """Places this node's records, at the pace that each server stands."""

    def __init__(self, client: KadClient, ask: Asking) -> None:
        self._client = client
        self._ask = ask
        self._pacing = PeerPacing(rate=RATE, burst=BURST)

    async def place(self, keys: Sequence[bytes], own: Contact, server: Contact) -> set[bytes]:
        """Tell `server` that `own` has what `keys` name; the keys of which it then says so itself.

        Whatever the server does raises nothing.
        """
        held: set[bytes] = set()
        for attempt in range(TRIES):
            await trio.sleep(attempt * PAUSE_S)
            missing = [key for key in keys if key not in held]
            try:
                await self._tell(missing, own, server)
                held |= await self._held(missing, own, server)
            except QueryError as error:
                log.debug("kad: %s did not take %d records: %s", server.peer_id, len(missing), error)
            if len(held) == len(keys):
                break
        return held

    async def _held(self, keys: Sequence[bytes], own: Contact, server: Contact) -> set[bytes]:
        """Which of `keys`, just sent in this order, the server holds, to judge by those that it is asked for."""
        answers = {index: await self._has(keys[index], own, server) for index in _spread(len(keys), ASKED_FOR)}
        # Records arrive in order: one that is held says that those before it were read too.
        read = max((index for index, is_held in answers.items() if is_held), default=-1)
        return {key for index, key in enumerate(keys[: read + 1]) if answers.get(index, True)}

    async def _tell(self, keys: Sequence[bytes], own: Contact, server: Contact) -> None:
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            await trio.sleep(self._pacing.take(server.peer_id, trio.current_time(), len(some)))
            await self._client.tell(server, *(kad_messages.announcement(key, own) for key in some))

    async def _has(self, key: bytes, own: Contact, server: Contact) -> bool:
        reply = await self._ask(server, kad_messages.query(Kind.GET_PROVIDERS, key))
        return kad_messages.names(reply.providerPeers, own.peer_id)


def _spread(length: int, count: int) -> list[int]:
    """Up to `count` places in a list, evenly spread, the last one always."""
    count = min(length, count)
    return sorted(length - 1 - number * length // count for number in range(count))
