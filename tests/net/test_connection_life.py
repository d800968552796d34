"""A multiplexed connection from start to end: whatever ends it ends nothing else, in time."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from libp2p.security.secure_session import SecureSession
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamReset

from node.net.muxed_connection import CLOSE_TIMEOUT_S, MuxedConnection
from node.net.muxed_stream import MuxedConnectionLost
from protocols.yamux import INTERNAL_ERROR
from protocols.yamux.frames import PING, SYN, WINDOW_UPDATE, encode_header
from protocols.yamux.limits import MAX_UNACKNOWLEDGED
from tests.net.muxed_pair import ADDRESS, Pair, open_pair, read_exactly, wires


async def test_what_py_libp2p_asks_of_a_connection():
    pair = Pair(wires())
    await pair.connect()
    assert (pair.client.is_initiator, pair.server.is_initiator) == (True, False)
    assert not pair.client.is_established
    assert not pair.client.is_closed
    assert pair.client.peer_id == pair.server.secured_conn.get_local_peer()
    assert pair.client.get_remote_address() == ADDRESS
    assert [str(address) for address in pair.client.get_transport_addresses()] == ["/ip4/127.0.0.1/tcp/4001"]
    assert pair.client.get_connection_type().value == "direct"
    assert pair.client.negotiated_muxer_protocol == "/yamux/1.0.0"
    assert pair.client.negotiated_security_protocol == "/noise"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.client.start)
        await pair.client.event_started.wait()
        assert pair.client.is_established
        await pair.client.close()
    assert pair.client.is_closed
    assert not pair.client.is_established


async def test_only_our_own_noise_connections_are_multiplexed():
    with pytest.raises(TypeError, match="SecureSession"):
        MuxedConnection(object.__new__(SecureSession), None)  # type: ignore[arg-type]


async def test_closing_before_the_start_closes_the_wire():
    pair = Pair(wires())
    await pair.connect()
    await pair.client.close()
    assert pair.client.is_closed
    await pair.client.start()
    assert await pair.wires[1].receive_some(10) == b""
    with pytest.raises(MuxedConnUnavailable):
        await pair.client.open_stream()


async def test_starting_twice_is_starting_once():
    async with open_pair() as pair:
        await trio.testing.wait_all_tasks_blocked()
        await pair.client.start()
        assert pair.client.is_established


async def test_closing_delivers_what_was_written_and_says_goodbye(autojump_clock: trio.testing.MockClock):
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(bytes(150_000))
        await ours.close_write()
        with trio.fail_after(CLOSE_TIMEOUT_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pair.client.close)
                assert len(await read_exactly(theirs, 150_000)) == 150_000
        await pair.server.event_closed.wait()
        for connection in (pair.client, pair.server):
            with pytest.raises(MuxedConnUnavailable):
                await connection.accept_stream()
            with pytest.raises(MuxedConnUnavailable):
                await connection.open_stream()
            await connection.close()


async def test_closing_takes_no_longer_than_its_limit(autojump_clock: trio.testing.MockClock):
    pair = Pair(wires(1000))
    await pair.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.client.start)  # the server reads nothing
        stream = await pair.client.open_stream()
        await stream.write(bytes(1 << 20))
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        await pair.client.close()
    assert trio.current_time() - started <= CLOSE_TIMEOUT_S
    assert pair.client.is_closed


async def test_a_cancelled_close_closes_at_once(autojump_clock: trio.testing.MockClock):
    pair = Pair(wires(1000))
    await pair.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.client.start)
        stream = await pair.client.open_stream()
        await stream.write(bytes(1 << 20))
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        with trio.move_on_after(CLOSE_TIMEOUT_S / 10):
            await pair.client.close()
    assert trio.current_time() - started < CLOSE_TIMEOUT_S / 2
    assert pair.client.is_closed


async def test_a_host_that_stops_closes_the_wire():
    pair = Pair(wires())
    await pair.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.client.start)
        stream = await pair.client.open_stream()
        nursery.cancel_scope.cancel()
    assert pair.client.is_closed
    with pytest.raises(MuxedConnectionLost, match="the host stopped"):
        await stream.read()


async def test_a_silent_peer_is_noticed_within_thirty_seconds(autojump_clock: trio.testing.MockClock):
    async with open_pair(deadline_s=200) as pair:
        ours, _ = await pair.open()
        await trio.sleep(60)
        assert pair.client.is_established  # pings are answered
        assert 0 <= pair.client.rtt() < 0.1
        started = trio.current_time()
        pair.freeze()
        with pytest.raises(MuxedConnectionLost, match="silent"):
            await ours.read()
        assert trio.current_time() - started <= 30


async def test_a_peer_that_breaks_yamux_hears_why_and_loses_this_connection():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await trio.testing.wait_all_tasks_blocked()
        await pair.server.secured_conn.send(b"\xff" * 12)
        with pytest.raises(MuxedConnectionLost, match="broke the protocol"):
            await ours.read()
        with pytest.raises(MuxedConnectionLost, match="went away with code 1"):
            await theirs.read()
        await pair.client.event_closed.wait()


async def test_a_peer_that_opens_a_stream_and_breaks_yamux_in_one_breath_costs_no_more():
    async with open_pair() as pair:
        ours, _ = await pair.open()
        await trio.testing.wait_all_tasks_blocked()
        await pair.server.secured_conn.send(encode_header(WINDOW_UPDATE, SYN, 2, 0) + b"\xff" * 12)
        with pytest.raises(MuxedConnectionLost, match="broke the protocol"):
            await ours.read()
        await pair.client.event_closed.wait()


async def test_a_peer_that_breaks_noise_loses_this_connection():
    async with open_pair() as pair:
        ours, _ = await pair.open()
        await trio.testing.wait_all_tasks_blocked()
        await pair.wires[1].send_all(b"\x00\x20" + bytes(32))
        with pytest.raises(MuxedConnectionLost, match="authentication"):
            await ours.read()
        await pair.client.event_closed.wait()


async def test_a_wire_cut_inside_a_message_is_a_loss():
    async with open_pair() as pair:
        ours, _ = await pair.open()
        await trio.testing.wait_all_tasks_blocked()
        await pair.wires[1].send_all(b"\x00")
        await pair.wires[1].aclose()
        with pytest.raises(MuxedConnectionLost, match="inside a Noise message"):
            await ours.read()


async def test_a_bug_in_a_task_ends_the_connection_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async with open_pair() as pair:
        ours, _ = await pair.open()
        monkeypatch.setattr(pair.client.session, "receive_pieces", lambda *_: 1 // 0)
        await pair.server.open_stream()
        with pytest.raises(MuxedConnectionLost, match="failed"):
            await ours.read()
        await pair.client.event_closed.wait()
    assert "ZeroDivisionError" in caplog.text


async def test_opening_waits_while_too_many_streams_wait_to_be_accepted():
    async with open_pair() as pair:
        for _ in range(MAX_UNACKNOWLEDGED):
            await pair.client.open_stream()
        opened = []

        async def open_one_more() -> None:
            opened.append(await pair.client.open_stream())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_one_more)
            await trio.testing.wait_all_tasks_blocked()
            assert not opened
            await pair.server.accept_stream()
        assert len(opened) == 1


async def test_whoever_waits_to_open_is_told_of_the_end():
    async with open_pair() as pair:
        for _ in range(MAX_UNACKNOWLEDGED):
            await pair.client.open_stream()

        async def open_one_more() -> None:
            with pytest.raises(MuxedConnUnavailable):
                await pair.client.open_stream()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_one_more)
            await trio.testing.wait_all_tasks_blocked()
            await pair.server.close()


async def test_a_stream_reset_before_it_was_accepted_is_never_seen():
    async with open_pair() as pair:
        first = await pair.client.open_stream()
        await first.write(b"never mind")
        await trio.testing.wait_all_tasks_blocked()
        await first.reset()
        await trio.testing.wait_all_tasks_blocked()
        second = await pair.client.open_stream()
        assert (await pair.server.accept_stream()).stream_id == second.stream_id


async def test_a_peer_that_goes_away_finishes_its_streams():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        pair.server.session.go_away()
        await theirs.write(b"last answer")
        assert await ours.read() == b"last answer"
        with pytest.raises(MuxedConnUnavailable):
            await pair.client.open_stream()
        assert not pair.client.is_closed
        await theirs.close()
        await ours.close()
        await pair.client.event_closed.wait()


@pytest.mark.parametrize("has_streams", [True, False])
async def test_a_peer_that_goes_away_for_another_reason_or_without_streams_is_gone(has_streams: bool):
    async with open_pair() as pair:
        if has_streams:
            await pair.open()
        pair.server.session.go_away(INTERNAL_ERROR if has_streams else 0)
        pair.server.flush()
        await pair.client.event_closed.wait()


async def test_a_refused_stream_is_reset():
    async with open_pair() as pair:
        await pair.open()
        await trio.testing.wait_all_tasks_blocked()  # nothing is left to send that the goodbye could go along with
        pair.server.session.go_away()
        ours = await pair.client.open_stream()
        with pytest.raises(MuxedStreamReset, match="by peer"):
            await ours.read()


async def test_pings_of_the_peer_are_answered():
    async with open_pair() as pair:
        await trio.testing.wait_all_tasks_blocked()
        pongs = []
        real = pair.server.session._keepalive.pong
        pair.server.session._keepalive.pong = lambda number, now: (pongs.append(number), real(number, now))
        await pair.server.secured_conn.send(encode_header(PING, SYN, 0, 77))
        await trio.testing.wait_all_tasks_blocked()
        assert 77 in pongs
