"""Putting one provider record on one server, and seeing that it is there.

Rules: ADD_PROVIDER has no answer, so whether it was taken is asked with GET_PROVIDERS: a server may be full, may limit
its senders (py-libp2p: ten records in ten seconds), or may have ended the held stream the moment before.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net import kad_messages
from node.net.kad_client import KadClient, QueryError
from node.net.kad_messages import Contact, Kind

log = logging.getLogger(__name__)

TRIES = 2  # the second goes over a new stream, if the first one's had ended
PAUSE_S = 0.5  # between them


async def place(
    key: bytes, own: Contact, server: Contact, client: KadClient, ask: Callable[[Contact, Message], Awaitable[Message]]
) -> bool:
    """Tell `server` that `own` has what `key` names; True if it then says so itself.

    Whatever the server does raises nothing.
    """
    for attempt in range(TRIES):
        await trio.sleep(attempt * PAUSE_S)
        try:
            await client.tell(server, kad_messages.announcement(key, own))
            reply = await ask(server, kad_messages.query(Kind.GET_PROVIDERS, key))
        except QueryError as error:
            log.debug("kad: %s did not take a record: %s", server.peer_id, error)
            continue
        if kad_messages.names(reply.providerPeers, own.peer_id):
            return True
    return False
