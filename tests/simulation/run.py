"""The full-size simulations: `python tests/simulation/run.py [NAME…]` prints each one's time over the lower bound.

The bound is for a crowd of equal, honest peers that are all there from the start, whatever the scenario is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script from anywhere

from tests.simulation.scenario import Result, Scenario, Simulation

FLASH_CROWD = Scenario("flash crowd")
CHURN_AND_LIARS = Scenario("churn and liars", churn=0.2, liars=0.1)
SCENARIOS = (
    FLASH_CROWD,
    CHURN_AND_LIARS,
    Scenario("free riders", mean=0.2),
    Scenario("a trickle of leechers", joining_s=600.0),
    Scenario("far and lossy", latency_s=(0.05, 0.3), loss=0.01),
)

TITLES = ("scenario", "bound", "time", "ratio", "first", "tail", "seeder", "waste", "lies", "done", "took")
ROW = "{:24} {:>8} {:>8} {:>6} {:>6} {:>6} {:>7} {:>6} {:>9} {:>8} {:>7}"


def row(result: Result, seconds: float) -> str:
    """One line of the table; "first" is the first leecher's time over the bound."""
    scenario = result.scenario
    return ROW.format(
        scenario.name,
        f"{scenario.bound_s:.0f} s",
        f"{result.time_s:.0f} s",
        f"{result.ratio:.3f}",
        f"{result.first_s / scenario.bound_s:.3f}",
        f"{result.tail:.1%}",
        f"{result.seeder_copies:.2f}x",
        f"{result.wasted:.1%}",
        f"{result.worst_liar_bytes / (1 << 20):.1f} MiB",
        f"{result.finished}/{result.honest}",
        f"{seconds:.0f} s",
    )


def main(names: list[str]) -> None:
    """Run the scenarios named, all of them by default."""
    print(ROW.format(*TITLES))
    for scenario in SCENARIOS:
        if not names or scenario.name in names:
            began = perf_counter()
            print(row(Simulation(scenario).run(), perf_counter() - began), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
