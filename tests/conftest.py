"""What every test needs, whoever starts it."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A busy machine is slow, not wrong: no test fails for the time an example took.
settings.register_profile("shoal", deadline=None)
settings.load_profile("shoal")


def pytest_configure() -> None:
    """Keep nodes silent on the LAN; have children feel Ctrl-C also where it was ignored, as background jobs do."""
    os.environ["SHOAL_MDNS"] = "0"
    signal.signal(signal.SIGINT, signal.default_int_handler)
