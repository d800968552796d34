"""The user's screen of a search, and its sentences: a snapshot of `node.status` in, a table and text out. Pure."""

from __future__ import annotations

from node.status import AskedStatus, HitState, HitStatus, SearchStatus
from node.ui.layout import Column, Table
from node.ui.units import count, size

ANSWERED = "answered"
"""The reply of a peer that said all it knows; the others say what hindered them."""

NOT_ANSWERED = ("waiting", "not waited for")
"""The replies of peers that may yet answer, or might have."""


def search_results(search: SearchStatus, *, is_final: bool = True) -> Table:
    """`search <text>`: what was found, by the numbers that `download` takes; until `is_final`, so far."""
    footer = [] if search.hits else ["Nothing found."]
    if any(_is_partly_verified(hit) for hit in search.hits):
        footer.append("3/12: of 12 peers that say they have it, 3 have proved it.")
    if any(hit.state is HitState.UNVERIFIED for hit in search.hits):
        footer.append("Unverified: nobody has proved yet to have it.")
    if any(hit.state is HitState.INCOMPLETE for hit in search.hits):
        footer.append("Incomplete: those who have proved to have some of it lack the rest, all of them.")
    doubles = [hit for hit in search.hits if hit.same_as and hit.state is HitState.AVAILABLE]
    if doubles:
        footer.append(f"{state(doubles[0])}: the same bytes as hit {doubles[0].same_as}, under another name.")
    if not is_final:
        footer = [under_way(search)]
    elif search.hits:
        footer.append("Type 'download <#>' to start downloading.")
    else:
        footer += [f"- {part}" for part in asked_parts(search)]
    return Table(
        title=f'Search Results: "{search.text}"',
        columns=(
            Column("#", 4),
            Column("File Name", 24, flexible=True),
            Column("Size", 11),
            Column("Peers", 8),
            Column("Status"),
            Column("Found", piped=True),
            Column("CID", piped=True),
        ),
        rows=tuple(
            (str(hit.number), hit.name, size(hit.size), peers(hit), state(hit), "+".join(hit.found), hit.cid)
            for hit in search.hits
        ),
        footer=tuple(footer),
    )


def peers(hit: HitStatus) -> str:
    """How many have it: `12`, or `3/12` where 3 of 12 have proved it."""
    return f"{hit.verified}/{hit.claimed}" if _is_partly_verified(hit) else str(hit.claimed)


def state(hit: HitStatus) -> str:
    """What is known of it, or the hit that it equals."""
    return f"Same as {hit.same_as}" if hit.same_as and hit.state is HitState.AVAILABLE else str(hit.state)


def asked_sentence(search: SearchStatus) -> str:
    """Whom a search has asked, and how that went; without capital and full stop."""
    return "; ".join(asked_parts(search))


def asked_parts(search: SearchStatus) -> list[str]:
    """The same, one part after the other."""
    if search.scope == "local":
        return ["looked on this node only, and asked nobody"]
    connected = sum(asked.found != "DHT" for asked in search.asked)
    parts = [f"asked {connected} of {count(search.connected, 'connected peer')}"]
    if search.keywords:
        words = ", ".join(f"'{word}'" for word in search.keywords)
        parts.append(f"the DHT named {count(search.providers, 'peer') if search.providers else 'nobody'} for {words}")
    elif search.scope == "all":
        parts.append("no word of this leads anywhere in the DHT")
    return [*parts, _replies(search.asked)]


def under_way(search: SearchStatus) -> str:
    """How a search goes on."""
    replied = sum(asked.reply != "waiting" for asked in search.asked)
    found = f"{len(search.hits)} found, {replied} of {count(len(search.asked), 'peer')} done"
    return f"{found}; checking who has it" if search.is_over else found


def _replies(asked: tuple[AskedStatus, ...]) -> str:
    """`7 answered, 1 busy`."""
    if not asked:
        return "nobody to ask"
    replies = [each.reply for each in asked]
    return ", ".join(f"{replies.count(reply)} {reply}" for reply in dict.fromkeys([ANSWERED, *replies]))


def _is_partly_verified(hit: HitStatus) -> bool:
    return 0 < hit.verified < hit.claimed
