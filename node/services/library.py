"""What this node shares and downloads: the commands on it, and how each item lives across restarts.

Rules: the catalogue is the truth about what is to happen, the tasks here are what does happen; a state is written
before its task starts or ends, so that a restart goes on with the same. One download task per CID.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trio

from node.errors import IntegrityError, NoPeersError, ShoalError, StorageError, UsageError
from node.services.content import Content
from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder, Routing
from node.services.providing import Providing
from node.services.storage import CatalogueStorage
from node.status import TransferState
from node.store.catalogue import Catalogue, Item
from node.swarm.candidates import Candidates
from protocols.cid import Cid
from protocols.exchange import ByeReason
from protocols.link import Link, LinkError, parse_target

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long `get` waits without any peer before it says so: three lookups' worth. The download itself goes on trying."""

RUNNING = (TransferState.DOWNLOADING, TransferState.STALLED, TransferState.VERIFYING)


@dataclass(slots=True)
class Active:
    """A download that runs now."""

    task: DownloadTask
    finder: PeerFinder
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)
    error: ShoalError | None = None


class Library:
    """All items of this node."""

    def __init__(
        self, catalogue: Catalogue, exchange: Exchange, routing: Routing, providing: Providing, peer_id: str
    ) -> None:
        self.catalogue = catalogue
        self.active: dict[Cid, Active] = {}
        self._exchange = exchange
        self._routing = routing
        self._providing = providing
        self._peer_id = peer_id
        self._nursery: trio.Nursery | None = None
