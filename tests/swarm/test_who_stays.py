"""Whatever happened before: as soon as the peers that are there answer, everything that they have is fetched."""

from __future__ import annotations

from hypothesis import settings

from protocols.exchange import RejectReason
from tests.swarm.story import KIB
from tests.swarm.test_download_machine import AnyNews

LONG_S = 600
"""The longest that any peer is left alone, several times over."""


class WhoStays(AnyNews):
    """The same news, and an end in which nobody leaves, comes, or is banned any more."""

    def teardown(self):
        if not hasattr(self, "story"):
            return
        self._want_everything()
        self.story.pump()
        for _ in range(LONG_S):
            self._answer_everything()
            if self.download.is_complete:
                break
            self.story.wait(1.0)
        peers = self.download.peers.values()
        missing = [chunk for chunk in range(self.story.have.length) if not self.story.have[chunk]]
        to_be_had = [chunk for chunk in missing if any(peer.bitfield[chunk] for peer in peers)]
        assert not to_be_had, "what a connected peer has is fetched from it"

    def _answer_everything(self) -> None:
        """Every peer ends what it was asked for, and what is whole is hashed."""
        while any(self.story.asked.values()):
            for peer in tuple(self.story.asked):
                for request in tuple(self.story.asked.get(peer, ())):
                    if request in self.story.cancelled:
                        self.story.refuse(peer, RejectReason.CANCELLED, request)
                    elif request in self.story.asked.get(peer, ()):
                        self._send(request, 256 * KIB)
            self._hash_all()
        self._hash_all()

    def _hash_all(self) -> None:
        self._forget_dropped()
        for chunk in sorted(self.whole):
            self.kept.pop(chunk)
            self.story.hash(chunk)
        self.whole.clear()


TestWhoStays = WhoStays.TestCase
TestWhoStays.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
