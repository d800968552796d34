"""What keys do to peers: fetch from one, ban one, let it come back. Pure.

Rules: as in `row_actions`: what is meant is taken from the model of the moment the key was pressed, and effects carry
peer ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.status import PeerStatus
from node.ui.hit_rows import hit_of
from node.ui.lineedit import line
from node.ui.messages import Request
from node.ui.model import Choice, Dialog, Model, Prompt, PromptKind, item_of
from node.ui.rows import ids, index_of, peers
from node.ui.step import Step, refuse_offline, say

BANNED, BANNED_HERE = "B", "b"
"""The flags of a peer that a person has banned, and of one that the node has, for the shown file."""


def selected_peer(model: Model) -> PeerStatus | None:
    """The peer under the cursor."""
    index = index_of(model, ids(model))
    return peers(model)[index] if index >= 0 else None


def _use_peer(model: Model) -> Step:
    """Type the command that fetches the shown file from the selected peer; Enter gives it."""
    item, hit, peer = item_of(model, model.peers_of), hit_of(model, model.peers_of), selected_peer(model)
    if peer is None or (item is None and hit is None):
        return say(model, "the peers of one file can be chosen: select a file, then 3"), ()
    # A hit by its CID, for another search may have taken its number.
    typed = f"download {item.number if item else hit.cid if hit else ''} from {peer.address}"
    return replace(model, prompt=Prompt(PromptKind.COMMAND, line(typed))), ()


def _ban(model: Model) -> Step:
    """Ask whether the selected peer is to be banned; one that is may come back at once."""
    peer = selected_peer(model)
    if peer is None:
        return say(model, "no peer is selected"), ()
    if BANNED in peer.flags:
        return _ask(model, "unban", peer.peer_id, f"{peer.address} may come back")
    if BANNED_HERE in peer.flags:
        return _ask_further(model, peer), ()
    lines = (
        f"{peer.address}  {peer.peer_id[:7]}…{peer.peer_id[-4:]}",
        "its connections end, and it is let in no more;",
        "b on its row lifts that",
    )
    choices = (Choice("y", "ban it", f"ban:{peer.address}"), Choice("n", "go on", ""))
    return replace(model, dialog=Dialog("Ban this peer?", lines, choices, (peer.peer_id,), default="n")), ()


def _ask_further(model: Model, peer: PeerStatus) -> Model:
    """The question what becomes of a peer that the node has banned for the shown file by itself."""
    fault = "it sent wrong data" if "!" in peer.flags else "it broke the protocol"
    lines = (
        f"{peer.address}  {peer.peer_id[:7]}…{peer.peer_id[-4:]}",
        f"{fault}, and is banned for this file",
    )
    choices = (
        Choice("l", "lift that: it may be asked again", f"unban:{peer.address}", "lift"),
        Choice("y", "ban it for everything", f"ban:{peer.address}", "ban"),
        Choice("n", "leave it so", "", "leave"),
    )
    return replace(model, dialog=Dialog("Banned by this node", lines, choices, (peer.peer_id,), default="n"))


def unban_confirmed(model: Model, address: str) -> Step:
    """Lift the bans of the peer that the dialog has asked about."""
    peer_ids = model.dialog.ids if model.dialog else ()
    return _ask(replace(model, dialog=None), "unban", peer_ids[0], f"{address} may come back")


def ban_confirmed(model: Model, address: str) -> Step:
    """Ban the peer that the dialog has asked about."""
    peer_ids = model.dialog.ids if model.dialog else ()
    return _ask(replace(model, dialog=None), "ban", peer_ids[0], f"Banned {address}; b on its row lifts that")


def _ask(model: Model, method: str, peer_id: str, sentence: str) -> Step:
    if not model.is_online:
        return refuse_offline(model), ()
    return model, (Request(method, (("peer", peer_id),), sentence),)


PEER_ACTIONS: Mapping[str, Callable[[Model], Step]] = {"use-peer": _use_peer, "ban": _ban}
