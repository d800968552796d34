"""Work in a thread beside a block: to load, to watch, or to make room for what is timed in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(step: Callable[[], None], pause_s: float = 0.0) -> Iterator[None]:
    """Do `step` again and again, with a pause before each, for as long as the block lasts; the last one is awaited."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(pause_s):
            step()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
