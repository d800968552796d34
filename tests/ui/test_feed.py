"""What the dashboard asks of a node, and how it takes a node that comes and goes."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
import trio

from node.control.async_client import open_client
from node.control.lock import hold_folder
from node.control.server import Call, ControlServer
from node.errors import NotFoundError
from node.status import TransferState, to_json
from node.ui import messages as msg
from node.ui.feed import Feed
from node.ui.wants import Wants, wants
from tests.searches import LINUX
from tests.ui.scenes import DETAIL, ITEMS, LOG, NETWORK, NODE, PEERS, scene


class NoStarter:
    """A starter that was never asked."""

    is_starting = False

    def start(self) -> None:
        raise AssertionError("nobody asked for a node")

    def failure(self) -> str:
        return ""


class FakeNode:
    """Counts what is asked, and answers from the scenes."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.moving = ITEMS[:1]
        self.rows = ITEMS
        self.handlers = {
            "list": self._list,
            "status": self._answer("status", to_json(NODE)),
            "info": self._info,
            "peers": self._answer("peers", [to_json(peer) for peer in PEERS]),
            "network": self._answer("network", to_json(NETWORK)),
            "search_latest": self._answer("search", to_json(LINUX)),
            "log": self._answer("log", {"lines": list(LOG)}),
        }

    def _answer(self, method: str, value: object):
        async def handler(call: Call) -> object:
            self.asked[method] += 1
            return value

        return handler

    async def _list(self, call: Call) -> object:
        is_moving = call.param("moving", bool, default=False)
        self.asked["moving" if is_moving else "list"] += 1
        if not is_moving:
            return [to_json(item) for item in self.rows]
        also = call.param("also", list, default=[])
        others = [item for item in self.rows if item.cid in also and item not in self.moving]
        return [to_json(item) for item in (*self.moving, *others)]

    async def _info(self, call: Call) -> object:
        self.asked["info"] += 1
        if call.param("target", str) != ITEMS[0].cid:
            raise NotFoundError("gone")
        return to_json(replace(DETAIL, cells="#" * call.param("cells", int)))

    @asynccontextmanager
    async def runs(self, folder):
        with hold_folder(folder / "lock") as lock:
            async with trio.open_nursery() as nursery:
                await nursery.start(ControlServer(folder / "control.sock", self.handlers, lock=lock).run)
                yield
                nursery.cancel_scope.cancel()


@pytest.fixture
async def told(tmp_path, nursery):
    """Start a feed; what it posts, to be waited for."""
    posts, arrived = trio.open_memory_channel[msg.Msg](math.inf)

    def start(wanted: Wants = Wants()):  # noqa: B008 - frozen
        feed = Feed(partial(open_client, tmp_path / "control.sock"), posts.send_nowait, lambda: wanted, NoStarter())
        nursery.start_soon(feed.run)
        return feed, arrived

    return start


async def next_of(arrived, kind):
    with trio.fail_after(60):
        while not isinstance(message := await arrived.receive(), kind):
            pass
    return message


async def test_only_what_is_on_the_screen_is_asked_for(tmp_path, told):
    node = FakeNode()
    async with node.runs(tmp_path):
        _, arrived = told(Wants(ITEMS[0].cid, 7))
        await next_of(arrived, msg.Online)
        assert (await next_of(arrived, msg.News)).items == ITEMS  # before anything else, for it is what is waited for
        news = await next_of(arrived, msg.News)
        assert (news.items, news.node) == (None, NODE)
        assert news.detail.cells == "#" * 7
        assert (news.peers, news.network, news.log) == (None, None, None)
    assert node.asked["peers"] == node.asked["network"] == node.asked["log"] == 0


async def test_the_other_screens_get_theirs(tmp_path, told):
    async with FakeNode().runs(tmp_path):
        _, arrived = told(Wants(peers=True, peers_of=ITEMS[0].cid, network=True, log_lines=5, search=True))
        await next_of(arrived, msg.News)
        news = await next_of(arrived, msg.News)
        assert (news.peers, news.peers_of, news.network, news.log) == (PEERS, ITEMS[0].cid, NETWORK, LOG)
        assert news.search == LINUX


async def test_a_search_under_way_is_asked_for_at_the_rate_of_the_screen(tmp_path, told):
    node = FakeNode()
    node.handlers["search_latest"] = node._answer("search", to_json(replace(LINUX, is_checked=False)))
    async with node.runs(tmp_path):
        _, arrived = told(Wants(search=True))
        for _ in range(3):
            while (await next_of(arrived, msg.News)).search is None:
                pass
        assert node.asked["search"] >= 3
        assert node.asked["status"] < 3  # it is asked for more often than what changes slowly


async def test_rows_that_no_longer_move_are_asked_for_once_more(tmp_path, told):
    node = FakeNode()
    async with node.runs(tmp_path):
        _, arrived = told()
        while not (await next_of(arrived, msg.News)).moving:
            pass
        ended = replace(ITEMS[0], state=TransferState.COMPLETE, peers_connected=0)
        node.moving, node.rows = (), (ended, *ITEMS[1:6])
        seen = [await next_of(arrived, msg.News) for _ in range(3)]
        assert any(ended in news.moving for news in seen)
        assert any(news.gone == {ITEMS[6].cid, ITEMS[7].cid} for news in seen)


async def test_all_rows_are_asked_for_when_something_was_done(tmp_path, told):
    node = FakeNode()
    async with node.runs(tmp_path):
        feed, arrived = told()
        for _ in range(4):
            await next_of(arrived, msg.News)
        assert node.asked["list"] == 1
        feed.wake(has_changed=True)
        while (await next_of(arrived, msg.News)).items is None:
            pass
        assert node.asked["list"] == 2


async def test_details_of_a_file_that_is_gone_are_no_failure(tmp_path, told):
    async with FakeNode().runs(tmp_path):
        _, arrived = told(Wants("bafynothere", 7))
        for _ in range(2):
            assert (await next_of(arrived, msg.News)).detail is None
        assert ITEMS[0] in (await next_of(arrived, msg.News)).moving


async def test_a_node_that_comes_and_goes(tmp_path, told):
    feed, arrived = told()
    gone = await next_of(arrived, msg.Offline)
    assert gone.attempt == 1
    assert "no node is running" in gone.reason
    node = FakeNode()
    async with node.runs(tmp_path):
        feed.wake()
        await next_of(arrived, msg.Online)
        await next_of(arrived, msg.News)
    assert (await next_of(arrived, msg.Offline)).attempt == 1
    assert (await next_of(arrived, msg.Offline)).attempt == 2


async def test_a_node_of_another_version_is_said(tmp_path, told):
    node = FakeNode()
    node.handlers["status"] = node._answer("status", {"version": "9"})
    async with node.runs(tmp_path):
        _, arrived = told()
        assert "isn't understood" in (await next_of(arrived, msg.Offline)).reason


def test_what_screens_want():
    assert wants(scene(80, 24)) == Wants(ITEMS[0].cid, 78)
    assert wants(scene(80, 10)) == Wants()
    assert wants(scene(80, 24, "3")) == Wants(peers=True, peers_of=ITEMS[0].cid)
    assert wants(scene(80, 24, "3", "a")) == Wants(peers=True)
    assert wants(scene(80, 24, "5")) == Wants(network=True)
    assert wants(scene(80, 24, "6")).log_lines > 0
    assert wants(scene(80, 24, "4")) == Wants()
    assert wants(scene(200, 60)).log_lines > 0
    assert wants(scene(80, 24, "enter")).cells > 256
    assert not wants(scene(80, 24, "enter", "tab")).files
    assert wants(scene(80, 24, "enter", "tab", "tab", "tab")).files
    assert wants(scene(80, 24, "enter", "tab")).cells > wants(scene(80, 24, "enter")).cells, "a page of the map alone"
