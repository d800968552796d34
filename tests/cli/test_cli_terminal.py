"""`shoal` on a terminal: the user's screens, one moving line, and nothing that a name could do."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pyte
import pytest
import trio

from node.status import TransferState, to_json
from node.ui.theme import style_sequences


class Terminal:
    """What a person sees of a command after having `typed` something: `raw` bytes and the screen they make.

    `until` is what they wait for before they press ctrl-c.
    """

    def __init__(
        self, command: list[str], environ: dict[str, str], cwd: str, columns: int, typed: bytes, until: bytes
    ) -> None:
        self.raw = b""
        environ = {**environ, "COLUMNS": str(columns)}  # a fresh pseudo-terminal has no size of its own
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=cwd)
        os.close(theirs)
        os.write(ours, typed)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                data = os.read(ours, 65536) if select.select([ours], [], [], 1)[0] else b""
            except OSError:  # the other end is closed: the command has ended
                break
            self.raw += data
            if until and until in self.raw:
                self.process.send_signal(signal.SIGINT)
                until = b""
        os.close(ours)
        self.code = self.process.wait(60)
        screen = pyte.Screen(columns, 60)
        pyte.ByteStream(screen).feed(self.raw)
        self.lines = [line.rstrip() for line in screen.display]
        while self.lines and not self.lines[-1]:
            self.lines.pop()


@pytest.fixture
def terminal(node, environ, tmp_path):
    def run(*words: str, columns: int = 80, typed: bytes = b"", until: bytes = b"", **more: str) -> Terminal:
        command = [sys.executable, "-m", "node.cli", "--home", str(node.home), *words]
        return Terminal(command, {**environ, **more}, str(tmp_path), columns, typed, until)

    return run


def test_list_is_the_users_screen(terminal, node):
    shown = terminal("list")
    assert shown.code == 0
    assert shown.lines == [
        "===========================",
        "   Available Files",
        "===========================",
        " #   File Name               Size       Status",
        "------------------------------------------------",
        " 1   ubuntu.iso              2.5 GB     Seeding",
        " 2   evil␛[2J␍name␊.exe      2.5 GB     Complete",
        " 3   linux.iso               2.5 GB     Downloading 25%",
        "------------------------------------------------",
        "Total Files: 3",
        "Type 'info <#>' for more details.",
    ]


def test_a_long_name_uses_the_room_that_there_is(terminal, node):
    name = "a name that is far longer than the column of the users screen.tar.zst"
    node.items = [replace(node.items[0], name=name)]
    assert terminal("list", columns=60).lines[5] == " 1   a name that is far long…reen.tar.zst 2.5 GB     Seeding"
    assert name in terminal("list", columns=120).lines[5]


def test_info_shows_the_details_and_what_to_copy(terminal):
    lines = terminal("info", "1").lines
    assert lines[1] == "   File Details - ubuntu.iso"
    assert "Chunks Available: [✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓] (All)" in lines
    assert "- 'stop <#>'   Stop seeding" in lines
    assert "CID:             bafyreiubuntu" in lines


def test_info_of_a_download_begins_with_its_progress(terminal):
    lines = terminal("info", "3").lines
    assert lines[1] == "   Downloading: linux.iso"
    assert lines[3] == "Progress:  [###--------]  25% (625 MB / 2.5 GB)"
    assert "   File Details - linux.iso" in lines


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["peers"], "   Connections"),
        (["peers", "1"], "   Peers Sharing - ubuntu.iso"),
        (["uploads"], "   Uploading / Seeding"),
        (["status"], "   Node Status"),
    ],
)
def test_every_screen_has_its_title(terminal, words, title):
    assert terminal(*words).lines[1] == title


def test_share_says_what_it_did_and_how_to_fetch_it(terminal):
    shown = terminal("share", "a")
    assert "Shared #1 a, 2.5 GB in 1 file" in shown.lines
    assert "CID:  bafyreiubuntu" in shown.lines
    assert "Link: shoal:bafyreiubuntu?name=ubuntu.iso&size=2500000000" in shown.lines


def test_get_redraws_one_line_and_then_says_where_the_file_is(terminal, tmp_path):
    shown = terminal("get", "bafyreix", columns=100)
    assert shown.code == 0
    assert b"\r" in shown.raw
    assert shown.lines[0].startswith("linux.iso                [##############")
    assert shown.lines[0].endswith("] 100% done")
    assert shown.lines[1].startswith("#3 linux.iso, 2.5 GB, verified: ")


def test_a_dumb_terminal_gets_plain_lines(terminal):
    shown = terminal("get", "bafyreix", TERM="dumb")
    assert b"\x1b" not in shown.raw
    assert any(line.startswith("linux.iso: 100%") for line in shown.lines)


def test_no_escape_of_a_name_gets_through(terminal, node):
    node.items[0] = replace(node.items[1], number=1, name="\x1b]0;owned\x07\x1b[2J\x9b31m", reason="\x1b[5m")
    ours = set(style_sequences("shoal", 8).values())
    for words in (["list"], ["info", "1"], ["stop", "1"], ["verify", "1"], ["peers", "1"], ["uploads"]):
        shown = terminal(*words).raw.decode().replace("\x1b[K", "")
        assert set(re.findall(r"\x1b\[[0-9;]*m", shown)) <= ours
        printable = re.sub(r"\x1b\[[0-9;]*m|[\r\n]", "", shown)
        assert printable.isprintable(), printable


def test_a_terminal_gets_colours_unless_they_are_not_wanted(terminal):
    coloured, plain = terminal("list"), terminal("list", NO_COLOR="1")
    assert coloured.lines == plain.lines
    assert b"\x1b[;36mDownloading" in coloured.raw
    assert b"\x1b" not in plain.raw
    assert b"\x1b" not in terminal("list", "--color", "never").raw
    assert b"\x1b" not in terminal("list", TERM="dumb").raw


def test_the_progress_line_is_coloured_too(terminal):
    assert b"[\x1b[;36m####" in terminal("get", "bafyreix", columns=100).raw
    plain = terminal("get", "bafyreix", "--color", "never", columns=100).raw.replace(b"\x1b[K", b"")
    assert b"\x1b" not in plain


def test_a_taskbar_shows_the_progress_and_is_cleared(terminal):
    shown = terminal("get", "bafyreix", TERM_PROGRAM="ghostty").raw
    assert b"\x1b]9;4;1;" in shown
    assert shown.rindex(b"\x1b]9;4;0\x07") > shown.rindex(b"\x1b]9;4;1;")
    assert b"\x1b]9" not in terminal("get", "bafyreix").raw


def test_ctrl_c_leaves_no_taskbar_behind(terminal, node):
    async def get(call):
        await call.progress(to_json(node.items[2]))
        await trio.sleep_forever()

    node.handlers["get"] = get
    shown = terminal("get", "bafyreifetched", until=b"]9;4;1", TERM_PROGRAM="ghostty")
    assert shown.code == 130
    assert shown.raw.rindex(b"\x1b]9;4;0\x07") > shown.raw.rindex(b"\x1b]9;4;1;")
    assert "paused; go on with: shoal resume 3" in shown.lines[-1]


def test_a_build_server_with_a_terminal_gets_plain_lines(terminal):
    assert b"\x1b[K" not in terminal("get", "bafyreix", CI="true").raw


def test_shoal_alone_on_a_terminal_without_a_cursor_is_the_shell(terminal):
    shown = terminal(typed=b"list\nquit\n", TERM="dumb")
    assert shown.code == 0
    assert "Type 'help' for the commands" in shown.lines[0] + shown.lines[1] + shown.lines[2]
    assert "   Available Files" in shown.lines


def test_the_dashboard_may_be_plain(terminal):
    shown = terminal("ui", "--plain", typed=b"list\nquit\n")
    assert shown.code == 0
    assert "   Available Files" in shown.lines
    assert b"\x1b[?1049h" not in shown.raw


def test_exact_names_are_not_written_to_a_terminal(terminal):
    shown = terminal("list", "-0")
    assert shown.code == 2
    assert "xargs -0" in shown.lines[0]


def test_a_stalled_file_says_why_in_the_list(terminal, node):
    node.items = [replace(node.items[2], state=TransferState.STALLED, reason="no provider answered")]
    assert "Stalled 25% (no provider answered)" in "\n".join(terminal("list").lines)


@pytest.mark.parametrize(("typed", "delete"), [(b"k\n", False), (b"Delete\n", True)])
def test_cancel_asks_what_becomes_of_what_was_fetched(terminal, node, typed, delete):
    shown = terminal("cancel", "3", typed=typed)
    assert shown.code == 0
    assert node.wait_for_call("cancel")["delete"] is delete
    assert any("[k]eep or [d]elete" in line for line in shown.lines)


def test_cancel_does_nothing_unless_it_is_answered(terminal, node):
    shown = terminal("cancel", "3", typed=b"\n")
    assert shown.code == 1
    assert "#3 linux.iso is not cancelled" in shown.lines[-1]
    assert [name for name, _ in node.calls.queue] == ["info"]


def test_cancel_does_not_ask_when_it_was_said(terminal, node):
    assert terminal("cancel", "3", "--delete").code == 0
    assert node.wait_for_call("cancel")["delete"] is True


def test_cancel_does_not_ask_of_what_is_complete(terminal, node):
    assert terminal("cancel", "1").code == 0
    assert node.wait_for_call("cancel")["delete"] is False
