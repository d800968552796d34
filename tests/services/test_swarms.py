"""What a swarm remembers of those that have left is bounded."""

from __future__ import annotations

from node.services.swarms import MAX_BANNED, Swarm
from tests.services.test_exchange import CONTENT


def test_the_banned_are_remembered_the_latest_of_them():
    swarm = Swarm(CONTENT.cid)
    for number in range(MAX_BANNED + 10):
        swarm.ban(f"peer {number}", has_lied=number % 2 == 0)
    swarm.ban(f"peer {MAX_BANNED}", has_lied=False)
    assert len(swarm.banned) == MAX_BANNED
    assert len(swarm.liars) == MAX_BANNED // 2
    assert "peer 9" not in swarm.banned
    assert f"peer {MAX_BANNED}" in swarm.liars, "who lied once is a liar"
