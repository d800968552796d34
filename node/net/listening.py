"""Making sure that a listen address is ours before the library takes it.

Why: py-libp2p logs a failed listen and carries on without addresses, and it sets SO_REUSEPORT, so that a second
instance on the same port starts without an error and the kernel deals the connections out between the two.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from node.net import addresses as multiaddrs
from node.net.errors import ListenError

_FAMILIES = {"ip4": socket.AF_INET, "ip6": socket.AF_INET6}


def check_listenable(addresses: Iterable[str]) -> None:
    """Bind each canonical address for a moment, without SO_REUSEPORT; raises ListenError with the system's reason.

    The moment between this and the real bind is covered by the lock on the data folder, which no two nodes share.
    """
    for address in addresses:
        host, port = multiaddrs.socket_address(address)
        family = _FAMILIES.get(multiaddrs.family_of(address))
        if family is None:
            raise ListenError(f"Cannot listen on {address}: give an IP address, not a name.")
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT are no rival
                probe.bind((host, port))
        except OSError as error:
            raise ListenError(f"Cannot listen on {address}: {os.strerror(error.errno or 0)}.") from error
