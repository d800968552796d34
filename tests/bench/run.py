"""`make bench`: what shoal promises of speed and memory, measured on this machine: `python -m tests.bench.run [NAME…]`.

Prints a table for each, puts the figures into build/bench.json, where those of other subjects stay, and exits 1 if a
target is missed or a subject fails. Nothing else should run meanwhile.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    catalogue,
    commands,
    connection,
    dashboard,
    download,
    lookups,
    memory,
    providing,
    search,
    sharing,
    simulation,
    small_files,
    swarm,
    watching,
)
from tests.bench.figures import Figure, machine, save, table
from tests.bench.ground import Ground

SUBJECTS: dict[str, Callable[[Ground], list[Figure]]] = {
    "catalogue": catalogue.measure,
    "commands": commands.measure,
    "dashboard": dashboard.measure,
    "lookups": lookups.measure,
    "providing": providing.measure,
    "search": search.measure,
    "sharing": sharing.measure,
    "small-files": small_files.measure,
    "download": download.measure,
    "memory": memory.measure,
    "connection": connection.measure,
    "swarm": swarm.measure,
    "simulation": simulation.measure,
    "watching": watching.measure,
}
RESULT = Path(__file__).parents[2] / "build" / "bench.json"


def main(names: list[str]) -> int:
    """Measure the subjects named, or all; the exit code is the verdict."""
    if unknown := sorted(set(names) - set(SUBJECTS)):
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}", file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)  # py-libp2p's words about hosts that leave would be in the midst of the table
    print(machine(), flush=True)
    found: dict[str, list[Figure]] = {}
    failed: list[str] = []
    for name in names or SUBJECTS:
        start = time.monotonic()
        try:
            with Ground() as ground:
                measured = SUBJECTS[name](ground)
        except Exception as error:  # the border: what can't be measured doesn't cost the other figures
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {str(error)[:500]}", file=sys.stderr, flush=True)
            continue
        print(table(measured), flush=True)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        found[name] = measured
    save(found, RESULT)
    return 1 if failed or any(figure.is_missed for figures in found.values() for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
