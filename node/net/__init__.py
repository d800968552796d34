"""The network: the only package that imports libp2p. Peer ids and multiaddrs above it are plain text."""
