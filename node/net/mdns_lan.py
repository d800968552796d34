"""mDNS by zeroconf: its own thread and sockets, behind `node.net.mdns.Lan`.

Rules: only the interfaces named are used; a SRV record with a port that means nothing goes along with the TXT record,
as go-libp2p's does, since DNS-SD has one.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence

from zeroconf import Error, IPVersion, ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from node.net.mdns_records import SERVICE

log = logging.getLogger(__name__)
logging.getLogger("zeroconf").setLevel(logging.ERROR)  # strangers' malformed packets are no news

PORT = 4001  # of the SRV record; the multiaddrs say the real one
ASK_MS = 1_000  # for a TXT record that didn't come along with its name


class ZeroconfLan:
    """Announces one record, and hears those of others."""

    def __init__(self) -> None:
        self._zeroconf: Zeroconf | None = None
        self._browser: ServiceBrowser | None = None

    def open(self, ips: Sequence[str], name: str, text: bytes, heard: Callable[[bytes], None]) -> None:
        """See `node.net.mdns.Lan`."""
        own_name = f"{name}.{SERVICE}"
        own_ips = [ip for ip in ips if ipaddress.ip_address(ip).version == 4] or list(ips)
        version = IPVersion.V4Only if ipaddress.ip_address(own_ips[0]).version == 4 else IPVersion.V6Only
        try:
            self._zeroconf = zeroconf = Zeroconf(interfaces=own_ips, ip_version=version)
            info = ServiceInfo(
                SERVICE, own_name, PORT, properties=text, server=f"{name}.local.", parsed_addresses=list(ips)
            )
            zeroconf.register_service(info)
        except Error as error:
            self.close()
            raise OSError(str(error)) from error

        def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            if name == own_name or state_change is ServiceStateChange.Removed:
                return
            found = ServiceInfo(service_type, name)
            if not found.load_from_cache(zeroconf) and not found.text:
                found.request(zeroconf, ASK_MS)
            if found.text:
                heard(found.text)

        self._browser = ServiceBrowser(zeroconf, SERVICE, handlers=[changed])

    def close(self) -> None:
        """See `node.net.mdns.Lan`."""
        if self._browser is not None:
            self._browser.cancel()
        if self._zeroconf is not None:
            self._zeroconf.close()  # takes the announcement back
        self._browser = self._zeroconf = None
