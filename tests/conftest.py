"""What every test needs, whoever starts it."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Have children feel Ctrl-C also where this process was started with it ignored, as background jobs are."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
