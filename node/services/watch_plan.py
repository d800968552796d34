"""Which files of watched folders are to be shared and withdrawn: pure, `now` is seconds of a clock that goes forward.

Rules: a file is shared when its size and times have stayed the same for a while, and withdrawn when it has been gone
for a while, so that writing in several steps and saving by rename are one change. A file that changes is shared anew,
and its old CID withdrawn unless another watched file
has it, which then takes its place. What fails is tried again later, at growing pauses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

STABLE_S = 2.0
"""How long a file must look the same: a copy that stalls for longer shares a part of it, and the whole thereafter."""

GONE_S = 2.0
"""How long a file must be gone: editors take it away and put it back within milliseconds."""

RETRY_S = (10.0, 60.0, 600.0)
"""Pauses after a file that could not be read."""

State = TypeVar("State", bound=Hashable)
"""What changes when a file does."""


@dataclass(frozen=True, slots=True)
class Known(Generic[State]):
    """A file that is shared: its state when it was digested, and its CID's bytes."""

    state: State
    cid: bytes


@dataclass(frozen=True, slots=True)
class _Pending(Generic[State]):
    state: State
    not_before: float
    failures: int = 0


class WatchPlan(Generic[State]):
    """All watched files, by absolute path."""

    def __init__(self, known: Mapping[str, Known[State]]) -> None:
        self._known = dict(known)
        self._paths: defaultdict[bytes, set[str]] = defaultdict(set)  # CID -> the files that have it
        for path, file in self._known.items():
            self._paths[file.cid].add(path)
        self._pending: dict[str, _Pending[State]] = {}
        self._vanished: dict[str, float] = {}  # path -> since when

    @property
    def known(self) -> Mapping[str, Known[State]]:
        """The files that are shared."""
        return self._known

    @property
    def waiting(self) -> int:
        """How many files are still to be shared."""
        return len(self._pending)

    def missing(self, root: str, found: Container[str]) -> list[str]:
        """The files below a folder that a reading of it has not found."""
        return [path for path in self.paths_below(root) if path not in found]

    def seen(self, path: str, state: State, now: float) -> None:
        """Take in how a file looks now."""
        self._vanished.pop(path, None)
        known = self._known.get(path)
        if known and known.state == state:
            self._pending.pop(path, None)
            return
        pending = self._pending.get(path)
        if pending is None or pending.state != state:
            self._pending[path] = _Pending(state, now + STABLE_S)

    def gone(self, path: str, now: float) -> None:
        """Take in that there is no such file now."""
        self._pending.pop(path, None)
        if path in self._known:
            self._vanished.setdefault(path, now)

    def to_share(self, now: float, limit: int) -> list[tuple[str, State]]:
        """The first of the files that have been the same for long enough, in the order in which they came."""
        due = ((path, pending.state) for path, pending in self._pending.items() if pending.not_before <= now)
        return list(islice(due, limit))

    def shared(self, path: str, state: State, cid: bytes) -> list[bytes]:
        """Take in that a file was shared in a certain state; the CIDs that no file has any more."""
        pending = self._pending.get(path)
        if pending and pending.state == state:
            del self._pending[path]
        before = self._known.get(path)
        self._known[path] = Known(state, cid)
        self._paths[cid].add(path)
        return self._let_go(path, before.cid) if before and before.cid != cid else []

    def failed(self, path: str, now: float) -> None:
        """Take in that a file could not be shared; it is tried again later unless it changes or goes before that."""
        if pending := self._pending.get(path):
            pause = RETRY_S[min(pending.failures, len(RETRY_S) - 1)]
            self._pending[path] = _Pending(pending.state, now + pause, pending.failures + 1)

    def to_withdraw(self, now: float) -> list[str]:
        """The files that have been gone for long enough; the caller says `withdrawn` of each."""
        return [path for path, since in self._vanished.items() if since + GONE_S <= now]

    def withdrawn(self, path: str) -> list[bytes]:
        """Forget a file; the CIDs that no file has any more."""
        self._vanished.pop(path, None)
        self._pending.pop(path, None)
        known = self._known.pop(path, None)
        return self._let_go(path, known.cid) if known else []

    def paths_below(self, root: str) -> list[str]:
        """Every file of a folder, shared or still to be."""
        inside = root.rstrip("/") + "/"
        return [path for path in dict.fromkeys((*self._known, *self._pending)) if path.startswith(inside)]

    def counts_below(self, root: str) -> tuple[int, int]:
        """How many files of a folder are shared, and how many of those that wait never were."""
        inside = root.rstrip("/") + "/"
        shared = sum(path.startswith(inside) for path in self._known)
        waiting = sum(path.startswith(inside) and path not in self._known for path in self._pending)
        return shared, waiting

    def next_action(self) -> float | None:
        """When there is something to do at the earliest, None if nothing is awaited."""
        times: Iterable[float] = (
            *(pending.not_before for pending in self._pending.values()),
            *(since + GONE_S for since in self._vanished.values()),
        )
        return min(times, default=None)

    def _let_go(self, path: str, cid: bytes) -> list[bytes]:
        paths = self._paths[cid]
        paths.discard(path)
        if not paths:
            del self._paths[cid]
            return [cid]
        other = paths.pop()  # the same content under the same name elsewhere: it is shared from there now
        self._pending[other] = _Pending(self._known.pop(other).state, float("-inf"))
        return []
