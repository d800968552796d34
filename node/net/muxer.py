"""Agreeing on the multiplexer, and making it ours.

py-libp2p's `MuxerMultistream.new_conn` (stream_muxer/muxer_multistream.py:137) builds its own `Yamux` whenever the
two sides agree on `/yamux/1.0.0`, and ignores the class that it was given for that protocol. This is the one place
that works around it: a subclass for the upgrader of one host (`node.net.upgrader`), nothing patched for the process.
"""

from __future__ import annotations

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.peer.id import ID
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream


class Muxers(MuxerMultistream):
    """py-libp2p's negotiation, which then builds what was registered."""

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agrees with the peer on a multiplexer and gives the connection, not started yet."""
        protocol, muxer = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        return self._annotate_connection(muxer(conn, peer_id), conn, protocol)
