"""Checking what a search was told, while it runs: claims are probed, a few at once, the most worth first.

Rules: which claims, and in which order, is `searching_checks`' decision. A peer that a download is asking already gets
no second session, which would end that one; what it has proved there counts instead.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import trio

from node.services.searching_checks import PROBES, Checks, Claim
from node.services.searching_probing import Network, Proof, content_of, probe
from node.services.searching_results import Description, Standing
from node.services.searching_state import Search
from node.services.threads import in_thread
from protocols.bitfield import Bitfield
from protocols.cid import Cid

PROBES_AT_ONCE = 4
"""Most probes are a megabyte: four fill an ordinary line for a second or two."""

HeardFrom = Callable[[Cid, str], tuple[int, Bitfield | None] | None]
"""Bytes of a manifest that an open session with a peer has brought, and what it says it has; None without a session."""


class Checking:
    """Checks the claims of this node's searches."""

    def __init__(self, network: Network, agent: str, rng: Random, clock: Callable[[], float]) -> None:
        """`agent` is what probes say of this node; `clock` gives unix time."""
        self.heard_from: HeardFrom = lambda cid, peer: None
        self._network = network
        self._agent = agent
        self._rng = rng
        self._clock = clock

    async def check(self, search: Search) -> None:
        """Probe claims until the search is over and none is left, or there were enough."""
        checks = Checks()
        async with trio.open_nursery() as nursery:
            while checks.left:
                claim = _next_claim(search, checks)
                if claim is not None:
                    nursery.start_soon(self._check_one, search, checks, claim)
                elif search.over.is_set() and not checks.running:
                    return
                else:
                    await search.changed.wait()

    async def _check_one(self, search: Search, checks: Checks, claim: Claim) -> None:
        proof = await self._probe(claim)
        checks.ended(claim, has_proved=proof.has_chunk)
        content = await in_thread(content_of, proof.manifest) if proof.manifest else None
        seen_at = self._clock()
        search.results.checked(*claim, _standing(proof), _description(proof), content, proof.have, seen_at)
        search.note_change()

    async def _probe(self, claim: Claim) -> Proof:
        cid, peer = Cid.parse(claim[0]), claim[1]
        heard = self.heard_from(cid, peer)
        if heard is not None:
            received, have = heard
            return Proof(has_chunk=received > 0, have=have)
        return await probe(self._network, peer, cid, self._agent, self._rng)


def _next_claim(search: Search, checks: Checks) -> Claim | None:
    """The claim to check now; None while enough are being checked."""
    if checks.running >= PROBES_AT_ONCE:
        return None
    return checks.next(search.results.to_probe(PROBES, everything=search.over.is_set()))


def _standing(proof: Proof) -> Standing:
    if proof.lied:
        return Standing.REFUTED
    return Standing.VERIFIED if proof.has_chunk else Standing.CLAIMED


def _description(proof: Proof) -> Description | None:
    manifest = proof.manifest
    return Description(manifest.name, manifest.geometry.total_size, len(manifest.files)) if manifest else None
