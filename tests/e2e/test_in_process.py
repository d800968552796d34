"""The dashboard with its node in the same process: it works as ever, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemons import ENVIRONMENT, SHOAL
from tests.e2e.seat import Seat

OF_DAEMON = "The node that was started goes on"


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\nmdns = false\n')
    return folder


@pytest.fixture
def sit(home) -> Iterator[Callable[..., Seat]]:
    with ExitStack() as stack:

        def sit(**options) -> Seat:
            taken = Seat(home, **options)
            stack.callback(taken.leaves)
            return taken

        yield sit


def shoal(home: Path, *words: str) -> tuple[int, str]:
    command = [SHOAL, "--home", home, *words]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_shares_answers_other_terminals_and_ends_with_the_dashboard(home, sit, tmp_path):
    (tmp_path / "film.mkv").write_bytes(os.urandom(1000))
    at = sit()
    settings = at.stty()
    at.types("shoal ui --in-process; echo code=$?\r")
    at.sees("Starting a node")
    at.sees("Nothing here yet.")
    at.types(f":share {tmp_path / 'film.mkv'}\r")
    at.sees("Shared #1 film.mkv")
    at.types(" ")
    code, said = shoal(home, "list")
    assert code == 0
    assert "film.mkv" in said
    code, said = shoal(home, "daemon")
    assert code == 3
    at.types("?")
    at.sees("leave; node ends")
    at.types(" ")
    at.sees_that(lambda text: "leave; node ends" not in text, "help is closed")  # ctrl-c drops what isn't read yet
    at.types("\x03")
    at.sees("the node ends too")
    at.types("q")
    at.sees("Stopping the node")
    screen = at.sees("code=0")
    assert "The node has stopped" in screen
    assert OF_DAEMON not in screen
    assert not at.is_full_screen
    assert at.stty() == settings
    assert shoal(home, "list")[0] == 3
    assert not (home / "control.sock").exists()


def test_its_end_is_the_dashboards_end(home, sit):
    at = sit()
    at.types("shoal ui --in-process; echo code=$?\r")
    at.sees("Nothing here yet.")
    assert shoal(home, "shutdown")[0] == 0
    at.sees("The node has stopped")
    at.sees("code=0")
    assert not at.is_full_screen


def test_a_signal_ends_both_and_the_terminal_is_put_back(home, sit):
    at = sit()
    settings = at.stty()
    at.types("shoal ui --in-process; echo code=$?\r")
    at.sees("Nothing here yet.")
    os.kill(int((home / "lock").read_text()), signal.SIGTERM)
    at.sees("code=143")
    assert at.stty() == settings
    assert shoal(home, "list")[0] == 3


def test_a_node_that_cannot_start_is_told_of_on_the_usual_screen(home, sit):
    (home / "config.toml").write_text('listen = ["/ip4/203.0.113.1/tcp/1"]\nmdns = false\n')  # nobody's address here
    at = sit()
    settings = at.stty()
    at.types("shoal ui --in-process; echo code=$?\r")
    screen = at.sees("/code=[1-9]/")
    assert "shoal: " in screen
    assert "203.0.113.1" in screen
    assert not at.is_full_screen
    assert at.stty() == settings


def test_it_takes_no_folder_that_has_a_node(home, sit):
    at = sit()
    at.types("shoal ui --in-process; echo code=$?\r")
    at.sees("Nothing here yet.")
    other = sit()
    other.types("shoal ui --in-process; echo code=$?\r")
    screen = other.sees("code=3")
    assert "a node runs already" in screen
