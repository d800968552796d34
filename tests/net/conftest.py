"""Fixtures of the network tests."""

from __future__ import annotations

import pytest
import trio.testing


@pytest.fixture
def hurried_clock() -> trio.testing.MockClock:
    """A clock on which ten seconds take one; pytest-trio uses it for the whole test.

    Unlike an autojump clock it doesn't mistake bytes on their way through the kernel for idleness.
    """
    return trio.testing.MockClock(rate=10)
