"""Agreeing on the protocol of a stream that we opened: multistream-select, the client's half.

Why not the library's: it waits for the header before it names the protocol, one round trip more for every stream. Here
header and protocol go out together and the answers are read at most as far as they go.
Source: multiformats/multistream-select, "Protocol".
"""

from __future__ import annotations

from node.net.errors import ProtocolRefusedError
from node.net.messages import encode_message, read_message
from node.net.streams import PeerStream
from protocols.errors import RemoteProtocolError

HEADER = "/multistream/1.0.0"
REFUSED = "na"
MAX_MESSAGE = 1024  # go-multistream's own limit


async def request_protocol(stream: PeerStream, protocol_id: str) -> None:
    """Make `stream` speak `protocol_id`.

    Raises ProtocolRefusedError, RemoteProtocolError and what the stream raises.
    """
    await stream.send_all(_encode(HEADER) + _encode(protocol_id))
    if await _read(stream) != HEADER:
        raise RemoteProtocolError(f"{stream.peer_id} does not speak {HEADER} on its streams")
    answer = await _read(stream)
    if answer == REFUSED:
        raise ProtocolRefusedError(f"{stream.peer_id} does not speak {protocol_id}.")
    if answer != protocol_id:
        raise RemoteProtocolError(f"{stream.peer_id} answered {answer[:80]!r} when asked for {protocol_id}")


def _encode(text: str) -> bytes:
    return encode_message(text.encode() + b"\n")


async def _read(stream: PeerStream) -> str:
    message = await read_message(stream, MAX_MESSAGE)
    if not message.endswith(b"\n"):
        raise RemoteProtocolError(f"{stream.peer_id} sent a multistream-select message without its end")
    return message[:-1].decode(errors="replace")
