"""What every test needs, whoever starts it."""

from __future__ import annotations

import signal

from hypothesis import settings

# A busy machine is slow, not wrong: no test fails for the time an example took.
settings.register_profile("shoal", deadline=None)
settings.load_profile("shoal")


def pytest_configure() -> None:
    """Have children feel Ctrl-C also where this process was started with it ignored, as background jobs are."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
