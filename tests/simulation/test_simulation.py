"""Whole swarms on a virtual network, small enough for every run; `make bench` and `run.py` have them in full size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.scenario import Scenario, Simulation

pytestmark = pytest.mark.slow

SMALL = Scenario("small", leechers=20, chunks=250, sessions=20)
MIDDLE = Scenario("middle", leechers=40, chunks=300, sessions=30)


def test_a_flash_crowd_needs_little_more_than_any_protocol_must():
    result = Simulation(SMALL).run()
    assert result.finished == 20
    assert result.ratio <= 1.15
    assert result.tail <= 0.05
    assert result.wasted <= 0.03


def test_churn_and_liars_cost_time_but_no_honest_peer_its_file():
    result = Simulation(replace(SMALL, churn=0.2, liars=0.1)).run()
    assert result.finished == result.honest == 16
    assert result.ratio <= 1.5
    assert result.tail <= 0.05
    assert result.worst_liar_bytes <= 2 * 2 * result.scenario.chunk_size, "two liars, two chunks each at most"


def test_a_larger_swarm_with_churn_and_liars_keeps_within_the_same_bounds():
    result = Simulation(replace(MIDDLE, churn=0.2, liars=0.1)).run()
    assert result.finished == result.honest == 32
    assert result.ratio <= 1.5
    assert result.tail <= 0.05


def test_free_riders_do_not_stop_anybody():
    result = Simulation(replace(SMALL, mean=0.2, chunks=150)).run()
    assert result.finished == result.honest
    assert result.ratio <= 1.6


def test_the_same_seed_gives_the_same_run():
    scenario = replace(SMALL, leechers=8, chunks=40, churn=0.25, liars=0.25, mean=0.125, loss=0.02)
    assert Simulation(scenario).run() == Simulation(scenario).run()
    other = Simulation(replace(scenario, seed=2)).run()
    assert other.time_s != Simulation(scenario).run().time_s
