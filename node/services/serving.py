"""Answering one peer session: the manifest, its pages, and the chunks that were asked for.

Rules: what waits is bounded by the protocol's own accounting (request_limit and MAX_REQUESTS). Requests for chunks go
into the line of all the manifest's peers (`uploading`); the manifest is answered at once.
"""

from __future__ import annotations

from node.services.session import PeerSession
from node.services.uploading import Uploads
from protocols.exchange import MAX_META, Cancel, GetMeta, Meta, RejectMeta, RejectReason, Request


class Serving:
    """What one peer session asks for."""

    def __init__(self, session: PeerSession, uploads: Uploads) -> None:
        self.session = session
        self._uploads = uploads

    def get_meta(self, message: GetMeta) -> None:
        """Answer with the part of the block from the offset that was asked for."""
        content = self._uploads.content
        block = content.block(message.part) if content else None
        if block is None or message.offset >= len(block):
            # Without any content we wait for the manifest ourselves, and may have it later.
            reason = RejectReason.UNAVAILABLE if content else RejectReason.BUSY
            self.session.queue(RejectMeta(part=message.part, reason=reason))
            return
        data = block[message.offset : message.offset + MAX_META]
        self.session.queue(Meta(part=message.part, total=len(block), offset=message.offset, data=data))

    def request(self, message: Request) -> None:
        """Put a request in the line."""
        self._uploads.request(self.session, message)

    def cancel(self, message: Cancel) -> None:
        """End a request early, if not all of it is granted."""
        self._uploads.cancel(self.session, message)
