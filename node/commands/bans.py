"""The commands about banned peers: ban, unban."""

from __future__ import annotations

import time

from node.commands.context import Context, decode, decode_list, mapping
from node.errors import ExitCode
from node.status import BanStatus, to_json
from node.ui.ban_screen import banned_peers

BAN_TIMEOUT_S = 30.0
"""How long a ban may take: the peer's sessions hear a last word before its connections end."""


def ban(context: Context) -> int:
    """Have nothing to do with a peer any more or, without one, list those that are banned."""
    if context.arguments.peer is None:
        bans = decode_list(BanStatus, context.call("banned"))
        context.output.screens(map(to_json, bans), banned_peers(bans, time.time()))
        return ExitCode.OK
    result = mapping(context.call("ban", timeout_s=BAN_TIMEOUT_S, peer=context.arguments.peer))
    peer_id = decode(BanStatus, result).peer_id
    context.output.answer(result, [f"Banned {peer_id}; unban lets it come back"], (peer_id,))
    return ExitCode.OK


def unban(context: Context) -> int:
    """Let a banned peer come back."""
    result = mapping(context.call("unban", peer=context.arguments.peer))
    peer_id = decode(BanStatus, result).peer_id
    context.output.answer(result, [f"{peer_id} may come back"], (peer_id,))
    return ExitCode.OK
