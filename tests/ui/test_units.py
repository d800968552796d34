"""Numbers as the user writes them, and in the fixed style of the progress line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ui.units import choose_units, count, duration, eta, eta_fixed, percent, rate, rate_fixed, size, size_fixed


@pytest.mark.parametrize(
    ("number", "plain", "fixed"),
    [
        (0, "0 B", "0 B"),
        (1, "1 B", "1 B"),
        (999, "999 B", "999 B"),
        (1_000, "1 KB", "1.00 KB"),
        (1_234, "1.2 KB", "1.23 KB"),
        (99_940, "99.9 KB", "99.9 KB"),
        (99_999, "100 KB", "100 KB"),
        (999_499, "999 KB", "999 KB"),
        (999_999, "1 MB", "1.00 MB"),
        (5_000_000, "5 MB", "5.00 MB"),
        (40_000_000, "40 MB", "40.0 MB"),
        (700_000_000, "700 MB", "700 MB"),
        (2_500_000_000, "2.5 GB", "2.50 GB"),
        (10**12, "1 TB", "1.00 TB"),
        (10**18, "1 EB", "1.00 EB"),
    ],
)
def test_sizes(number, plain, fixed):
    assert size(number) == plain
    assert size_fixed(number) == fixed


@given(st.integers(0, 10**20))
def test_sizes_stay_narrow(number):
    assert re.fullmatch(r"\d{1,3}(\.\d)? [KMGTPE]?B", size(number))
    assert len(size_fixed(number)) <= 7


@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_a_larger_number_never_looks_smaller(first, second):
    def value(text):
        digits, prefix = text.split()
        return float(digits) * 1000 ** ["B", "KB", "MB", "GB", "TB", "PB", "EB"].index(prefix)

    small, large = sorted((first, second))
    assert value(size(small)) <= value(size(large))
    assert value(size_fixed(small)) <= value(size_fixed(large))


def test_rates_have_a_dash_for_nothing():
    assert (rate(1_200_000), rate(0), rate(0.4)) == ("1.2 MB/s", "-", "-")
    assert (rate_fixed(1_200_000), rate_fixed(0)) == ("1.20 MB/s", "-")


@pytest.mark.parametrize(
    ("done", "total", "shown"), [(0, 10, 0), (999, 1000, 99), (1000, 1000, 100), (0, 0, 100), (12, 10, 100)]
)
def test_percent_is_floored(done, total, shown):
    assert percent(done, total) == shown


@pytest.mark.parametrize(
    ("seconds", "plain", "fixed"),
    [
        (0, "0 s", "0s"),
        (0.2, "1 s", "1s"),
        (45, "45 s", "45s"),
        (900, "15 min", "15m00s"),
        (901, "16 min", "15m01s"),
        (3_599, "1 h", "59m59s"),
        (3_600, "1 h", "1h00m"),
        (11_520, "3 h 12 min", "3h12m"),
        (187_200, "2 d 4 h", "2d04h"),
        (172_800, "2 d", "2d00h"),
    ],
)
def test_times(seconds, plain, fixed):
    assert duration(seconds) == plain
    assert eta(seconds) == plain
    assert eta_fixed(seconds) == fixed


@pytest.mark.parametrize("seconds", [None, float("inf"), float("nan"), 1e12])
def test_an_endless_wait_has_no_number(seconds):
    assert eta(seconds) == "unknown"
    assert eta_fixed(seconds) == "∞"


@given(st.floats())
def test_no_time_is_too_odd(seconds):
    assert duration(seconds)
    assert 1 <= len(eta_fixed(seconds)) <= 6


def test_a_count_has_its_plural():
    assert (count(1, "source"), count(5, "source"), count(0, "file")) == ("1 source", "5 sources", "0 files")


@pytest.fixture
def binary():
    choose_units("iec")
    yield
    choose_units("si")


@pytest.mark.parametrize(
    ("number", "plain", "fixed"),
    [
        (999, "999 B", "999 B"),
        (1_000, "1 KiB", "0.98 KiB"),
        (1_024, "1 KiB", "1.00 KiB"),
        (1_000 * 1_024, "1 MiB", "0.98 MiB"),
        (2_500_000_000, "2.3 GiB", "2.33 GiB"),
        (668 << 20, "668 MiB", "668 MiB"),
    ],
)
def test_binary_units(binary, number, plain, fixed):
    assert (size(number), size_fixed(number)) == (plain, fixed)
    assert rate_fixed(number) == f"{fixed}/s"


@given(st.floats(0, 1e18))
def test_a_binary_amount_is_a_cell_wider_at_most(number):
    choose_units("iec")
    try:
        assert len(size_fixed(number)) <= 8
    finally:
        choose_units("si")
