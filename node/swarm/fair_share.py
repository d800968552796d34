"""Who gives way when what is scarce is all taken: whoever has the most of it.

Rules: pure, and constant work for each that is taken, given back or asked for. A lone heavy user may have whatever
nobody else wants; a newcomer always gets something from one who has more, and nobody is put below another by it.
"""

from __future__ import annotations

from collections.abc import Mapping


class FairShare:
    """How many of something each of its users has."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts: dict[str, int] = {}
        self._users: dict[int, dict[str, None]] = {}  # those who have so many; the first to have them in front
        self._most = 0
        for user, count in counts.items():
            self._set(user, count)

    def took(self, user: str) -> None:
        """One more."""
        self._set(user, self._counts.get(user, 0) + 1)

    def gave(self, user: str) -> None:
        """One less of the user's."""
        self._set(user, self._counts[user] - 1)

    def who_gives_way(self, user: str) -> str | None:
        """Who is to give one up to `user`: who has the most, if that is more than `user` would have then."""
        if self._most <= self._counts.get(user, 0) + 1:
            return None
        return next(iter(self._users[self._most]))

    def _set(self, user: str, count: int) -> None:
        if before := self._counts.pop(user, 0):
            del self._users[before][user]
        if count:
            self._counts[user] = count
            self._users.setdefault(count, {})[user] = None
        self._most = max(self._most, count)
        if before and not self._users[before]:
            del self._users[before]
            if before == self._most:  # then the next lower is what this user has now
                self._most = count
