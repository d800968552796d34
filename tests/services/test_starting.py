"""The start of a node with many shares: whoever else has something to do gets to it in between."""

from __future__ import annotations

from types import SimpleNamespace

import trio

from node.services.exchange import Exchange
from node.services.keywords import MAX_PER_NODE, MAX_PER_SHARE
from node.services.library import Library
from node.services.provide_plan import STEP
from node.services.providing import Providing
from node.services.searching_keywords import KeywordProviding
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.records import ProvideSchedule
from protocols.cid import DAG_CBOR, Cid
from tests.services.fakes import FakeNetwork
from tests.services.watched_seat import Nobody

SHARES = 10 * STEP


class Steps(trio.abc.Instrument):
    """The most that a number has grown by in one step of a task."""

    def __init__(self, number):
        self._number = number
        self._before = number()
        self.most = 0

    def before_task_step(self, task):
        self._before = self._number()

    def after_task_step(self, task):
        self.most = max(self.most, self._number() - self._before)


async def test_shares_of_the_last_run_are_added_a_few_at_a_time(tmp_path, monkeypatch, nursery):
    database = Database(tmp_path / "state.db")
    host = FakeNetwork(nursery).host("here")
    providing = Providing(Nobody(), ProvideSchedule(database), trio.current_time)
    catalogue = Catalogue(database)
    cids = [Cid(DAG_CBOR, number.to_bytes(32, "big")) for number in range(SHARES)]
    shares = [SimpleNamespace(cid=cid, state=TransferState.SEEDING) for cid in cids]
    monkeypatch.setattr(catalogue, "items", lambda: shares)
    library = Library(
        catalogue,
        Exchange(host, lambda cid: None, "here"),
        host,
        providing,
        peer_id="here",
        own_folder=str(tmp_path),
    )
    steps = Steps(lambda: len(providing.plan))
    trio.lowlevel.add_instrument(steps)
    await nursery.start(library.run)
    trio.lowlevel.remove_instrument(steps)
    assert len(providing.plan) == SHARES
    assert steps.most <= STEP
    nursery.cancel_scope.cancel()
    database.close()


async def test_the_keywords_of_all_shares_are_added_a_few_at_a_time(tmp_path, nursery):
    database = Database(tmp_path / "state.db")
    providing = Providing(Nobody(), ProvideSchedule(database), trio.current_time)
    names = SimpleNamespace(find=lambda cid: SimpleNamespace(name=" ".join(f"{cid}{n}" for n in range(MAX_PER_SHARE))))
    words = KeywordProviding(providing, names, SimpleNamespace(document_frequency=lambda token: 1))
    providing.on_added = words.added
    for number in range(SHARES):
        providing.add(b"\x12\x20" + number.to_bytes(32, "big"))
    steps = Steps(lambda: len(providing.plan))
    trio.lowlevel.add_instrument(steps)
    nursery.start_soon(words.run)
    with trio.fail_after(60):
        while len(providing.plan) < SHARES + MAX_PER_NODE:  # noqa: ASYNC110 - a plan has no event
            await trio.sleep(0.01)
    trio.lowlevel.remove_instrument(steps)
    assert steps.most <= STEP
    nursery.cancel_scope.cancel()
    database.close()
