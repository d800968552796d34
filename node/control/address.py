"""A unix socket's path in a form that the kernel takes, however deep the data folder lies.

A socket address holds 108 bytes on Linux and 104 on macOS, far fewer than a path may have. A longer one is reached
through a symbolic link in a private folder under /tmp, which lives only while the socket is bound or connected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_ADDRESS = 100
"""Longest path in bytes that is used as it is: below macOS's 104 with its NUL, the smallest we may meet."""


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """The address to bind or connect to for the socket at `path`; valid inside the block only."""
    if len(os.fsencode(path)) <= MAX_ADDRESS:
        yield str(path)
        return
    import tempfile  # here because a command has no milliseconds to spare for what is hardly ever needed

    # /tmp and not TMPDIR, which may be as long; mkdtemp's 0700 keeps others from swapping the link.
    with tempfile.TemporaryDirectory(prefix="shoal-", dir="/tmp") as short:
        link = Path(short, "home")
        link.symlink_to(path.parent.absolute(), target_is_directory=True)
        yield str(link / path.name)
