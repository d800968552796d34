"""A virtual network: lines with a bandwidth up and down, and a latency between any two of them.

Rules: what a node sends goes through its line up one message after the other, travels for the latency, and goes through
the receiver's line down; messages from one node to another never overtake each other. Control messages are small: they
take the latency only, but wait behind data that was sent to the same node before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.events import Events


@dataclass(eq=False)
class Line:
    """A node's connection to the network; rates in bytes per second."""

    name: str
    up_bps: float
    down_bps: float
    is_up: bool = True
    down_free_at: float = 0.0
    last_arrival: dict[str, float] = field(default_factory=dict)  # of data, by receiver


class Network:
    """All lines, and the messages between them."""

    def __init__(self, events: Events, rng: Random, latency_s: tuple[float, float], loss: float = 0.0) -> None:
        self.events = events
        self._rng = rng
        self._latency_s = latency_s
        self._latencies: dict[tuple[str, str], float] = {}
        self._loss = loss

    def latency(self, one: Line, other: Line) -> float:
        """Seconds between two lines, the same both ways and always; lost packets cost a few of them at times."""
        key = (one.name, other.name) if one.name < other.name else (other.name, one.name)
        if key not in self._latencies:
            self._latencies[key] = self._rng.uniform(*self._latency_s)
        seconds = self._latencies[key]
        if self._loss and self._rng.random() < self._loss:
            seconds += max(0.2, 2 * seconds)  # TCP's retransmission time
        return seconds

    def tell(self, sender: Line, receiver: Line, call: Callable[..., None], *args: object) -> None:
        """Bring a control message to a receiver."""
        arrival = max(self.events.now + self.latency(sender, receiver), sender.last_arrival.get(receiver.name, 0.0))
        self.events.at(arrival, call, *args)

    def carry(
        self,
        sender: Line,
        receiver: Line,
        size: int,
        sent: Callable[[], None],
        call: Callable[..., None],
        *args: object,
    ) -> None:
        """Bring data to a receiver; `sent` is called when the line up is free again."""
        leaves = self.events.now + size / sender.up_bps
        arrival = max(leaves + self.latency(sender, receiver), receiver.down_free_at) + size / receiver.down_bps
        arrival = max(arrival, sender.last_arrival.get(receiver.name, 0.0))
        receiver.down_free_at = arrival
        sender.last_arrival[receiver.name] = arrival
        self.events.at(leaves, sent)
        self.events.at(arrival, call, *args)
