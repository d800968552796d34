"""Agreeing on the multiplexer, and making it ours.

py-libp2p's `MuxerMultistream.new_conn` (stream_muxer/muxer_multistream.py:137) builds its own `Yamux` whenever the
two sides agree on `/yamux/1.0.0`, and ignores the class that it was given for that protocol. This is the one place
that works around it: a subclass for the upgrader of one host, nothing patched for the whole process.
"""

from __future__ import annotations

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519_key_pair
from libp2p.custom_types import TMuxerOptions, TProtocol, TSecurityOptions
from libp2p.peer.id import ID
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.transport.upgrader import TransportUpgrader

from node.net.muxed_connection import MuxedConnection
from node.net.secure import NoiseTransport


class Muxers(MuxerMultistream):
    """py-libp2p's negotiation, which then builds what was registered."""

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agrees with the peer on a multiplexer and gives the connection, not started yet."""
        protocol, muxer = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        return self._annotate_connection(muxer(conn, peer_id), conn, protocol)


class Upgrader(TransportUpgrader):
    """Makes an authenticated, multiplexed connection of a raw one, with our own Noise and yamux."""

    def __init__(self, key_pair: KeyPair) -> None:
        noise = NoiseTransport(key_pair, noise_privkey=new_x25519_key_pair().private_key)
        security: TSecurityOptions = {NOISE: noise}
        muxers: TMuxerOptions = {TProtocol(YAMUX): MuxedConnection}
        super().__init__(security, muxers)
        self.muxer_multistream = Muxers(muxers, self.muxer_multistream.negotiate_timeout)
