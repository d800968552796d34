"""How a raw TCP connection becomes an authenticated, multiplexed one: the only place that chooses.

Rules: Noise and yamux, nothing else. py-libp2p's defaults also accept secio and `/plaintext/2.0.0`, where the peer id
is merely claimed, and mplex, which a malformed frame takes down together with the host; its TLS patches a C struct of
the interpreter. Every libp2p implementation offers Noise and yamux, so nobody is lost. Both are our own from where the
library's handshake ends: see `node.net.secure` and `node.net.muxed_connection`.
"""

from __future__ import annotations

from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519_key_pair
from libp2p.custom_types import TMuxerOptions, TProtocol
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.transport.upgrader import TransportUpgrader

from node.net.muxed_connection import MuxedConnection
from node.net.muxer import Muxers
from node.net.secure import NoiseTransport

MUXERS: TMuxerOptions = {TProtocol(YAMUX): MuxedConnection}


def upgrader(key_pair: KeyPair) -> TransportUpgrader:
    """What makes connections of sockets for the host with this key."""
    noise = NoiseTransport(key_pair, noise_privkey=new_x25519_key_pair().private_key)
    made = TransportUpgrader({NOISE: noise}, MUXERS)
    made.muxer_multistream = Muxers(MUXERS, made.muxer_multistream.negotiate_timeout)
    return made
