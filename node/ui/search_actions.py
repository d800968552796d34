"""What keys do to a search and its hits: stop it, fetch a hit, tell what is known of it and who has it. Pure.

Rules: as in `row_actions`. Only a search that was begun here is stopped from here: what another program of the same
person searches for may be the latest, and is shown, but isn't ours to end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.status import HitState, HitStatus, SearchStatus
from node.ui.hit_rows import hits
from node.ui.messages import Request, RunLine
from node.ui.model import Answer, Model, Screen, item_of
from node.ui.rows import ids, index_of
from node.ui.step import Step, refuse_offline, say
from node.ui.units import count, duration, size_fixed


def selected_hit(model: Model) -> HitStatus | None:
    """The hit under the cursor."""
    index = index_of(model, ids(model))
    return hits(model)[index] if index >= 0 else None


def stop(model: Model, search: SearchStatus) -> Step:
    """Have nobody asked any more; what was found stays."""
    return model, (Request("search_stop", (("number", search.number),), f'stopped searching for "{search.text}"'),)


def _take(model: Model) -> Step:
    """Download the selected hit."""
    hit = selected_hit(model)
    if hit is None:
        return say(model, "nothing to download yet; n searches"), ()
    if hit.state is HitState.HAVE:
        return say(model, f"#{hit.number} {hit.name} is here already"), ()
    if not model.is_online:
        return refuse_offline(model), ()
    # By its CID: another search may have taken the numbers in the meantime.
    lacking = f"; of it only {hit.copies:.2f} copies are known" if hit.state is HitState.INCOMPLETE else ""
    return say(model, f"→ #{hit.number} {hit.name}{lacking}"), (RunLine(f"get {hit.cid}", None),)


def _hit_peers(model: Model) -> Step:
    """Who is said to have the selected hit, on the screen of peers."""
    hit = selected_hit(model)
    if hit is None:
        return say(model, "nothing found yet; n searches"), ()
    return replace(model, screen=Screen.PEERS, peers_of=hit.cid), ()


def _hit_info(model: Model) -> Step:
    """What is known of the selected hit; of one that is in the list, its details."""
    hit = selected_hit(model)
    if hit is None:
        return say(model, "nothing found yet; n searches"), ()
    if item_of(model, hit.cid):
        return replace(model, screen=Screen.TRANSFERS, details=hit.cid, tab=0), ()
    fields = (
        ("Size", f"{size_fixed(hit.size)} ({hit.size:,} bytes in {count(hit.files, 'file')})"),
        ("Status", str(hit.state)),
        ("Peers", f"{count(hit.claimed, 'peer')} said to have it, {hit.verified} of them proved it"),
        ("Avail", _copies(hit)),
        ("Seen", _seen(model, hit)),
        ("Found by", " and ".join(hit.found)),
        ("CID", hit.cid),
    )
    lines = tuple(f"{label + ':':10}{value}" for label, value in fields)
    return replace(model, answer=Answer(f"Search hit #{hit.number} - {hit.name}", lines)), ()


def _copies(hit: HitStatus) -> str:
    if hit.copies is None:
        return "not known: nobody has proved yet to have it"
    whole = "every chunk is there" if hit.copies >= 1 else "some chunks nobody of them has"
    return f"{hit.copies:.2f} copies among those who proved it: {whole}"


def _seen(model: Model, hit: HitStatus) -> str:
    if hit.seen_at is None:
        return "not known: others say of its peers that they have it"
    return f"{duration(model.wall - hit.seen_at)} ago a peer said or proved that it has it"


SEARCH_ACTIONS: Mapping[str, Callable[[Model], Step]] = {
    "take": _take,
    "hit-info": _hit_info,
    "hit-peers": _hit_peers,
}
