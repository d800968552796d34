"""What the status screen says of questions and walks."""

from __future__ import annotations

import pytest

from node.net.kad_tally import ANSWERS, HOUR_S, Tally, Times


def test_before_the_first_question_there_is_nothing_to_tell():
    tally = Tally()
    assert tally.last_hour(0.0) == (0, 0)
    assert tally.answer_times(0.0) == tally.walk_times() == Times(0.0, 0.0)


def test_only_the_last_hour_is_told_and_all_is_counted():
    tally = Tally()
    for minute in range(120):
        tally.answer(0.1 if minute < 60 else 0.2, minute * 60.0)
        tally.answer(0.3, minute * 60.0 + 30)
        tally.failure(minute * 60.0 + 59)
    assert tally.last_hour(120 * 60.0 - 1) == (120, 60)
    assert (tally.answered, tally.failed) == (240, 120)
    assert tally.last_hour(120 * 60.0 - 1 + HOUR_S) == (0, 0)
    assert tally.answer_times(120 * 60.0 - 1).median_s == pytest.approx(0.25)
    assert tally.answer_times(120 * 60.0 + HOUR_S) == Times(0.0, 0.0)


def test_the_slow_are_told_apart_and_memory_is_bounded():
    tally = Tally()
    for number in range(10 * ANSWERS):
        tally.answer(2.0 if number % 10 == 0 else 0.1, 1.0)
        tally.walked(3.0)
    assert tally.answer_times(1.0) == Times(0.1, 2.0)
    assert tally.walk_times() == Times(3.0, 3.0)
    assert tally.walks == 10 * ANSWERS
    assert len(tally._answers) == ANSWERS
