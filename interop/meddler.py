"""What a peer may do wrong, or may do though few do it: each mode changes what is written and nothing else."""

from __future__ import annotations

import os

from node.net.streams import PeerStream
from protocols.exchange import Data, Hello, Message, Meta, Request, encode

BULK_BEFORE_THE_END = 6
"""Messages that the modes that break off send: in the middle of a file."""

EXIT_CODE = 9
"""Of a process that was told to die."""


class Broken(Exception):
    """The mode has broken the stream off."""


class Meddler:
    """Writes messages as one mode has it."""

    def __init__(self, stream: PeerStream, mode: str) -> None:
        self.stream = stream
        self.mode = mode
        self.bulk = 0

    async def write(self, message: Message) -> None:
        """The message, or what the mode makes of it."""
        frame = b"".join(encode(message))
        is_bulk = isinstance(message, Data | Request)
        self.bulk += is_bulk
        match self.mode, message:
            case ("silent", _) | ("no-data", Data() | Request()):
                return
            case ("wrong-data", Data()) | ("wrong-manifest", Meta()):
                frame = frame[:-1] + bytes([frame[-1] ^ 1])
            case "unknown-type", Hello():
                frame += b"\x01\x7f"
            case "unknown-optional", Hello():
                frame += b"\x05\xf0more"
            case "two-hellos", Hello():
                frame *= 2
            case "newer-version", Hello():
                frame = b"".join(encode(Hello(2, message.cid, message.request_limit, "p" * 60)))
                frame = bytes([frame[0] + 4]) + frame[1:] + b"more"  # the length is still one byte
            case "version-0", Hello():
                frame = b"".join(encode(Hello(0, message.cid, message.request_limit, message.agent)))
            case "huge-length", Data() | Request() if self.bulk == 1:
                frame = b"\xff\xff\xff\x7f" + frame
            case "unasked-data", Data() | Request() if self.bulk == 1:
                frame += b"".join(encode(Data(0, 1, b"!")))
            case "truncated", Data() | Request() if self.bulk == 1:
                await self.stream.send_all(frame[: len(frame) // 2 + 1])
                await self.stream.send_eof()
                raise Broken
            case (("resets" | "dies"), _) if self.bulk == BULK_BEFORE_THE_END:
                if self.mode == "dies":
                    os._exit(EXIT_CODE)  # as a crash would: without a word
                self.stream.reset()
                raise Broken
        await self.stream.send_all(frame)


MODES = (
    "silent", "no-data", "wrong-data", "wrong-manifest", "unknown-type", "unknown-optional", "two-hellos",
    "newer-version", "version-0", "huge-length", "unasked-data", "truncated", "resets", "dies",
)  # fmt: skip
