"""What may go wrong around a dashboard: names that attack the screen, a node that dies half-way, no terminal at all."""

from __future__ import annotations

import os
import signal
import subprocess
from unicodedata import category

from tests.daemons import ENVIRONMENT, SHOAL, await_that
from tests.e2e.seat import Seat

MB = 1 << 20

HOSTILE = (
    "clears\x1b[2J\x1b[H\x1b]0;owned\x07.bin",
    "turns \u202egpj.exe",
    "wide 映画コレクション字幕.mkv",
    "family 👨\u200d👩\u200d👧 and flag 🇩🇪.jpg",
    "tower Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324.txt",
    "hangul \u1161\u11a8 fillers \u3164.txt",
    "c1 \x9b2J and \x85 and del \x7f.txt",
    "l" * 251 + ".bin",
)


def cells(at: Seat) -> list[str]:
    """Each line of the screen with one character a cell, so that columns can be compared; marks have no cell."""
    lines = ("".join(text for text, *_ in line) for line in at.looks())
    return ["".join(character for character in line if not category(character).startswith("M")) for line in lines]


def test_hostile_names_change_no_cell_outside_their_column(start, sit, tmp_path):
    daemon = start("node")
    daemon.await_ready()
    paths = [tmp_path / name for name in ("plain.bin", *HOSTILE)]
    for path in paths:
        path.write_bytes(os.urandom(1000))
    daemon.ask_all("share", *paths)
    at = sit(daemon.home, 120, 40)
    at.opens_dashboard()
    at.sees(f"/{len(HOSTILE) + 1} files/")
    shown = cells(at)
    heading = shown[1]
    after_name = heading.index("SIZE") - 3
    plain = next(line for line in shown if "plain.bin" in line)
    rows = [line for line in shown[2:] if line[after_name:] == plain[after_name:]]
    assert len(rows) == len(HOSTILE) + 1, "\n".join(shown)
    assert at._screen.title == ""
    at.types("q")
    at.sees("code=0")


def test_found_fetched_killed_and_recovered(start, sit, tmp_path):
    alice = start("alice")
    alice.await_ready()
    (tmp_path / "linux film.mkv").write_bytes(os.urandom(16 * MB))
    alice.ask("share", tmp_path / "linux film.mkv")
    bob = start("bob", alice.address)
    bob.await_ready()
    (bob.home / "config.toml").write_text(
        f'listen = ["/ip4/127.0.0.1/tcp/0"]\nbootstrap = ["{alice.address}"]\nmdns = false\n'
    )
    await_that(lambda: bob.ask_all("peers"), "bob knows alice")
    at = sit(bob.home)
    at.opens_dashboard()
    at.types(":limit --down 4MB\r")
    at.sees("/4 MB/")
    at.types("\x1b2nlinux\r")
    at.sees("/1 +linux film.mkv/")
    at.types(f":download 1 -o {tmp_path / 'into'}\r")
    at.sees("File Details - linux film.mkv")
    at.sees("/Progress: .* [1-9][0-9]?%/")
    bob.kill()
    at.sees("The node is not answering")
    at.types(":pause\r")
    at.sees("nothing is queued")
    at.types("S")
    at.sees_that(lambda text: "●" in text and "OFFLINE" not in text, "the node answers again")
    at.types(":limit --down off\r")
    at.sees("/Progress: +\\[█+\\] 100%/")
    await_that((tmp_path / "into" / "linux film.mkv").exists, "the whole file is verified and in its place")
    assert (tmp_path / "into" / "linux film.mkv").read_bytes() == (tmp_path / "linux film.mkv").read_bytes()
    at.types("Qy")
    at.sees("code=0")


def test_a_signal_before_the_first_answer_puts_the_terminal_back(start, sit):
    daemon = start("node")
    daemon.await_ready()
    at = sit(daemon.home)
    settings = at.stty()
    at.types("shoal; echo code=$?\r")
    await_that(lambda: b"\x1b[?1049h" in at.raw, "the dashboard has the screen")
    os.kill(at.child(), signal.SIGTERM)
    at.sees("code=143")
    assert not at.is_full_screen
    assert at.is_on(25)
    assert at.stty() == settings


def test_without_a_terminal_there_is_the_list_and_a_sentence(start):
    daemon = start("node")
    daemon.await_ready()
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "env": ENVIRONMENT, "check": False}
    listed = subprocess.run([SHOAL, "--home", daemon.home], **options)
    assert (listed.returncode, listed.stdout.split("\t")[0]) == (0, "#")
    refused = subprocess.run([SHOAL, "--home", daemon.home, "ui"], **options)
    assert refused.returncode == 2
    assert refused.stderr.startswith("shoal: the dashboard needs a terminal")
    assert "\x1b" not in refused.stdout + refused.stderr + listed.stdout
