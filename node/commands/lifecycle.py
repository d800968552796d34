"""The commands about the node itself: daemon, connect, shutdown."""

from __future__ import annotations

import importlib
import time

from node.commands.context import Context, mapping
from node.config import load
from node.control.lock import holder
from node.errors import ExitCode, ShoalError

CONNECT_TIMEOUT_S = 60.0
"""How long dialling may take: several addresses, each with its own shorter limit in the node."""

SHUTDOWN_S = 15.0
"""How long a node may take to save what it has and go."""

SHUTDOWN_POLL_S = 0.05


def daemon(context: Context) -> int:
    """Be the node, until told to stop."""
    config = load(vars(context.arguments), context.environ)
    # By name and here, so that no other command pays for trio and libp2p.
    code: int = importlib.import_module("node.app").run(config)
    return code


def connect(context: Context) -> int:
    """Dial a peer."""
    params = {"multiaddr": context.arguments.multiaddr}
    result = mapping(context.call("connect", timeout_s=CONNECT_TIMEOUT_S, **params))
    peer_id = str(result.get("peer_id"))
    context.output.answer(result, [f"Connected to {peer_id}"], (peer_id,))
    return ExitCode.OK


def shutdown(context: Context) -> int:
    """Stop the node, and wait until its data folder is free for the next one."""
    lock = context.home.lock
    result = mapping(context.call("shutdown"))
    deadline = time.monotonic() + SHUTDOWN_S
    while (pid := holder(lock)) is not None:
        if time.monotonic() > deadline:
            raise ShoalError(f"the node (process {pid}) was told to stop, but still runs after {SHUTDOWN_S:g} s")
        time.sleep(SHUTDOWN_POLL_S)
    context.output.answer(result, ["The node has stopped"])
    return ExitCode.OK
