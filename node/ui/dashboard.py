"""The dashboard's tasks around the pure core: keys and news in, frames and calls out.

Rules: the model changes in `_post` alone, one message after the other. One task paints: while the terminal takes its
time the model moves on, so frames are never queued. What is asked of the node runs beside the screen, never in it.
"""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import trio

from node.errors import ExitCode, ShoalError
from node.status import SearchStatus, from_json
from node.ui import messages as msg
from node.ui.diff import encode
from node.ui.feed import Feed
from node.ui.frame import Frame
from node.ui.keys import ESCAPE_S, KeyDecoder
from node.ui.model import WAIT_S, Reach
from node.ui.opening import Opening
from node.ui.settings import Ending, Settings
from node.ui.taskbar import taskbar
from node.ui.terminal import Terminal
from node.ui.theme import style_sequences
from node.ui.typed import message_of
from node.ui.update import update
from node.ui.view import view
from node.ui.wants import wants

PAINT_S = 0.016
"""Shortest time between two frames: sixty a second are more than an eye needs."""

TICK_S = 1.0
TICK_EARLY_S = 0.15
"""How much earlier a tick may come, to share a frame with news."""

AWAY_S = 1.0
"""Shortest time between two looks at the node while the terminal's window hasn't the keyboard: few eyes are on it."""

COLLECT_EVERY = 50_000
"""New objects between two looks for cycles: a second's worth of a busy screen."""


async def show(terminal: Terminal, opening: Opening, settings: Settings) -> Ending:
    """Go on from the first frame until the person leaves; the terminal's screen is the dashboard's already."""
    # Frames make much garbage and no cycles, and what is loaded by now stays: looking for them is a sixth of the work.
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    dashboard = _Dashboard(terminal, opening, settings)
    await dashboard.run()
    return Ending(dashboard.code, dashboard.has_stopped_node)


class _Dashboard:
    """One showing of it."""

    def __init__(self, terminal: Terminal, opening: Opening, settings: Settings) -> None:
        self.code: int = ExitCode.OK
        self.has_stopped_node = False
        self._terminal = terminal
        self._settings = settings
        now = trio.current_time()
        contact = replace(opening.model.contact, since=now)
        period_s = 1 / settings.rate
        self._model = replace(opening.model, now=now, wall=time.time(), contact=contact, period_s=period_s)
        self._painted: Frame | None = opening.painted
        self._bar = ""
        self._wanted = wants(self._model)
        self._dirty = trio.Event()
        self._told = trio.Event()  # the node has answered, or hasn't
        self._ticked = now + 1.1 * WAIT_S - TICK_S  # so that the next one is when a wait is to be told of
        self._feed = Feed(settings.dial, self._hear, lambda: self._wanted, settings.starter, poll_s=self._poll_s)
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Until told to leave."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for task in (self._signals, self._paint, self._read, self._tick, self._feed.run, self._learn_keys):
                    nursery.start_soon(task)

    def _poll_s(self) -> float:
        """How long to wait between two looks at the node."""
        return max(self._model.period_s, 0.0 if self._model.has_focus else AWAY_S)

    # --- in -------------------------------------------------------------------------------------------------------

    def _hear(self, message: msg.Msg) -> None:
        """Post what the feed tells; the second's tick comes with it, so that both are one frame."""
        if trio.current_time() - self._ticked >= TICK_S - TICK_EARLY_S:
            self._tell_time()
        self._post(message)

    def _post(self, message: msg.Msg) -> None:
        self._model, effects = update(self._model, message)
        self._dirty.set()
        if isinstance(message, msg.News | msg.Offline):
            self._told.set()
        for effect in effects:
            self._do(effect)
        wanted = wants(self._model)
        if wanted != self._wanted:
            self._wanted = wanted
            self._feed.wake()

    async def _read(self) -> None:
        decoder = KeyDecoder()
        while True:
            data = b""
            with trio.move_on_after(ESCAPE_S if decoder.is_waiting else float("inf")) as scope:
                await trio.lowlevel.wait_readable(self._terminal.input)
                data = self._terminal.take()
            if not data and not scope.cancelled_caught:  # the terminal has hung up
                self._leave(ExitCode.OK)
                return
            for token in decoder.feed(data) if data else decoder.flush():
                now, reports_focus = trio.current_time(), self._terminal.reports_focus
                message = message_of(token, self._terminal.name, now, reports_focus=reports_focus)
                if message is not None:
                    self._post(message)

    async def _learn_keys(self) -> None:
        """Load what names the keys as soon as there is something to move through, so that no arrow waits for it."""
        await self._told.wait()
        await trio.to_thread.run_sync(self._terminal.load_names, abandon_on_cancel=True)

    async def _tick(self) -> None:
        """Tell the time where nobody has any news: where some may come soon, the tick comes with them."""
        while True:
            news_s = self._poll_s() if self._model.contact.reach is Reach.ONLINE else 0.0
            due = self._ticked + TICK_S + news_s
            if trio.current_time() >= due:
                self._tell_time()
            else:
                await trio.sleep_until(due)

    def _tell_time(self) -> None:
        self._ticked = trio.current_time()
        self._post(msg.Tick(self._ticked, time.time()))

    async def _signals(self) -> None:
        watched = (signal.SIGWINCH, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT)
        with trio.open_signal_receiver(*watched) as signals:
            self._resized()  # if it was while the loop was loaded, nobody has told
            async for number in signals:
                match number:
                    case signal.SIGWINCH:
                        self._resized(is_lost=True)
                    case signal.SIGINT:
                        self._post(msg.Key("ctrl-c"))
                    case signal.SIGTSTP:
                        self._suspend()
                    case signal.SIGCONT:
                        self._terminal.reenter()
                        self._resized(is_lost=True)
                    case _:
                        self._leave(128 + number)

    def _resized(self, *, is_lost: bool = False) -> None:
        """Take the terminal's size; draw everything anew if that has changed or what is shown `is_lost`."""
        size = self._terminal.size()
        if is_lost or size != (self._model.width, self._model.height):
            self._painted = None
            self._post(msg.Resize(*size))

    # --- out ------------------------------------------------------------------------------------------------------

    async def _paint(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty = trio.Event()
            model = self._model
            styles = style_sequences(model.theme, self._terminal.colours)
            frame = view(model)
            data = encode(self._painted, frame, styles, is_ascii=model.is_ascii)
            self._painted = frame
            if self._terminal.has_taskbar and (bar := taskbar(model)) != self._bar:
                self._bar = bar
                data += bar.encode()
            try:
                await self._write(data)
            except OSError:
                self._leave(ExitCode.OK)
                return
            await trio.sleep(PAINT_S)

    async def _write(self, data: bytes) -> None:
        """Write all of it, waiting as long as the terminal takes; raises `OSError` when it is gone."""
        while data:
            try:
                data = data[self._terminal.put(data) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._terminal.output)

    def _do(self, effect: msg.Effect) -> None:
        assert self._nursery is not None
        match effect:
            case msg.Request():
                self._nursery.start_soon(self._request, effect)
            case msg.RunLine():
                self._nursery.start_soon(self._run_line, effect)
            case msg.Copy(text):
                self._nursery.start_soon(self._write, self._terminal.clipboard(text))
            case msg.KeepColumns(columns):
                self._nursery.start_soon(self._on_disk, partial(self._settings.keep_columns, columns))
            case msg.WriteLog(lines):
                self._nursery.start_soon(self._on_disk, partial(self._settings.write_log, lines))
            case msg.SetMouse(is_on):
                self._nursery.start_soon(self._write, self._terminal.mouse(is_on))
            case msg.Bell():
                self._nursery.start_soon(self._write, b"\a")
            case msg.Redraw():
                self._painted = None
            case msg.Suspend():
                self._suspend()
            case msg.StartNode():
                self._start_node()
            case msg.RetryNow():
                self._feed.wake()
            case msg.Leave(stop_node):
                self._nursery.start_soon(self._stop_and_leave) if stop_node else self._leave(ExitCode.OK)

    async def _request(self, request: msg.Request) -> None:
        try:
            async with self._settings.dial() as client:
                answer = await client.call(request.method, dict(request.params))
            if request.method == "search":
                self._post(msg.SearchBegun(from_json(SearchStatus, answer)))
        except (ShoalError, ValueError) as error:  # an answer of another version is a ValueError
            self._post(msg.Said(str(error), is_error=True))
        else:
            self._post(msg.Said(request.sentence))
        self._feed.wake(has_changed=True)

    async def _on_disk(self, work: Callable[[], str]) -> None:
        try:
            sentence = await trio.to_thread.run_sync(work)
        except ShoalError as error:
            self._post(msg.Said(str(error), is_error=True))
        else:
            if sentence:
                self._post(msg.Said(sentence))

    async def _run_line(self, command: msg.RunLine) -> None:
        run = self._settings.run
        self._post(await trio.to_thread.run_sync(run, command.line, command.current, abandon_on_cancel=True))
        self._feed.wake(has_changed=True)

    def _start_node(self) -> None:
        try:
            self._settings.starter.start()
        except ShoalError as error:
            self._post(msg.Said(str(error), is_error=True))
        self._feed.wake()

    async def _stop_and_leave(self) -> None:
        try:
            async with self._settings.dial() as client:
                await client.call("shutdown")
        except ShoalError as error:
            self._post(msg.Said(str(error), is_error=True))
        else:
            self.has_stopped_node = True
            self._leave(ExitCode.OK)

    def _suspend(self) -> None:
        self._terminal.suspend()
        self._resized(is_lost=True)

    def _leave(self, code: int) -> None:
        self.code = code
        self._scope.cancel()
