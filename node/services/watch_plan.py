"""Which files of watched folders are to be shared and withdrawn: pure, `now` is seconds of a clock that goes forward.

Rules: a file is shared when its size and times have stayed the same for a while, and withdrawn when it has been gone
for a while, so that writing in several steps and saving by rename are one change. A file that changes is shared anew,
and its old CID withdrawn unless another watched file has it, which then takes its place; until it has, the share is
still at the path that it was at, and it is withdrawn there if the other one goes too. What fails is tried again later,
at growing pauses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from node.services.watch_counts import Counts, CountsBelow, parents

STABLE_S = 2.0
"""How long a file must look the same: a copy that stalls for longer shares a part of it, and the whole thereafter."""

GONE_S = 2.0
"""How long a file must be gone: editors take it away and put it back within milliseconds."""

RETRY_S = (10.0, 60.0, 600.0)
"""Pauses after a file that could not be read."""

MAX_LOOKED = 1_000
"""Files looked at for a reason to tell: if none of so many lies in a folder, its number of them has to do."""

State = TypeVar("State", bound=Hashable)
"""What changes when a file does."""

Ended = tuple[bytes, str]
"""A share that is to be withdrawn: its CID, and a path that it may be shared from."""


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
    reason: str = ""  # of the last failure


@dataclass(slots=True)
class _Homeless:
    """A share whose file went while other files have the same content: it is to be shared from one of them."""

    homes: dict[str, None]  # where it was shared from
    heir: str = ""  # where it is to be shared from


_COUNTS = {
    (is_known, is_pending, is_failing): Counts(
        shared=int(is_known), waiting=int(is_pending and not (is_known or is_failing)), failing=int(is_failing)
    )
    for is_known in (False, True)
    for is_pending in (False, True)
    for is_failing in (False, True)
}
"""What a file counts as."""


class WatchPlan(Generic[State]):
    """All watched files, by absolute path."""

    def __init__(self, known: Mapping[str, Known[State]]) -> None:
        self._known: dict[str, Known[State]] = {}
        self._pending: dict[str, _Pending[State]] = {}
        self._failing: dict[str, None] = {}  # those that are pending because they could not be shared
        self._counts = CountsBelow()
        self._paths: defaultdict[bytes, dict[str, None]] = defaultdict(dict)  # CID -> the files that have it
        for path, file in known.items():
            self._know(path, file)
            self._paths[file.cid][path] = None
        self._homeless: dict[bytes, _Homeless] = {}  # by CID
        self._vanished: dict[str, float] = {}  # path -> since when

    @property
    def known(self) -> Mapping[str, Known[State]]:
        """The files that are shared."""
        return self._known

    @property
    def waiting(self) -> int:
        """How many files are still to be shared."""
        return len(self._pending)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to share or to withdraw, now or later."""
        return not (self._pending or self._vanished)

    def awaits(self, path: str) -> bool:
        """Tell whether a file is still to be shared."""
        return path in self._pending

    def holds(self, path: str) -> bool:
        """Tell whether a file is shared, or still to be."""
        return path in self._known or path in self._pending

    def seen(self, path: str, state: State, now: float) -> None:
        """Take in how a file looks now."""
        self._vanished.pop(path, None)
        known = self._known.get(path)
        if known and known.state == state:
            if known.cid not in self._homeless or self._pending.get(path, known).state != state:
                self._await(path, None)
            if known.cid in self._homeless:
                self._take_over(known.cid, path)
            return
        pending = self._pending.get(path)
        if pending is None or pending.state != state:
            self._await(path, _Pending(state, now + STABLE_S))

    def gone(self, path: str, now: float) -> None:
        """Take in that there is no such file now."""
        self._await(path, None)
        if path in self._known:
            self._vanished.setdefault(path, now)

    def take_in(self, path: str, state: State | None, now: float) -> None:
        """Take in how a file looks now, None if there is none."""
        if state is None:
            self.gone(path, now)
        else:
            self.seen(path, state, now)

    def has_gone(self, path: str) -> bool:
        """Tell whether a file is shared that there isn't any more."""
        return path in self._vanished

    def to_share(self, now: float, limit: int) -> list[tuple[str, State]]:
        """The first of the files that have been the same for long enough, in the order in which they came."""
        due = ((path, pending.state) for path, pending in self._pending.items() if pending.not_before <= now)
        return list(islice(due, limit))

    def shared(self, path: str, state: State, cid: bytes) -> list[Ended]:
        """Take in that a file was shared in a certain state; the shares that no file has any more."""
        self._homeless.pop(cid, None)
        pending = self._pending.get(path)
        if pending and pending.state == state:
            self._await(path, None)
        before = self._known.get(path)
        self._know(path, Known(state, cid))
        self._paths[cid][path] = None
        return self._let_go(path, before.cid) if before and before.cid != cid else []

    def failed(self, path: str, now: float, reason: str) -> None:
        """Take in that a file could not be shared; it is tried again later unless it changes or goes before that."""
        if pending := self._pending.get(path):
            pause = RETRY_S[min(pending.failures, len(RETRY_S) - 1)]
            self._await(path, _Pending(pending.state, now + pause, pending.failures + 1, reason))

    def to_withdraw(self, now: float) -> list[str]:
        """The files that have been gone for long enough; the caller says `withdrawn` of each."""
        return [path for path, since in self._vanished.items() if since + GONE_S <= now]

    def withdrawn(self, path: str) -> list[Ended]:
        """Forget a file; the shares that no file has any more."""
        self._vanished.pop(path, None)
        self._await(path, None)
        known = self._known.get(path)
        self._know(path, None)
        return self._let_go(path, known.cid) if known else []

    def paths_below(self, root: str) -> list[str]:
        """Every file of a folder, shared or still to be."""
        inside = inside_of(root)
        return [path for path in dict.fromkeys((*self._known, *self._pending)) if path.startswith(inside)]

    def paths_waiting(self) -> tuple[str, ...]:
        """Every file that is still to be shared."""
        return tuple(self._pending)

    def counts_below(self, root: str) -> Counts:
        """How many files of a folder are shared, wait, and can't be shared."""
        return self._counts.below(root)

    def reason_below(self, root: str) -> str:
        """Why one of those files of a folder can't be shared that can't; "" if none of the first is in it."""
        inside = inside_of(root)
        reasons = (self._pending[path].reason for path in islice(self._failing, MAX_LOOKED) if path.startswith(inside))
        return next(reasons, "")

    def _know(self, path: str, file: Known[State] | None) -> None:
        before = self._count(path)
        if file is None:
            self._known.pop(path, None)
        else:
            self._known[path] = file
        self._counts.change(path, before, self._count(path))

    def _await(self, path: str, pending: _Pending[State] | None) -> None:
        before = self._count(path)
        self._failing.pop(path, None)
        if pending is None:
            self._pending.pop(path, None)
        else:
            self._pending[path] = pending
            if pending.failures:
                self._failing[path] = None
        self._counts.change(path, before, self._count(path))

    def _count(self, path: str) -> Counts:
        return _COUNTS[path in self._known, path in self._pending, path in self._failing]

    def _let_go(self, path: str, cid: bytes) -> list[Ended]:
        paths = self._paths[cid]
        paths.pop(path, None)
        share = self._homeless.setdefault(cid, _Homeless({}))
        share.homes[path] = None
        if share.heir == path:
            share.heir = ""
        if not paths:
            del self._paths[cid], self._homeless[cid]
            return [(cid, home) for home in share.homes]
        self._take_over(cid, next(reversed(paths)))
        return []

    def _take_over(self, cid: bytes, path: str) -> None:
        """Have the same content under the same name shared from `path`, unless another file is about to take over."""
        share = self._homeless[cid]
        if share.heir not in self._pending:
            share.heir = path
            self._await(path, _Pending(self._known[path].state, float("-inf")))


def inside_of(root: str) -> str:
    """How the paths of all files in a folder begin."""
    return root.rstrip("/") + "/"


def below_any(paths: Iterable[str], roots: AbstractSet[str]) -> list[str]:
    """Those of the paths that lie in one of the folders."""
    return [path for path in paths if any(parent in roots for parent in parents(path))]
