"""What keys do to the hits of a search: fetch one, tell what is known of it. Pure.

Rules: as in `row_actions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.status import HitState, HitStatus
from node.ui.messages import RunLine
from node.ui.model import Answer, Model, Screen, item_of
from node.ui.rows import hits, ids, index_of
from node.ui.step import Step, refuse_offline, say
from node.ui.units import count, size_fixed


def selected_hit(model: Model) -> HitStatus | None:
    """The hit under the cursor."""
    index = index_of(model, ids(model))
    return hits(model)[index] if index >= 0 else None


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
    return say(model, f"→ #{hit.number} {hit.name}"), (RunLine(f"get {hit.cid}", None),)


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
        ("Found by", " and ".join(hit.found)),
        ("CID", hit.cid),
    )
    lines = tuple(f"{label + ':':10}{value}" for label, value in fields)
    return replace(model, answer=Answer(f"Search hit #{hit.number} - {hit.name}", lines)), ()


SEARCH_ACTIONS: Mapping[str, Callable[[Model], Step]] = {"take": _take, "hit-info": _hit_info}
