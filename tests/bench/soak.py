"""`make soak`: nodes share, fetch, pause, stop and die in a seeded random walk; nothing may be lost, wrong or leaked.

`python -m tests.bench.soak [--minutes M] [--seed N]`. After every step the contents of what has arrived since are
compared with the originals; at the end everything that was asked for must arrive, and the first node, the only one
that is never killed, must not have grown. The same seed gives the same steps; what happens between them is up to the
machine. Exits 1 with what went wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from node.errors import ShoalError
from tests.bench.ground import MIB, Ground, Node, resident_bytes
from tests.daemons import DaemonError, await_that

NODES = 4
LARGEST = 32 * MIB
STEP_S = 0.5
SETTLE_S = 120.0
GROWTH_MIB = 24.0
"""From the second quarter of the run to the last: transfers come and go by this much, and a leak passes it."""


class SoakError(Exception):
    """Something that must not happen."""


@dataclass(slots=True)
class Share:
    """Something that one node offers, and how it looks."""

    cid: str
    name: str
    origin: Soaked
    tree: dict[str, str]


@dataclass(slots=True, eq=False)
class Soaked:
    """A node and what it was told to fetch."""

    node: Node
    downloads: Path
    wanted: dict[str, Share] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)

    def items(self) -> dict[str, Any]:
        """Its rows by CID."""
        return {item["cid"]: item for item in self.node.call("list")}


class Walk:
    """The random walk: one step is one thing that a person or fate does to one node."""

    def __init__(self, ground: Ground, rng: random.Random) -> None:
        self._rng = rng
        self._sources = ground.place("sources")
        self._shares: list[Share] = []
        self.everybody = [Soaked(node, ground.place("downloads")) for node in ground.network(NODES)]
        self.steps: Counter[str] = Counter()
        self._actions: dict[Callable[[Soaked], None], int] = {
            self.share: 4,
            self.get: 8,
            self.pause: 2,
            self.resume: 3,
            self.stop: 1,
            self.verify: 1,
            self.kill: 1,
        }

    def step(self) -> None:
        """Do something, then look at everything."""
        (action,) = self._rng.choices(list(self._actions), weights=list(self._actions.values()))
        self.steps[action.__name__] += 1
        action(self._rng.choice(self.everybody))
        for who in self.everybody:
            self.check(who)

    # --- what is done -----------------------------------------------------------------------------------------

    def share(self, who: Soaked) -> None:
        """A new file, or a folder of small ones."""
        number = sum(self.steps.values())
        path = self._sources / f"share {number}"
        if self._rng.random() < 0.3:
            path.mkdir()
            for index in range(self._rng.randint(1, 60)):
                (path / f"{index}.txt").write_bytes(self._rng.randbytes(self._rng.randint(0, 9_000)))
        else:
            path.write_bytes(self._rng.randbytes(int(LARGEST ** self._rng.random()) - 1))
        cid = who.node.call("share", path=str(path))["item"]["cid"]
        self._shares.append(Share(cid, path.name, who, tree(path)))

    def get(self, who: Soaked) -> None:
        """Something that another node offers."""
        others = [share for share in self._shares if share.origin is not who and share.cid not in who.wanted]
        if others:
            share = self._rng.choice(others)
            who.node.call("get", target=share.cid, directory=str(who.downloads), wait=False)
            who.wanted[share.cid] = share

    def pause(self, who: Soaked) -> None:
        """A download, if one is under way."""
        self._to_any(who, "pause", lambda item: item["state"] == "Downloading")

    def resume(self, who: Soaked) -> None:
        """Whatever was paused or stopped."""
        self._to_any(who, "resume", lambda item: item["state"] in ("Paused", "Complete"))

    def stop(self, who: Soaked) -> None:
        """End sharing something."""
        self._to_any(who, "stop", lambda item: item["state"] == "Seeding")

    def verify(self, who: Soaked) -> None:
        """Nothing may have gone bad on disk."""
        answer = self._to_any(who, "verify", lambda item: item["bytes_have"] > 0)
        if answer and answer["bad_chunks"]:
            raise SoakError(f"{who.node.name}: bad chunks on disk: {answer}")

    def kill(self, who: Soaked) -> None:
        """`kill -9`, and start again: what was verified must still be there."""
        if who is self.everybody[0]:
            return
        before = who.items()
        who.node.daemon.kill()
        who.node.daemon.restart()
        after = who.items()
        for cid, item in before.items():
            if cid not in after or after[cid]["bytes_have"] < item["bytes_have"]:
                raise SoakError(f"{who.node.name} lost something of {item} by a kill: {after.get(cid)}")

    def _to_any(self, who: Soaked, method: str, fits: Callable[[Any], bool]) -> Any:
        fitting = sorted(cid for cid, item in who.items().items() if fits(item))
        if not fitting:
            return None
        try:
            return who.node.call(method, target=self._rng.choice(fitting))
        except ShoalError as error:
            if "complete" not in str(error):  # it may end between the look and the word
                raise
            return None

    # --- what must hold ---------------------------------------------------------------------------------------

    def check(self, who: Soaked) -> bool:
        """Compare what has arrived since the last look; whether everything has."""
        for cid, item in who.items().items():
            if item["state"] == "Error":
                raise SoakError(f"{who.node.name}: {item}")
            share = who.wanted.get(cid)
            if share is None or cid in who.checked or item["state"] not in ("Seeding", "Complete"):
                continue
            if tree(who.downloads / share.name) != share.tree:
                raise SoakError(f"{who.node.name}: {share.name} differs from the original")
            who.checked.add(cid)
        return who.checked == set(who.wanted)

    def settle(self) -> None:
        """Let everything go on; all that was asked for must arrive."""
        for who in self.everybody:
            for cid, item in who.items().items():
                if item["state"] in ("Paused", "Complete"):
                    who.node.call("resume", target=cid)
        for who in self.everybody:
            await_that(partial(self.check, who), f"{who.node.name} gets all that it was to", SETTLE_S)


def tree(path: Path) -> dict[str, str]:
    """Names and digests of a file or of all files below a folder."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def growth_mib(samples: list[int]) -> float:
    """From the second quarter of the samples to the last one, medians."""
    quarter = len(samples) // 4
    return (median(samples[-quarter:]) - median(samples[quarter : 2 * quarter])) / MIB


def soak(ground: Ground, minutes: float, seed: int) -> str:
    """Walk for so long, then settle; what happened in a sentence. Raises SoakError and DaemonError."""
    walk = Walk(ground, random.Random(seed))
    steady = walk.everybody[0].node.pid
    samples: list[int] = []
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline or len(samples) < 4:
        walk.step()
        samples.append(resident_bytes(steady))
        time.sleep(STEP_S)
    walk.settle()
    grown = growth_mib(samples)
    steps = ", ".join(f"{name} {count}" for name, count in sorted(walk.steps.items()))
    arrived = sum(len(who.checked) for who in walk.everybody)
    story = f"{steps}; {arrived} downloads arrived as they were; the first node grew by {grown:.1f} MiB"
    if grown > GROWTH_MIB:
        raise SoakError(f"memory grows: {story}")
    return story


def main() -> int:
    """Parse, walk, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    with Ground() as ground:
        try:
            print(soak(ground, options.minutes, options.seed))
        except (SoakError, ShoalError, DaemonError) as error:
            print(f"FAILED with seed {options.seed}: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
