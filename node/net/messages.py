"""Length-prefixed messages, read from a PeerStream at most as far as they go.

Rule: a length is believed only up to the reader's limit, and nothing is allocated before its bytes are here.
Source: multiformats/unsigned-varint.
"""

from __future__ import annotations

from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

MAX_PREFIX = 9  # bytes of an uvarint that holds 63 bits


async def read_message(stream: PeerStream, max_length: int) -> bytes:
    """One message without its length prefix; raises RemoteProtocolError and what the stream raises."""
    length = 0
    for position in range(MAX_PREFIX):
        byte = (await read_exactly(stream, 1))[0]
        length |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            break
    if byte >= 0x80 or length > max_length:
        raise RemoteProtocolError(f"{stream.peer_id} sent a message of more than {max_length} bytes")
    return await read_exactly(stream, length)


def encode_message(data: bytes) -> bytes:
    """The message with its length prefix."""
    length, prefix = len(data), bytearray()
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data


async def read_exactly(stream: PeerStream, size: int) -> bytes:
    """`size` bytes; raises RemoteProtocolError if the peer ends the stream before them."""
    data = bytearray()
    while len(data) < size:
        more = await stream.receive_some(size - len(data))
        if not more:
            raise RemoteProtocolError(f"{stream.peer_id} closed a stream inside a message")
        data += more
    return bytes(data)
