"""The dashboard as a person has it: in a shell, on a terminal, with real nodes; and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemons import SHOAL, Daemon, await_that
from tests.e2e.seat import Seat

MB = 1 << 20


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Iterator[Daemon]:
    """A node with one share and one of a hostile name."""
    folder = tmp_path_factory.mktemp("dashboard")
    daemon = Daemon(folder, "node")
    try:
        daemon.await_ready()
        for name in ("plain.bin", "evil\x1b[2J\x1b]0;owned\x07name.bin"):
            (folder / name).write_bytes(os.urandom(1000))
            daemon.ask("share", folder / name)
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def seat() -> Iterator[Callable[..., Seat]]:
    """Sit down at a terminal for a data folder."""
    with ExitStack() as stack:

        def sit(home: Path, *size: int, **options) -> Seat:
            taken = Seat(home, *size, **options)
            stack.callback(taken.leaves)
            return taken

        yield sit


def assert_restored(at: Seat, settings: list[object], *, code: int) -> None:
    at.sees(f"code={code}")
    assert not at.is_full_screen
    assert at.is_on(25), "the cursor is hidden"
    assert at.is_on(7), "lines don't wrap"
    assert not at.is_on(1000), "the mouse is still captured"
    assert not at.is_on(2004), "pastes are still bracketed"
    assert not at.is_on(1004), "the focus is still reported"
    assert at.stty() == settings
    at.types("echo still-$((40+2))\r")
    at.sees("still-42")


def test_a_download_is_watched_to_its_end_and_the_node_stays(start, seat, tmp_path):
    alice = start("alice")
    alice.await_ready()
    (tmp_path / "film.mkv").write_bytes(os.urandom(24 * MB))
    shared = alice.ask("share", tmp_path / "film.mkv")["item"]
    home = tmp_path / "bob"
    home.mkdir()
    (home / "config.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\n')
    bob = seat(home)
    settings = bob.stty()
    bob.types("shoal; echo code=$?\r")
    bob.sees("Starting a node")
    bob.sees("Nothing here yet.")
    bob.types(f":connect {alice.address}\r")
    bob.sees("Connected to")
    bob.types(f":download {shared['link']} -o {tmp_path / 'into'}\r")
    bob.sees("File Details - film.mkv")
    bob.sees("/Progress: +\\[█+\\] 100%/")
    bob.sees("/Chunks: +24 have/")
    bob.sees("█" * 24)
    bob.types("3")
    bob.sees("127.0.0.1")
    await_that((tmp_path / "into" / "film.mkv").exists, "the whole file is verified and in its place")
    assert (tmp_path / "into" / "film.mkv").read_bytes() == (tmp_path / "film.mkv").read_bytes()
    bob.types("q")
    assert_restored(bob, settings, code=0)
    bob.sees("The node that was started goes on")
    bob.types("clear; shoal shutdown\r")
    bob.sees("The node has stopped")


def test_a_node_that_dies_is_said_and_started_again(start, seat):
    daemon = start("node")
    daemon.await_ready()
    (daemon.home / "config.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\n')
    at = seat(daemon.home)
    at.opens_dashboard()
    daemon.kill()
    at.sees("The node is not answering")
    at.sees("/OFFLINE \\d+s/")
    at.types(":share /tmp\r")
    at.sees("nothing is queued")
    at.types("S")
    at.sees_that(lambda text: "●" in text and "OFFLINE" not in text, "the node answers again")
    at.types("Q")
    at.sees("Stop the node?")
    at.types("y")
    at.sees("code=0")


@pytest.mark.parametrize(
    ("keys", "number", "code"),
    [("q", None, 0), ("\x03\x03", None, 0), ("", signal.SIGTERM, 143), ("", signal.SIGHUP, 129)],
    ids=["q", "ctrl-c", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_as_it_was_however_the_dashboard_ends(node, seat, keys, number, code):
    at = seat(node.home)
    settings = at.stty()
    at.opens_dashboard()
    assert at.is_full_screen
    assert at.is_on(1004)
    if number:
        os.kill(at.child(), number)
    for key in keys:
        at.types(key)
        at.sees("/again to leave|code=/")
    assert_restored(at, settings, code=code)


def test_suspended_and_continued(node, seat):
    at = seat(node.home)
    settings = at.stty()
    at.opens_dashboard()
    at.types("\x1a")
    at.sees("Stopped")
    assert not at.is_full_screen
    assert not at.is_on(1004)
    assert at.stty() == settings
    at.types("fg\r")
    at.sees("/plain.bin.*100%/")
    assert at.is_full_screen
    at.types("?")  # what the terminal was asked on the way back is answered before this key is
    at.sees("suspend")
    at.types("?")
    at.sees("/plain.bin.*100%/")
    os.kill(at.child(), signal.SIGSTOP)
    at.sees("Stopped")
    at.types("fg\r")
    at.sees_that(lambda text: "plain.bin" in text and "Stopped" not in text, "the screen is drawn anew")
    at.types("q")
    at.sees_that(lambda text: "plain.bin" not in text, "the dashboard is left")
    at.types("echo back-$((40+2))\r")
    at.sees("back-42")
    assert at.stty() == settings


def test_a_crash_puts_the_terminal_back_and_is_read_on_it(node, seat):
    at = seat(node.home)
    settings = at.stty()
    lines = (
        "import os",
        "from node.ui.terminal import Terminal",
        "with Terminal(None).screen(has_mouse=True):",
        "    os.write(2, b'stray words')",
        "    1 / 0",
    )
    (node.home.parent / "crash.py").write_text("\n".join(lines))
    at.types("python crash.py; echo code=$?\r")
    assert_restored(at, settings, code=1)
    assert "ZeroDivisionError" in at.text()
    assert "stray words" not in at.text()


def test_a_closed_window_ends_it(node, seat):
    at = seat(node.home)
    at.opens_dashboard("trap '' HUP; shoal")
    process = at.child()
    at.hangs_up()
    await_that(lambda: not Path(f"/proc/{process}").exists() or _is_dead(process), "the dashboard is gone")


def _is_dead(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"


def test_keys_that_come_in_pieces_pastes_and_a_resize_storm(node, seat):
    at = seat(node.home)
    at.opens_dashboard()
    at.sees("/> +1 . plain.bin/")
    at.types("\x1b")
    at.types("[B")
    at.sees("/> +2 . evil␛\\[2J/")
    at.types("\x1b[200~q\rQy\r\x1b[201~")
    at.sees("goes into the command line")
    for step in range(40):
        at.resize(1 + step * 29 % 150, 1 + step * 17 % 45)
    at.resize(120, 40)
    at.sees("/> +2 . evil␛\\[2J.*100%/")
    assert at._screen.title == ""
    at.types("q")
    at.sees("code=0")


def test_a_mute_terminal_without_colours_or_utf8(node, seat):
    at = seat(node.home, answers=False, NO_COLOR="1", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    at.types("shoal; echo code=$?\r")
    at.sees("/1 \\^ plain.bin +1.00 KB ######## 100%/")
    shown = bytes(at.raw)[at.raw.index(b"?1049h") :]
    assert b"\x1b[;3" not in shown
    assert b";38;5" not in shown
    assert max(shown) < 0x80 or set(shown.decode("utf-8")) - set(map(chr, range(128))) == {"·"}  # the one that asks
    at.types("q")
    at.sees("code=0")


def test_the_flag_for_colours_wins_over_the_environment(node, seat):
    at = seat(node.home, NO_COLOR="1")
    at.types("shoal ui --color always; echo code=$?\r")
    at.sees("plain.bin")
    assert b"\x1b[;3" in at.raw
    at.types("q")
    at.sees("code=0")
    at = seat(node.home)
    at.types("shoal ui --color never; echo code=$?\r")
    at.sees("plain.bin")
    assert b"\x1b[;3" not in at.raw


def test_where_no_screen_can_be_shown_commands_are_read_line_by_line(node, seat):
    at = seat(node.home, TERM="dumb")
    at.types("shoal; echo code=$?\r")
    at.sees("shoal>")
    at.types("list\r")
    at.sees("Available Files")
    at.types("quit\r")
    at.sees("code=0")
    assert not at.is_full_screen


def test_the_shell_prints_the_users_screens(node):
    lines = "LIST\n:info #1\nuploads\nsearch linux\n\nquit\nlist\n"
    command = [SHOAL, "--home", node.home, "shell"]
    told = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert told.stdout.count("Available Files") == 1
    assert "File Details - plain.bin" in told.stdout
    assert "Uploading / Seeding" in told.stdout
    assert 'Search Results: "linux"' in told.stdout
    assert told.returncode == 4  # nothing is found


def test_moved_columns_and_units_are_there_at_the_next_start(node, seat):
    at = seat(node.home, 160, 30)
    at.opens_dashboard()
    at.sees("/SIZE +DONE +DOWN/")
    at.types("oJ")
    at.sees("/DONE +SIZE +DOWN/")
    at.types("q")
    at.sees_that(lambda text: "Columns" not in text, "the dialog is closed")
    chosen = node.home / "dashboard.toml"
    await_that(lambda: chosen.exists() and '["done", "size", "down"' in chosen.read_text(), "the choice is kept")
    at.types("q")
    at.sees("code=0")
    chosen.write_text(chosen.read_text() + 'units = "iec"\n')
    at.types("clear\r")
    at.opens_dashboard()
    at.sees("/DONE +SIZE +DOWN/")
    at.types("q")
    at.sees("code=0")
    at.types("clear; SHOAL_UNITS=iec shoal status\r")
    at.sees("/Memory: +[0-9.]+ MiB/")
    chosen.unlink()


def test_what_is_shown_of_the_log_is_written_to_a_file_for_nobody_else(node, seat):
    at = seat(node.home, 200, 30)
    at.opens_dashboard()
    at.types("M6")
    at.sees("/INFO +dashboard +mouse off/")
    at.types("w")
    at.sees("/lines? written to .*/log-.*.txt/")
    (written,) = node.home.glob("log-*.txt")
    assert "mouse off" in written.read_text()
    assert written.stat().st_mode & 0o077 == 0
    at.types("q")
    at.sees("code=0")
