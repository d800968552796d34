"""The lookup machine on simulated networks: hundreds of nodes, scripted time, deaths and lies."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from node.net.kad_keyspace import key_point
from node.net.kad_lookup import Lookup, LookupLimits

LIMITS = LookupLimits()
TIMEOUT_S = 4.0


@cache
def point(name):
    return key_point(name.encode())


@dataclass
class Network:
    """Simulated nodes that know each other as honest Kademlia nodes do: up to k contacts for every bucket."""

    rng: random.Random
    size: int
    dead: set[str] = field(default_factory=set)
    names: list[str] = field(init=False)

    def __post_init__(self):
        self.names = [f"node {index}" for index in range(self.size)]

    def _table(self, own):
        buckets = {}
        for other in self.rng.sample(self.names, self.size):
            if other != own:
                bucket = buckets.setdefault((point(own) ^ point(other)).bit_length(), [])
                if len(bucket) < LIMITS.k:
                    bucket.append(other)
        return [peer for bucket in buckets.values() for peer in bucket]

    def answer(self, peer, target):
        return heapq.nsmallest(LIMITS.k, self._table(peer), key=lambda name: point(name) ^ target)

    def truly_closest(self, target, *, without):
        live = [name for name in self.names if name not in self.dead and name != without]
        return heapq.nsmallest(LIMITS.k, live, key=lambda name: point(name) ^ target)


@dataclass
class Walk:
    """Drives one Lookup to its end as the real driver does; records what a peer or a user would notice."""

    network: Network
    target: int
    own: str
    asked: list[str] = field(default_factory=list)
    most_in_time: int = 0
    ended_at: float = 0.0

    def run(self):
        rng, now = self.network.rng, 0.0
        lookup = Lookup(self.target, self.network.answer(self.own, self.target), exclude=self.own, point=point)
        pending = []  # (when its report comes, peer)
        while not lookup.is_finished:
            while (peer := lookup.next(now)) is not None:
                self.asked.append(peer)
                delay = TIMEOUT_S if peer in self.network.dead else rng.uniform(0.01, 0.3)
                heapq.heappush(pending, (now + delay, peer))
            self.most_in_time = max(self.most_in_time, sum(at <= now + LIMITS.slow_after_s for at, _ in pending))
            if lookup.is_finished:
                break
            wakeup = lookup.next_wakeup()
            if wakeup is not None and wakeup < pending[0][0]:
                now = wakeup
                continue
            now, peer = heapq.heappop(pending)
            if peer in self.network.dead:
                lookup.on_failure(peer)
            else:
                lookup.on_success(peer, self.network.answer(peer, self.target))
        self.ended_at = now
        return lookup.closest()


seeds = st.integers(0, 2**32)


@settings(deadline=None)  # the simulated network's tables take most of the time
@given(seeds, st.integers(1, 300))
def test_a_walk_finds_the_true_k_closest(seed, size):
    network = Network(random.Random(seed), size)
    own, target = network.names[0], point(f"key {seed}")
    walk = Walk(network, target, own)
    assert walk.run() == network.truly_closest(target, without=own)
    assert len(walk.asked) == len(set(walk.asked)), "a peer was asked twice"
    assert own not in walk.asked
    assert walk.most_in_time <= LIMITS.k


@given(seeds, st.integers(2, 60))
def test_half_the_nodes_dead_costs_one_timeout_and_no_live_node_is_missed(seed, size):
    rng = random.Random(seed)
    network = Network(rng, size)
    own, target = network.names[0], point(f"key {seed}")
    network.dead = set(rng.sample(network.names[1:], (size - 1) // 2))
    walk = Walk(network, target, own)
    found = walk.run()
    # Everyone knows nearly everyone at this size, so the dead may cost time but not results.
    if size <= LIMITS.k:
        assert found == network.truly_closest(target, without=own)
    assert not set(found) & network.dead
    assert walk.ended_at < 2 * TIMEOUT_S


@given(seeds)
def test_dead_peers_give_up_their_slots_when_slow(seed):
    """With 15 peers of whom 8 are dead, alpha is never held by the dead for longer than slow_after_s."""
    rng = random.Random(seed)
    network = Network(rng, 16)
    network.dead = set(rng.sample(network.names[1:], 8))
    walk = Walk(network, point(f"key {seed}"), network.names[0])
    assert len(walk.run()) == 7
    assert walk.ended_at <= TIMEOUT_S + LIMITS.slow_after_s + 0.3


@given(seeds)
def test_liars_cannot_lead_a_walk_on_for_ever(seed):
    """A peer that always names strangers ever nearer to the target is cut off by the query limit."""
    limits = LookupLimits(max_queries=40)
    rng = random.Random(seed)
    nearer = iter(range(10**6, 0, -1))
    lookup = Lookup(0, [str(next(nearer))], limits=limits, point=int)
    asked = 0
    while not lookup.is_finished:
        peer = lookup.next(0.0)
        assert peer is not None
        asked += 1
        lookup.on_success(peer, [str(next(nearer)) for _ in range(rng.randint(1, 20))])
    assert asked == 40
    assert lookup.next(0.0) is None


def test_the_candidate_list_is_bounded_and_keeps_the_nearest():
    limits = LookupLimits(k=2, max_candidates=8)
    names = [f"peer {index}" for index in range(100)]
    lookup = Lookup(0, names, limits=limits, point=point)
    asked = []
    while not lookup.is_finished:
        peer = lookup.next(0.0)
        if peer is not None:
            asked.append(peer)
            lookup.on_failure(peer)
    assert asked == sorted(names, key=point)[:8]


def test_at_most_alpha_are_asked_before_beta_have_answered():
    names = sorted((f"peer {index}" for index in range(40)), key=point)
    lookup = Lookup(0, names, point=point)
    first = [peer for _ in range(40) if (peer := lookup.next(0.0))]
    assert first == names[: LIMITS.alpha]
    for peer in names[:2]:
        lookup.on_success(peer, [])
    more = [peer for _ in range(40) if (peer := lookup.next(0.0))]
    assert more == names[10:12]
    lookup.on_success(names[2], [])  # the beta nearest have answered: the walk has arrived
    rest = [peer for _ in range(40) if (peer := lookup.next(0.0))]
    assert rest == names[12 : LIMITS.k]


def test_an_overdue_answer_still_counts():
    lookup = Lookup(0, ["slow"], point=point)
    assert lookup.next(0.0) == "slow"
    assert lookup.next_wakeup() == LIMITS.slow_after_s
    assert lookup.next(5.0) is None
    assert lookup.next_wakeup() is None
    assert not lookup.is_finished
    lookup.on_success("slow", ["new"])
    assert lookup.next(5.0) == "new"
    lookup.on_failure("new")
    assert lookup.is_finished
    assert lookup.closest() == ["slow"]


def test_reports_about_strangers_and_second_reports_change_nothing():
    lookup = Lookup(0, ["a"], exclude="me", point=point)
    lookup.on_success("nobody", ["b"])
    assert lookup.next(0.0) == "a"
    lookup.on_failure("a")
    lookup.on_success("a", ["b", "me"])
    assert lookup.is_finished
    assert lookup.closest() == []


def test_a_walk_without_known_peers_is_over_at_once():
    lookup = Lookup(0, [])
    assert lookup.next(0.0) is None
    assert lookup.is_finished
    assert lookup.closest() == []


def test_a_slow_peer_too_far_to_matter_is_not_waited_for():
    limits = LookupLimits(k=2, alpha=3)
    names = sorted((f"peer {index}" for index in range(3)), key=point)
    lookup = Lookup(0, names, limits=limits, point=point)
    assert [lookup.next(0.0), lookup.next(0.0)] == names[:2]
    assert lookup.next(2.0) == names[2]  # both are slow: the next one gets a chance
    lookup.on_success(names[0], [])
    lookup.on_success(names[1], [])
    assert lookup.in_flight == 1
    assert lookup.is_finished
    assert lookup.closest() == names[:2]
    assert lookup.queries == 3
