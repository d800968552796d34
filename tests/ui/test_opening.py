"""The first frame: drawn with what is loaded in a moment, and known by heart of terminals."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from node.ui.capabilities import colour_count
from node.ui.terminal import wants_ascii

HEAVY = {"trio", "blessed", "wcwidth", "asyncio", "sqlite3", "libp2p", "subprocess", "logging", "tomllib"}


def test_the_first_frame_needs_neither_the_loop_nor_blessed():
    code = (
        "import sys\n"
        "from node.commands.dashboard import Model, Terminal, paint\n"
        "terminal = Terminal(None)\n"
        "with terminal.screen(has_mouse=True):\n"
        "    opening = paint(terminal, Model(80, 24))\n"
        f"loaded = {HEAVY} & set(sys.modules)\n"
        "sys.exit(repr(loaded) if loaded else 0)"
    )
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color"}
    streams = {"stdin": slave, "stdout": slave, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, env=environ, **streams)
    os.close(slave)
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:
        pass  # the other end is closed
    os.close(master)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "onnecting" not in shown.decode(), "nothing flashes up before the node has had time to answer"
    assert shown.index(b"\x1b[?1049h") < shown.index(b"[1 Transfers]") < shown.index(b"\x1b[?1049l")


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "tmux-256color", "NO_COLOR": "1"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 256),
        ({"TERM": "xterm-kitty"}, 256),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, 256),
        ({"TERM": "xterm-16color"}, 16),
        ({"TERM": "linux"}, 8),
        ({"TERM": "vt220"}, 0),
    ],
)
def test_colours_are_known_by_the_terminals_name(environ, colours):
    assert colour_count(environ) == colours


@pytest.mark.parametrize(
    ("encoding", "environ", "ascii"),
    [("utf-8", {}, False), ("UTF8", {}, False), ("ANSI_X3.4-1968", {}, True), ("utf-8", {"TERM": "linux"}, True)],
)
def test_ascii_is_for_terminals_without_our_glyphs(encoding, environ, ascii):  # noqa: A002 - what it is
    assert wants_ascii(encoding, environ) is ascii
