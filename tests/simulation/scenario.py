"""One simulated distribution: who takes part, how it goes, and how long it took against the theory."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from node.swarm.settings import DownloadSettings, UploadSettings
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry
from tests.simulation.events import Events
from tests.simulation.network import Line, Network
from tests.simulation.node import Node

MBIT = 1_000_000 / 8
GIVE_UP = 20.0  # times the bound
REDIAL_S = 15.0


@dataclass(frozen=True)
class Scenario:
    """What is simulated; all nodes have equal lines. Shares of nodes are counted from the leechers."""

    name: str
    leechers: int = 100
    chunks: int = 1000
    chunk_size: int = 1 << 20
    up_bps: float = 10 * MBIT
    down_bps: float = 100 * MBIT
    sessions: int = 40  # that a leecher opens or keeps
    churn: float = 0.0  # share of leechers that leave at some time; every second one comes back
    liars: float = 0.0  # share of leechers that claim everything and send wrong bytes
    mean: float = 0.0  # share of leechers that take and never give
    latency_s: tuple[float, float] = (0.01, 0.06)
    loss: float = 0.0
    joining_s: float = 0.0  # leechers come within this time; 0 is a flash crowd
    seed: int = 1
    download: DownloadSettings | None = None
    upload: UploadSettings | None = None

    @property
    def bound_s(self) -> float:
        """The least time any protocol needs: max(F/u_seed, F/d_min, N·F/(u_seed + Σu_i))."""
        size = self.chunks * self.chunk_size
        total_up = self.up_bps * (1 + self.leechers)
        return max(size / self.up_bps, size / self.down_bps, self.leechers * size / total_up)


@dataclass(frozen=True)
class Result:
    """How it went."""

    scenario: Scenario
    time_s: float
    finished: int
    honest: int
    tail: float  # the largest share of its time that a leecher took for the last 2 % of its chunks
    first_s: float  # when the first leecher was done
    seeder_copies: float  # how often the seeder sent the whole share
    wasted: float  # bytes received that were of no use, over those of use
    worst_liar_bytes: int  # the most that one leecher lost to liars

    @property
    def ratio(self) -> float:
        """The time over the lower bound."""
        return self.time_s / self.scenario.bound_s


class Simulation:
    """The nodes of a scenario and their lives."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rng = Random(scenario.seed)
        self.events = Events()
        self.network = Network(self.events, self.rng, scenario.latency_s, scenario.loss)
        self.geometry = Geometry(scenario.chunk_size, (scenario.chunks * scenario.chunk_size,))
        self.seeder = self._node("seeder", Bitfield.full(scenario.chunks))
        names = [f"leecher-{number:03}" for number in range(scenario.leechers)]
        self.rng.shuffle(names)
        liars = round(scenario.liars * scenario.leechers)
        mean = liars + round(scenario.mean * scenario.leechers)
        self.leechers = [
            self._node(name, Bitfield(scenario.chunks), lies=place < liars, is_mean=liars <= place < mean)
            for place, name in enumerate(names)
        ]
        self.leaving = self.leechers[mean : mean + round(scenario.churn * scenario.leechers)]
        self.honest = [n for n in self.leechers[liars:] if n not in self.leaving[::2]]

    def _node(self, name: str, have: Bitfield, *, lies: bool = False, is_mean: bool = False) -> Node:
        line = Line(name, self.scenario.up_bps, self.scenario.down_bps)
        settings = {"download_settings": self.scenario.download, "upload_settings": self.scenario.upload}
        return Node(line, self.network, self.geometry, have, self.rng, lies=lies, is_mean=is_mean, **settings)

    def run(self) -> Result:
        """Let everybody come, fetch and go."""
        scenario = self.scenario
        for node in self.leechers:
            self.events.at(self.rng.uniform(0.0, scenario.joining_s), self._join, node)
        for place, node in enumerate(self.leaving):
            leaves = self.rng.uniform(0.05, 0.8) * scenario.bound_s
            self.events.at(leaves, node.leave)
            if place % 2:
                self.events.at(leaves + 0.1 * scenario.bound_s, self._return, node)
        self.events.run(GIVE_UP * scenario.bound_s, lambda: all(n.finished_at is not None for n in self.honest))
        return self._result()

    def _join(self, node: Node) -> None:
        node.start()
        self._dial(node)

    def _return(self, node: Node) -> None:
        node.come_back()
        node.connect(self.seeder)

    def _dial(self, node: Node) -> None:
        """Look for peers, now and again later: everybody knows the seeder and some others."""
        if node.line.is_up:
            node.connect(self.seeder)
            others = self.rng.sample(self.leechers, min(len(self.leechers), self.scenario.sessions))
            for other in others:
                if (
                    len(node.neighbours) < self.scenario.sessions
                    and len(other.neighbours) < 1.5 * self.scenario.sessions
                ):
                    node.connect(other)
        self.events.after(REDIAL_S, self._dial, node)

    def _result(self) -> Result:
        done = [n.finished_at for n in self.honest if n.finished_at is not None]
        size = self.geometry.total_size
        tails = [
            (n.finished_at - n.nearly_at) / (n.finished_at - n.joined_at)
            for n in self.honest
            if n.finished_at and n.nearly_at
        ]
        useful = sum(n.have.count for n in self.leechers) * self.scenario.chunk_size
        return Result(
            self.scenario,
            time_s=max(done, default=float("inf")) if len(done) == len(self.honest) else float("inf"),
            finished=len(done),
            honest=len(self.honest),
            tail=max(tails, default=1.0),
            first_s=min(done, default=float("inf")),
            seeder_copies=self.seeder.sent / size,
            wasted=sum(n.received for n in self.leechers) / max(useful, 1) - 1.0,
            worst_liar_bytes=max(n.download.failed_bytes for n in self.leechers),
        )
