"""Whole swarms on a virtual network, against the least time that any protocol needs; nothing of it is measured in time.

One seeder, 100 leechers, equal lines of 10 Mbit/s up and 100 Mbit/s down, 1,000 chunks of 1 MiB, all at once; and the
same when a fifth of the leechers leave, half of them for good, and a tenth send wrong bytes. The seed says which, and
when. The scenarios have a process each.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.simulation.run import CHURN_AND_LIARS, FLASH_CROWD
from tests.simulation.scenario import Result, Scenario, Simulation

BOUNDS = {FLASH_CROWD: 1.15, CHURN_AND_LIARS: 1.5}
"""The time of the last honest leecher over the bound, at most."""

TAIL = 5.0
"""Per cent of a leecher's time that the last 2 % of its chunks may take."""


def measure(ground: Ground) -> list[Figure]:
    """Both scenarios, at the same time."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        results = list(processes.map(_run, BOUNDS))
    return [figure for result in results for figure in _figures(result)]


def _run(scenario: Scenario) -> Result:
    return Simulation(scenario).run()


def _figures(result: Result) -> list[Figure]:
    scenario = result.scenario
    name = f"{scenario.name}, {scenario.leechers} leechers (seed {scenario.seed})"
    return [
        Figure(f"simulated {name}", result.time_s, "s", scenario.bound_s, at_most=BOUNDS[scenario]),
        Figure(f"{scenario.name}: honest leechers that finish", result.finished, "", result.honest, at_least=1),
        Figure(f"{scenario.name}: time for the last 2 %, worst", 100 * result.tail, "%", TAIL, at_most=1),
    ]
