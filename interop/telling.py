"""Events in JSON lines, as the Go peer tells them."""

from __future__ import annotations

import json

from node.net.host import Host


def emit(event: str, **values: object) -> None:
    """Print one event."""
    print(json.dumps({"event": event, **values}), flush=True)


def ready(host: Host, **values: object) -> None:
    """The first event: who this is and where."""
    emit("ready", peer=host.peer_id, addresses=host.addresses(), **values)
