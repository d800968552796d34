"""Catalogues: telling neighbours what this node shares, and keeping what they share.

Rules: who meets asks, who has news tells everybody that speaks the protocol, and what is heard and found right is
passed on. Whoever breaks the protocol isn't heard for a while, and nobody else notices. What is held is bounded in
`node.store.entries`; what is asked, told and answered, here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

import trio

from node.errors import ShoalError, StorageError
from node.net.kad_pacing import PeerPacing
from node.services.catalogues_hearing import Hearing
from node.services.catalogues_own import OwnCatalogue
from node.services.catalogues_peers import ServerHints
from node.services.catalogues_streams import Network, PeerStream, answer, open_talk
from node.services.threads import in_thread
from node.store.entries import HeldCatalogues
from protocols.catalog import MAX_HEADS, MAX_TELL_HEADS, Ask, Tell
from protocols.cid import Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError

log = logging.getLogger(__name__)

CHECK_S = 1.0
"""How often it is looked whether shares have come or gone."""

PUBLISH_S = 5.0
LONGEST_PUBLISH_S = 60.0
"""Between two heads of this node, as SPEC.md asks (section 3); longer and longer while its shares keep changing: of
10,000 files that are being shared, every neighbour would fetch most pages anew each time."""

NEWS_S = 2.0
"""Between two TELLs to one peer: a head crosses five nodes in ten seconds, and a busy hour costs little."""

RELAYS = 4
"""Peers that hear of another's news from this node: where all are joined, one in fifty hears it only by asking."""

ASK_S = 300.0
"""Between two questions to a peer picked at random, for what this node missed."""

EXPIRE_S = 60.0

FORGIVE_S = 600.0
"""How long a peer that broke the protocol isn't heard."""

MAX_FAULTY = 1000
"""Such peers remembered; the oldest is forgiven when there are more."""

MAX_STREAMS_PER_PEER = 4
"""Streams that one peer may have open here: a question, news, and one more of each that hang."""

CALLS_PER_S = 1.0
CALLS_AT_ONCE = 30.0
"""ASKs and TELLs of one peer: an honest one sends half a TELL a second and hardly an ASK. Others are heard later."""

PAGES_PER_S = 50.0
PAGES_AT_ONCE = 500.0
"""GET_PAGEs of one peer: the largest catalogue at once, and a newcomer's thousand within seconds."""


class Catalogues:
    """This node's catalogue and those of others. It is the `Answers` that peers get."""

    def __init__(
        self,
        network: Network,
        own: OwnCatalogue,
        held: HeldCatalogues,
        hints: ServerHints,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._network = network
        self._own = own
        self._held = held
        self._hints = hints
        self._clock = clock
        self._rng = rng
        self._hearing = Hearing(network, own, held, clock)
        self._nursery: trio.Nursery | None = None
        self._asked: set[str] = set()  # connected peers that were asked, or are being asked
        self._speakers: set[str] = set()  # those that speak the protocol
        self._mail: dict[str, dict[str, bytes]] = {}  # for each of them, heads by publisher that it isn't told yet
        self._streams: dict[str, int] = {}  # that peers have open here
        self._pacing = PeerPacing(rate=CALLS_PER_S, burst=CALLS_AT_ONCE)
        self._page_pacing = PeerPacing(rate=PAGES_PER_S, burst=PAGES_AT_ONCE)
        self._faulty: dict[str, float] = {}  # until when a peer isn't heard

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Publish, ask and forget, for as long as the node runs."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await self._update()
            task_status.started()
            nursery.start_soon(self._publish)
            nursery.start_soon(self._expire)
            nursery.start_soon(self._ask_again)
            await trio.sleep_forever()

    def met(self, peer: str) -> None:
        """A peer is connected: ask it what it has, unless it has been asked."""
        if self._nursery is not None and peer not in self._asked and not self._is_faulty(peer):
            self._asked.add(peer)
            self._nursery.start_soon(self._ask, peer)

    def lost(self, peer: str) -> None:
        """A peer is connected no more."""
        self._asked.discard(peer)
        self._speakers.discard(peer)
        self._mail.pop(peer, None)

    async def counts(self) -> tuple[int, int]:
        """How many others' catalogues are known that aren't empty, and how many entries they have."""
        return await in_thread(self._held.counts)

    async def accept(self, stream: PeerStream) -> None:
        """Answer on a stream that a peer opened."""
        peer = stream.peer_id
        if self._is_faulty(peer) or self._streams.get(peer, 0) >= MAX_STREAMS_PER_PEER:
            stream.reset()
            return
        self._streams[peer] = self._streams.get(peer, 0) + 1
        try:
            self._speakers.add(peer)
            self.met(peer)  # it may have come before we were ready, and known nothing of this protocol
            if await self._guarded(peer, partial(answer, stream, self)):
                await stream.aclose()
            else:
                stream.reset()
        finally:
            self._streams[peer] -= 1
            if not self._streams[peer]:
                del self._streams[peer]

    # --- what peers are answered --------------------------------------------------------------------------------

    async def told(self, tell: Tell, peer: str, address: str) -> None:
        """Take in news."""
        await self._pace(peer)
        await self._hear(tell, peer, address)

    async def tell(self, ask: Ask, peer: str, address: str) -> Tell:
        """Our own head, the asker's as it is known here, a sample of others', and servers of the DHT."""
        await self._pace(peer)
        own = [self._own.sealed] if self._own.sealed else []
        others = await in_thread(lambda: self._held.heads(self._clock(), MAX_HEADS, first=peer))
        return Tell(tuple(_fitting([*own, *others], ask.heads)), self._hints.sample(ask.peers, peer, address))

    async def page(self, cid: Cid, peer: str) -> bytes | None:
        """A page of our own catalogue, or of one that we hold."""
        await trio.sleep(self._page_pacing.take(peer, trio.current_time()))
        return self._own.pages.get(cid) or await in_thread(self._held.page, cid)

    # --- inside -------------------------------------------------------------------------------------------------

    async def _ask(self, peer: str) -> None:
        if not await self._guarded(peer, partial(self._converse, peer)) and peer not in self._speakers:
            self._asked.discard(peer)  # asked anew when it asks us

    async def _converse(self, peer: str) -> None:
        """Ask a peer for heads and servers, and fetch what is new."""
        async with open_talk(self._network, peer) as talk:
            told = await talk.ask(Ask(MAX_HEADS, self._hints.wanted))
        if peer in self._asked:  # else it was lost meanwhile, and nobody would take it out again
            self._speakers.add(peer)
        await self._hear(told, peer, talk.remote_address)

    async def _hear(self, told: Tell, peer: str, address: str) -> None:
        assert self._nursery is not None
        mail = self._mail.get(peer, {})
        for publisher in [publisher for publisher, sealed in mail.items() if sealed in told.heads]:
            del mail[publisher]  # what it tells it need not be told
        if told.peers:
            self._nursery.start_soon(self._guarded, peer, partial(self._hints.follow, told.peers, address))
        await self._hearing.hear(told.heads, peer, lambda publisher, sealed: self._spread(publisher, sealed, peer))

    def _spread(self, publisher: str, sealed: bytes, told_by: str) -> None:
        """Put news into the mail: our own into everybody's, others' into that of a few who may not know."""
        assert self._nursery is not None
        peers = sorted(self._speakers - {publisher, told_by})
        if publisher != self._network.peer_id:
            peers = self._rng.sample(peers, min(len(peers), RELAYS))
        for peer in peers:
            if peer not in self._mail:
                self._mail[peer] = {}
                self._nursery.start_soon(self._deliver, peer)
            self._mail[peer][publisher] = sealed

    async def _deliver(self, peer: str) -> None:
        """Tell a peer the news as long as there are any, at once and then every NEWS_S."""
        while mail := self._mail.get(peer):
            heads = list(_fitting(mail.values(), MAX_HEADS))
            self._mail[peer] = dict(list(mail.items())[len(heads) :])
            await self._guarded(peer, partial(self._tell, peer, Tell(tuple(heads))))
            await trio.sleep(NEWS_S)
        self._mail.pop(peer, None)

    async def _tell(self, peer: str, news: Tell) -> None:
        async with open_talk(self._network, peer) as talk:
            await talk.tell(news)

    async def _publish(self) -> None:
        pause = PUBLISH_S
        while True:
            await trio.sleep(CHECK_S)
            if await self._update():
                await trio.sleep(pause)
                pause = min(2 * pause, LONGEST_PUBLISH_S)
            else:
                pause = PUBLISH_S

    async def _update(self) -> bool:
        """Whether there is a new head of this node, which everybody is being told."""
        try:
            is_new = await in_thread(self._own.update)
        except (StorageError, LocalProtocolError) as error:
            log.warning("the catalogue can't be brought up to date now: %s", error)
            return False
        if is_new and self._own.sealed:
            self._spread(self._network.peer_id, self._own.sealed, self._network.peer_id)
        return is_new

    async def _expire(self) -> None:
        while True:
            try:
                async with self._hearing.storing:
                    await in_thread(self._held.expire, self._clock())
            except StorageError as error:
                log.warning("old catalogues can't be dropped now: %s", error)
            await trio.sleep(EXPIRE_S)

    async def _ask_again(self) -> None:
        while True:
            await trio.sleep(ASK_S)
            if self._speakers:
                await self._ask(self._rng.choice(sorted(self._speakers)))

    async def _guarded(self, peer: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether a conversation went well; if not, that is this peer's affair and nobody else's."""
        try:
            await work()
        except RemoteProtocolError as error:
            log.warning("%s broke the catalogue protocol and isn't heard for %.0f s: %s", peer, FORGIVE_S, error)
            self._blame(peer)
        except (ShoalError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as error:
            log.debug("catalogues of %s: %s", peer, error)
        except Exception:  # the border: a bug met in one conversation costs that conversation
            log.exception("the conversation with %s about catalogues failed", peer)
        else:
            return True
        return False

    def _blame(self, peer: str) -> None:
        self._speakers.discard(peer)
        self._faulty.pop(peer, None)  # so that the oldest is always the first
        self._faulty[peer] = trio.current_time() + FORGIVE_S
        if len(self._faulty) > MAX_FAULTY:
            del self._faulty[next(iter(self._faulty))]

    def _is_faulty(self, peer: str) -> bool:
        return self._faulty.get(peer, 0.0) > trio.current_time()

    async def _pace(self, peer: str) -> None:
        await trio.sleep(self._pacing.take(peer, trio.current_time()))


def _fitting(heads: Iterable[bytes], most: int) -> Iterator[bytes]:
    """As many heads, from the first, as go into one TELL."""
    size = 0
    for number, head in enumerate(heads):
        size += len(head)
        if number >= most or size > MAX_TELL_HEADS:
            return
        yield head
