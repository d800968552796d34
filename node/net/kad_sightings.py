"""What a search for providers has seen so far: who is reported, and when it has seen enough.

Rules: pure but for the callback. Each provider is reported once, as soon as an address of it is known; one that nobody
knows an address of is reported at the end, without any, since this node may be connected to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node.net.kad_messages import Contact
from node.net.provider_store import Provider


class Sightings:
    """Reports providers to `found`, at most `limit`."""

    def __init__(self, found: Callable[[Provider], None], limit: int) -> None:
        self._found = found
        self._limit = limit
        self._reported: set[str] = set()
        self._without_address: dict[str, None] = {}

    @property
    def count(self) -> int:
        """How many were reported."""
        return len(self._reported)

    def add(self, providers: Iterable[Contact]) -> bool:
        """Report what is new among the records of one server; True when the limit is reached."""
        for provider in providers:
            if provider.addresses:
                self._report(provider)
            else:
                self._without_address[provider.peer_id] = None
        return self.count >= self._limit

    def finish(self) -> None:
        """Report those without an address: nobody is left who might know one."""
        for peer_id in self._without_address:
            self._report(Contact(peer_id))

    def _report(self, provider: Contact) -> None:
        if provider.peer_id not in self._reported and self.count < self._limit:
            self._reported.add(provider.peer_id)
            self._found(Provider(provider.peer_id, provider.addresses))
