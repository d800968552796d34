"""The system's news of what happens below a folder (inotify, FSEvents), by watchfiles.

Rules: news are paths, and a hint: what exactly happened is for the reader to look at. What can't be watched raises
OSError; the end of the news is their loss.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from watchfiles import awatch

logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells each change otherwise

DEBOUNCE_MS = 400
"""News are gathered for so long: a copied file makes dozens of them."""

STEP_MS = 50
"""After so long without further news they are handed on."""


WAIT_MS = 500
"""How long the thread that listens takes to notice that nobody wants to hear it any more."""


async def folder_news(path: str) -> AsyncIterator[set[str]]:
    """Sets of paths below a folder in which something has changed, as it happens.

    The first one comes when the system has begun to watch, and may be empty: what happened before that is in no set.
    """
    has_begun = False
    news = awatch(
        path,
        watch_filter=None,
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        rust_timeout=WAIT_MS,
        yield_on_timeout=True,
        recursive=True,
        ignore_permission_denied=True,
    )
    async for changes in news:
        if changes or not has_begun:
            has_begun = True
            yield {changed for _, changed in changes}
