"""Noise as the host uses it: py-libp2p's handshake, then whole batches of messages through `protocols.noise`.

The handshake's result is taken over: keys, nonces and the socket. py-libp2p's own session would await four times
per message and copy each of them four times; here one read of the socket gives every message that it completed.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import trio
from libp2p.abc import IRawConnection, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.peer.id import ID
from libp2p.security.base_session import BaseSession
from libp2p.security.noise.exceptions import NoiseStateError
from libp2p.security.noise.io import NoiseTransportReadWriter
from libp2p.security.noise.transport import Transport
from libp2p.security.secure_session import SecureSession
from multiaddr import Multiaddr

from node.net.wire import limit_unsent, wire_of
from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer
from protocols.noise import Decryptor, Encryptor

READ_SIZE: Final = 1024 * 1024
"""Bytes asked of the socket at once, sixteen Noise messages: each read costs this task and those above it a turn, and
to open so much takes the loop a millisecond."""


class NoiseConnection(BaseSession):
    """An authenticated, encrypted connection.

    `receive` and `send` are for the multiplexer, one task each. `read` and `write` are py-libp2p's interface, used
    while the two sides agree on the multiplexer.
    """

    def __init__(self, session: SecureSession, raw: IRawConnection) -> None:
        super().__init__(
            local_peer=session.local_peer,
            local_private_key=session.local_private_key,
            remote_peer=session.remote_peer,
            remote_permanent_pubkey=session.remote_permanent_pubkey,
            is_initiator=session.is_initiator,
        )
        self._encryptor, self._decryptor = _ciphers(session)
        self._raw = raw
        self._wire = wire_of(raw)
        self._early: deque[Buffer] = deque()  # plaintexts opened and not yet asked for

    async def receive(self) -> list[Buffer]:
        """The plaintexts that the next read of the socket completes; an empty list at the end of the connection.

        Cancelling it loses nothing. Raises RemoteProtocolError, and trio.BrokenResourceError if the connection is cut,
        also when that looks like an orderly end, but inside a message.
        """
        if self._early:
            early = list(self._early)
            self._early.clear()
            await trio.lowlevel.checkpoint()
            return early
        while True:
            data = await self._wire.receive_some(READ_SIZE)
            if not data:
                if not self._decryptor.is_between_messages:
                    raise trio.BrokenResourceError("the connection ended inside a Noise message")
                return []
            plaintexts = self._decryptor.receive_data(bytes(data))
            if plaintexts:
                return plaintexts

    async def send(self, *parts: Buffer) -> None:
        """Sends the parts in a row. Cancelling it leaves the connection useless. Raises trio.BrokenResourceError."""
        await self._wire.send_all(self._encryptor.encrypt(*parts))

    def limit_unsent(self, size: int) -> None:
        """Has the kernel hold no more than so many bytes that it could not send yet."""
        limit_unsent(self._wire, size)

    async def read(self, n: int | None = None) -> bytes:
        """Up to `n` bytes of plaintext. Raises ConnectionClosedError at the end, whatever its reason."""
        if n == 0:
            return b""
        if not self._early:
            try:
                self._early += await self.receive()
            except (RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ConnectionClosedError(f"connection closed: {error}") from error
            if not self._early:
                raise ConnectionClosedError("connection closed by the peer")
        data = bytes(self._early.popleft())
        if n is not None and n < len(data):
            self._early.appendleft(data[n:])
            data = data[:n]
        return data

    async def write(self, data: bytes) -> None:
        """Sends `data`. Raises ConnectionClosedError."""
        try:
            await self.send(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionClosedError(f"connection closed: {error}") from error

    async def close(self) -> None:
        """Closes the socket, at once."""
        await trio.aclose_forcefully(self._wire)

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the peer."""
        return self._raw.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Of the connection itself, not of the peerstore."""
        return self._raw.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Direct or relayed."""
        return self._raw.get_connection_type()


class NoiseTransport(Transport):
    """py-libp2p's Noise transport, whose connections are ours once the handshake is done."""

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        """Answers a handshake."""
        return take_over(await super().secure_inbound(conn), conn)

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID) -> ISecureConn:
        """Starts a handshake with `peer_id`; raises py-libp2p's HandshakeFailure if it is somebody else."""
        return take_over(await super().secure_outbound(conn, peer_id), conn)


def take_over(session: ISecureConn, conn: IRawConnection) -> NoiseConnection:
    """The connection that py-libp2p's handshake gave, from now on ours."""
    if not isinstance(session, SecureSession):
        raise NoiseStateError(f"py-libp2p's handshake gave a {type(session).__name__}")
    return NoiseConnection(session, conn)


def _ciphers(session: SecureSession) -> tuple[Encryptor, Decryptor]:
    """The two directions, as the handshake left them."""
    if not isinstance(session.conn, NoiseTransportReadWriter):
        raise NoiseStateError(f"py-libp2p's session reads through a {type(session.conn).__name__}")
    protocol = session.conn.noise_state.noise_protocol
    sending, receiving = protocol.cipher_state_encrypt, protocol.cipher_state_decrypt
    return Encryptor(sending.k, sending.n), Decryptor(receiving.k, receiving.n)
