"""What can go wrong between this node and another one.

Rules: errors that end a command are `node.errors.ShoalError`s with a sentence for the person; errors of a stream
are trio's `BrokenResourceError`, so that code written for any trio stream handles them. Imports no libp2p.
"""

from __future__ import annotations

import trio

from node.errors import NoPeersError, ShoalError, StorageError, UsageError


class IdentityError(StorageError):
    """The identity key cannot be read, written or understood."""


class AddressError(UsageError):
    """A multiaddr or peer id in somebody's words is not one that this node can use."""


class ListenError(ShoalError):
    """A listen address could not be bound."""


class HostError(ShoalError):
    """The network stack stopped by itself; everything built on it has stopped too."""


class DialError(NoPeersError):
    """None of a peer's addresses led to it; `failures` says why, address by address."""

    def __init__(self, message: str, failures: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


class WrongPeerError(DialError):
    """Somebody answers at every address, but nobody there holds the key of the peer that was wanted."""


class StreamError(NoPeersError):
    """A stream to a connected peer could not be opened in time."""


class ProtocolRefusedError(StreamError):
    """The peer is there and doesn't speak the protocol."""


class StreamReset(trio.BrokenResourceError):
    """The remote side abandoned this stream; what it had sent may be incomplete."""


class ConnectionLost(trio.BrokenResourceError):
    """The connection under this stream is gone; nobody decided to end the stream."""
