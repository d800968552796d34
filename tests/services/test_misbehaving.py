"""A download among peers that misbehave in every way: it ends, in time, and what a liar costs is bounded and told.

Virtual time. Beside each rogue there is one honest seeder, which is found a little later, so that the rogue is surely
asked first.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from protocols.bitfield import Bitfield
from protocols.exchange import BitfieldMessage, Hello
from tests.services import rogues
from tests.services.fakes import CHUNK, complete_content
from tests.services.rogues import BREACHES, Rogue
from tests.services.test_downloading import CONTENT, DATA, MemoryStorage, World, world, written

CHUNKS = CONTENT.geometry.chunk_count


async def meet(here: World, lie, head_start_s: float = 0.02, **options) -> tuple[Rogue, float]:
    """Download from a rogue and, a little later, an honest seeder; the rogue, and how long it took."""
    rogue = Rogue(here.network, "rogue", CONTENT, DATA, lie, **options)
    task = await here.leech()
    started = trio.current_time()
    here.nursery.start_soon(task.run)
    await trio.sleep(head_start_s)
    await here.seed("honest")
    here.finder.add_hint("honest", ())
    with trio.fail_after(3600):
        while not here.storage.finished:  # noqa: ASYNC110 - a storage has no event, and this clock costs nothing
            await trio.sleep(0.01)
    assert here.storage.data == DATA
    return rogue, trio.current_time() - started


@pytest.mark.parametrize("lie", BREACHES.values(), ids=BREACHES)
async def test_who_breaks_the_protocol_loses_its_session_and_is_not_asked_again(autojump_clock, lie):
    async with world() as here:
        rogue, took = await meet(here, lie)
        await trio.sleep(300)
        assert rogue.requests
        assert rogue.sessions == 1
        assert here.candidates.is_banned("rogue")
        wasted = here.task.machine.wasted_bytes
        print(f"{wasted} bytes wasted, {took:.2f} s taken")
        assert wasted <= CHUNK
        assert took < 2


async def test_who_sends_wrong_bytes_is_banned_and_what_it_costs_is_bounded(autojump_clock):
    async with world() as here:
        rogue, took = await meet(here, rogues.wrong_bytes)
        wasted = here.task.machine.wasted_bytes
        print(f"{wasted} of {len(DATA)} bytes wasted, {took:.2f} s taken")
        assert here.candidates.is_banned("rogue")
        assert wasted <= 4 * CHUNK, "who isn't proven has little under way"
        assert rogue.answered * CHUNK <= 16 * CHUNK
        assert took < 2


async def test_who_claims_everything_and_sends_nothing_costs_seconds(autojump_clock):
    async with world() as here:
        rogue, took = await meet(here, rogues.silent)
        print(f"{rogue.requests} requests in vain, {took:.1f} s taken")
        assert rogue.requests
        assert took < 20, "what it owes is asked elsewhere after 15 s at the latest"


async def test_who_sends_a_byte_a_second_costs_no_more_than_who_sends_nothing(autojump_clock):
    async with world() as here:
        _, took = await meet(here, rogues.trickle)
        print(f"{took:.1f} s taken")
        assert took < 20


async def test_who_is_always_busy_is_asked_now_and_then(autojump_clock):
    async with world() as here:
        rogue, took = await meet(here, rogues.refuses)
        assert took < 5
        assert rogue.requests < 200


async def test_who_is_busy_for_ever_and_alone_is_not_asked_as_fast_as_the_line(autojump_clock):
    async with world() as here:
        rogue = Rogue(here.network, "rogue", CONTENT, DATA, rogues.refuses)
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(600)
        assert "busy" in task.stall_reason()
        assert rogue.requests < 30 * CHUNKS, "every half minute in the end"


@pytest.mark.parametrize("after", range(8))
async def test_who_hangs_up_after_any_of_its_messages_is_no_liar(autojump_clock, after):
    async with world() as here:
        rogue, took = await meet(here, rogues.honest, ends_after=after)
        assert rogue.sent <= after
        assert not here.candidates.is_banned("rogue")
        assert len(here.storage.writes) == CHUNKS, "no chunk is fetched twice"
        assert took < 5


@pytest.mark.parametrize("after", range(4, 8))
async def test_who_hangs_up_again_and_again_still_gives_what_it_gave(autojump_clock, after):
    async with world() as here:
        rogue = Rogue(here.network, "rogue", CONTENT, DATA, rogues.honest, ends_after=after)
        task = await here.leech()
        started = trio.current_time()
        await task.run()
        print(f"{rogue.sessions} sessions, {trio.current_time() - started:.0f} s")
        assert here.storage.data == DATA
        assert rogue.sessions >= CHUNKS / after


BAD_BITFIELDS = {"with a spare bit": b"\xff" * (CHUNKS // 8) + b"\xff", "too short": b"\xff", "too long": b"\xff" * 99}


@pytest.mark.parametrize("bits", BAD_BITFIELDS.values(), ids=BAD_BITFIELDS)
@pytest.mark.parametrize("is_manifest_known", [False, True])
async def test_a_bitfield_that_is_none_costs_the_session(autojump_clock, bits, is_manifest_known):
    async with world() as here:
        task = await here.leech()
        here.nursery.start_soon(task.run)
        if is_manifest_known:
            half = complete_content(DATA)
            half.have = Bitfield(CHUNKS)
            await here.seed("half", half)
            await trio.sleep(3)
            assert task.machine is not None
        closed = trio.Event()

        async def accept(stream) -> None:
            rogue = Rogue.__new__(Rogue)
            rogue.stream = stream
            await stream.receive_some()
            await rogue.blurt(Hello(1, CONTENT.cid, rogues.REQUEST_LIMIT), BitfieldMessage(bits))
            with suppress(trio.BrokenResourceError):
                while await stream.receive_some():
                    pass
            closed.set()

        here.network.handlers["rogue"] = accept
        here.finder.add_hint("rogue", ())
        await trio.sleep(3)
        if not is_manifest_known:
            assert not closed.is_set(), "nobody can tell yet"
        await here.seed("honest")
        here.finder.add_hint("honest", ())
        with trio.fail_after(30):
            await closed.wait()
        await trio.sleep(10)
        assert here.candidates.is_banned("rogue")
        assert here.storage.data == DATA


async def test_all_seeders_leave_at_99_percent_and_another_comes_an_hour_later(autojump_clock):
    data = DATA * 3
    content = complete_content(data)
    count = content.geometry.chunk_count
    most = complete_content(data)
    most.have = Bitfield.full(count)
    most.have.clear(count // 2)
    async with world() as here:
        await here.seed("a", most)
        await here.seed("b", most)
        task = await here.leech(content.cid)
        here.nursery.start_soon(task.run)
        await written(here.storage, count - 1)
        print(f"{100 * (count - 1) / count:.1f} % are here")
        for name in "ab":
            here.leave(name)
        await trio.sleep(3600)
        assert "none reachable" in task.stall_reason()
        assert not here.storage.finished
        await here.seed("late", content)
        came = trio.current_time()
        while not here.storage.finished:  # noqa: ASYNC110
            await trio.sleep(0.1)
        assert here.storage.data == data
        assert len(here.storage.writes) == count, "only what was missing is fetched"
        assert trio.current_time() - came < 30


async def test_a_new_seeder_joins_a_running_download_within_half_a_minute(autojump_clock):
    async def slow(rogue, request):
        await trio.sleep(60)
        await rogues.honest(rogue, request)

    async with world() as here:
        Rogue(here.network, "slow", CONTENT, DATA, slow)
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(600)
        assert not here.storage.finished
        await here.seed("late")
        came = trio.current_time()
        while "late" not in here.exchange.swarms[CONTENT.cid].sessions:  # noqa: ASYNC110
            await trio.sleep(0.1)
        print(f"found after {trio.current_time() - came:.1f} s")
        assert trio.current_time() - came < 30
        await trio.sleep(5)
        assert here.storage.data == DATA


async def test_more_peers_are_looked_for_when_none_of_many_has_a_missing_chunk(autojump_clock):
    half = complete_content(DATA)
    half.have = Bitfield.full(CHUNKS)
    half.have.clear(7)
    async with world() as here:
        for number in range(31):
            await here.seed(f"half{number}", half)
        task = await here.leech()
        here.finder.lacks_chunks = lambda: task.lacks_chunks
        here.nursery.start_soon(task.run)
        await written(here.storage, CHUNKS - 1)
        await trio.sleep(120)
        assert len(here.exchange.swarms[CONTENT.cid].sessions) >= 30
        assert "none has chunk 7" in task.stall_reason()
        await here.seed("whole")
        await trio.sleep(30)
        assert here.storage.data == DATA


async def test_a_seeder_that_hung_up_is_dialled_again_in_seconds(autojump_clock):
    async with world() as here:
        await here.seed("a")
        task = await here.leech(storage=MemoryStorage())
        here.nursery.start_soon(task.run)
        await written(here.storage, 5)
        for stream in here.leecher.opened:
            stream.reset()
        left = trio.current_time()
        while not here.storage.finished:  # noqa: ASYNC110
            await trio.sleep(0.01)
        assert trio.current_time() - left < 10
        assert len(here.leecher.opened) == 2
