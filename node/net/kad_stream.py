"""Kademlia messages over one stream, one after the other.

Rules: this file knows framing and order, not what messages mean. After any error the stream is of no more use, and
its owner resets it.
"""

from __future__ import annotations

from collections import deque

from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net import kad_messages
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError
from protocols.framing import FrameDecoder, encode_frame

READ_BYTES = 16 << 10  # at once: an answer with 20 peers has 2 to 8 KiB, and requests sent ahead wait in the stream


class KadStream:
    """Reads and writes whole messages; `max_length` bounds one that is read, in bytes."""

    def __init__(self, stream: PeerStream, max_length: int) -> None:
        self._stream = stream
        self._decoder = FrameDecoder(max_length)
        self._ahead: deque[bytes] = deque()

    async def send(self, *messages: Message) -> None:
        """Write messages, all at once; trio.BrokenResourceError if the peer is gone."""
        await self._stream.send_all(b"".join(encode_frame(message.SerializeToString()) for message in messages))

    async def receive(self) -> Message | None:
        """Return the next message, or None at the stream's end.

        RemoteProtocolError for bytes that are no message or end inside one, trio.BrokenResourceError for a lost peer.
        """
        while not self._ahead:
            data = await self._stream.receive_some(READ_BYTES)
            if not data:
                if self._decoder.held:
                    raise RemoteProtocolError("the stream ends inside a message")
                return None
            self._ahead.extend(bytes(payload) for payload in self._decoder.feed(data))
        return kad_messages.decode(self._ahead.popleft())

    def reset(self) -> None:
        """Abandon the stream at once; what is being read or written on it ends with an error."""
        self._stream.reset()

    async def aclose(self) -> None:
        """End the stream properly."""
        await self._stream.aclose()
