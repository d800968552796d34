"""The methods of the control socket about banned peers.

Rules: as in `items`.
"""

from __future__ import annotations

from node.control.server import Call, Handler
from node.services.banning import Banning
from node.status import to_json


class BansApi:
    """Handlers bound to the running node's bans."""

    def __init__(self, banning: Banning) -> None:
        self._banning = banning

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {"ban": self.ban, "unban": self.unban, "banned": self.banned}

    async def ban(self, call: Call) -> object:
        """Have nothing to do with a peer any more."""
        return to_json(await self._banning.ban(call.param("peer", str)))

    async def unban(self, call: Call) -> object:
        """Let a banned peer come back."""
        return to_json(await self._banning.lift(call.param("peer", str)))

    async def banned(self, call: Call) -> object:
        """Every ban, people's first."""
        return [to_json(ban) for ban in self._banning.listed()]
