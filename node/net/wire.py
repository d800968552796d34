"""The bytes under a connection: py-libp2p's raw connection as a trio stream, without its layers where it has some.

Why: each of the library's wrappers takes a lock and an await per read, and none can say how much it may buffer.
The socket under a TCP connection is used directly; any other transport through the library's interface.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

import trio
from libp2p.abc import IRawConnection
from libp2p.io.exceptions import IOException
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection

UNSENT_LIMIT: Final = 256 * 1024
"""Bytes the kernel may hold at first that it could not send yet. By default it takes up to 4 MiB, behind which a small
message on a slow link waits for minutes, and pings with it. What is under way isn't limited by this."""


def wire_of(connection: IRawConnection) -> trio.abc.Stream:
    """The trio stream under `connection`, which must not be used otherwise from now on."""
    if isinstance(connection, RawConnection) and isinstance(connection.stream, TrioTCPStream):
        stream = connection.stream.stream
        limit_unsent(stream, UNSENT_LIMIT)
        return stream
    return RawStream(connection)


def limit_unsent(stream: trio.abc.Stream, size: int) -> None:
    """Have the kernel hold no more than so many bytes that it could not send yet, if there is a socket to tell."""
    if isinstance(stream, trio.SocketStream):
        with suppress(OSError):  # a peer that is gone already; reading will tell
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)


class RawStream(trio.abc.Stream):
    """Any raw connection of py-libp2p as a trio stream."""

    def __init__(self, connection: IRawConnection) -> None:
        self._connection = connection

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Writes all of `data`. Raises trio.BrokenResourceError."""
        try:
            await self._connection.write(bytes(data))
        except IOException as error:
            raise trio.BrokenResourceError(str(error)) from error

    async def wait_send_all_might_not_block(self) -> None:
        """Returns at once: the library can't tell."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What there is, b"" at the end. Raises trio.BrokenResourceError."""
        try:
            return await self._connection.read(max_bytes)
        except IOException as error:
            raise trio.BrokenResourceError(str(error)) from error

    async def aclose(self) -> None:
        """Closes the connection."""
        with suppress(IOException):
            await self._connection.close()
        await trio.lowlevel.checkpoint()
