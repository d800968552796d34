"""The methods of the control socket about watched folders."""

from __future__ import annotations

import os

from node.control.server import Call, Handler
from node.errors import UsageError
from node.services.watching import Watching
from node.status import to_json


class WatchApi:
    """Handlers bound to the running node's watched folders."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {"watch": self.watch, "unwatch": self.unwatch, "watched": self.watched}

    async def watch(self, call: Call) -> object:
        """Watch a folder."""
        return to_json(await self._watching.add(_path(call)))

    async def unwatch(self, call: Call) -> object:
        """Watch a folder no more; with `keep` what it shared stays shared."""
        return to_json(await self._watching.remove(_path(call), keep=call.param("keep", bool, default=False)))

    async def watched(self, call: Call) -> object:
        """Every watched folder."""
        return [to_json(status) for status in self._watching.statuses()]


def _path(call: Call) -> str:
    path = call.param("path", str)
    if not os.path.isabs(path) or "\0" in path:
        raise UsageError(f"{call.method} takes path as an absolute path, not {path!r}")
    return path
