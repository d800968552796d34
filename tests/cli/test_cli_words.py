"""The command line itself: its table, its help, and what stands where."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from node import cli
from node.commands.parser import build_parser, named
from node.commands.table import COMMANDS, EXIT_CODES
from node.config import Config
from node.control.lock import hold_folder
from node.errors import ExitCode, ShoalError, StorageError

ASKED_FOR = [
    "daemon",
    "share",
    "get",
    "list",
    "info",
    "peers",
    "connect",
    "status",
    "stop",
    "verify",
    "pause",
    "resume",
    "shutdown",
]


def test_every_command_is_there_and_says_what_it_is_for(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ASKED_FOR:
        command = next(command for command in COMMANDS if command.name == name)
        assert re.search(rf"^ +{name}\b", text, re.MULTILINE)
        assert command.summary in text


def test_every_exit_code_is_documented(capsys):
    assert set(ExitCode) | {141} == set(EXIT_CODES)
    cli.main(["help"])
    text = capsys.readouterr().out
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_its_own_help(capsys, command):
    for words in ([command.name, "--help"], ["help", command.name], *([alias, "-h"] for alias in command.aliases)):
        assert cli.main(words) == 0
        captured = capsys.readouterr()
        assert captured.out.startswith(f"usage: shoal {command.name}") or command.aliases
        assert "--json" in captured.out
        assert captured.err == ""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_somewhere(command):
    module, name = command.function.split(".")
    assert callable(getattr(__import__(f"node.commands.{module}", fromlist=[name]), name))


def test_the_version(capsys):
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"shoal \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_help_is_a_command_too(capsys):
    assert cli.main(["help"]) == 0
    assert "commands:" in capsys.readouterr().out


def test_options_of_every_command_may_stand_before_or_after_it():
    parser = build_parser()
    before = parser.parse_args(["--json", "--home", "/x", "list"])
    after = parser.parse_args(["list", "--json", "--home", "/x"])
    assert (before.json, before.home) == (after.json, after.home) == (True, "/x")
    assert parser.parse_args(["--home", "/x", "list", "--quiet"]).home == "/x"


@pytest.mark.parametrize(
    "words", [["LIST"], ["up"], [":list"], ["ls"], ["s", "linux"], ["rm", "3", "--keep"], ["d", "bafyreix"]]
)
def test_commands_may_be_typed_as_in_the_shell(node, capsys, words):
    assert cli.main(["--home", str(node.home), "-q", *words]) == 0
    assert capsys.readouterr().out


def test_a_value_that_looks_like_a_command_is_none(node):
    assert named(["--home", "list", "INFO", "list"]) == (["--home", "list", "info", "list"], "info")


def test_options_are_not_abbreviated(capsys):
    assert cli.main(["list", "--js"]) == 2


@pytest.fixture
def fake_app(monkeypatch):
    """`node.app` that notes the configuration it is started with."""
    seen: list[Config] = []
    app = types.ModuleType("node.app")
    app.run = lambda config: seen.append(config) or 0
    monkeypatch.setitem(sys.modules, "node.app", app)
    return app, seen


def test_daemon_starts_the_node_with_what_was_asked(fake_app, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOAL_BOOTSTRAP", "/ip4/192.0.2.1/tcp/1,/ip4/192.0.2.2/tcp/2")
    words = ["--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip6/::1/tcp/0", "--log-level", "debug"]
    assert cli.main(["--home", str(tmp_path), "daemon", *words]) == 0
    config = fake_app[1][0]
    assert config.home.path == tmp_path
    assert config.listen == ("/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0")
    assert config.bootstrap == ("/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/2")
    assert (config.log_level, config.network, config.json) == ("debug", "/shoal", False)


def test_a_node_that_cannot_start_says_so(fake_app, capsys, tmp_path):
    def fail(config):
        raise StorageError("the disk is full")

    fake_app[0].run = fail
    assert cli.main(["--home", str(tmp_path), "daemon"]) == 7
    assert capsys.readouterr().err == "shoal: the disk is full\n"


def test_shutdown_waits_until_the_folder_is_free(node, capsys, monkeypatch):
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        held.__exit__(None, None, None)

    monkeypatch.setattr("node.commands.lifecycle.time.sleep", sleep)
    # The fake node holds the real lock file: this one stands for a node that takes its time.
    monkeypatch.setattr("node.folder.DataFolder.lock", property(lambda self: self.path / "slow"))
    held = hold_folder(node.home / "slow")
    held.__enter__()
    assert cli.main(["--home", str(node.home), "shutdown"]) == 0
    assert slept
    assert capsys.readouterr().out == "The node has stopped\n"


def test_a_node_that_does_not_go_is_reported(node, capsys, monkeypatch):
    monkeypatch.setattr("node.commands.lifecycle.SHUTDOWN_S", 0.0)
    monkeypatch.setattr("node.folder.DataFolder.lock", property(lambda self: self.path / "slow"))
    with hold_folder(node.home / "slow"):
        assert cli.main(["--home", str(node.home), "shutdown"]) == 1
    assert "still runs" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["share", ""], ["get", "1", "-o", ""]])
def test_an_empty_path_is_not_the_current_folder(node, capsys, words):
    """As in `shoal share "$UNSET"`, which would share whatever folder the person happens to be in."""
    assert cli.main(["--home", str(node.home), *words]) == ExitCode.USAGE
    assert "an empty path" in capsys.readouterr().err


def test_a_folder_that_is_gone_is_a_usage_error(node, capsys, monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["--home", str(node.home), "get", "bafyreix"]) == 2
    assert "current folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "words", "value"),
    [
        ("list", ["list"], {"not": "a list"}),
        ("list", ["list"], [{"number": 1}]),
        ("status", ["status"], []),
        ("stop", ["stop", "1"], None),
        ("verify", ["verify", "1"], {}),
        ("connect", ["connect", "/ip4/192.0.2.1/tcp/1"], "peer"),
        ("share", ["share", "a"], {"item": 5}),
    ],
)
def test_an_answer_of_another_version_is_not_a_traceback(node, capsys, method, words, value):
    node.handlers[method] = node.answer(value)
    assert cli.main(["--home", str(node.home), *words]) == 1
    assert "isn't understood" in capsys.readouterr().err


def test_a_bug_of_the_node_is_said_as_one_sentence(node, capsys):
    async def crash(call):
        raise ZeroDivisionError

    node.handlers["status"] = crash
    assert cli.main(["--home", str(node.home), "status"]) == 1
    assert capsys.readouterr().err == "shoal: the node failed inside; its log says where\n"


def test_every_error_code_of_get_becomes_the_exit_code(node, capsys):
    for kind in (kind for kind in ShoalError.__subclasses__() if kind.__module__ == ShoalError.__module__):

        async def fail(call, kind=kind):
            raise kind("so it is")

        node.handlers["get"] = fail
        assert cli.main(["--home", str(node.home), "get", "bafyreix"]) == kind.code
        assert capsys.readouterr().err == "shoal: so it is\n"


def test_no_header_leaves_the_rows(node, capsys):
    cli.main(["--home", str(node.home), "list", "--no-header"])
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["1", "2", "3"]


def test_a_quiet_verify_still_tells_its_result(node, capsys):
    assert cli.main(["--home", str(node.home), "-q", "verify", "1"]) == 0
    assert "256 chunks checked" in capsys.readouterr().out


def test_the_home_may_come_from_the_environment(node, capsys, monkeypatch):
    monkeypatch.setenv("SHOAL_HOME", str(node.home))
    assert cli.main(["status"]) == 0
    monkeypatch.setenv("SHOAL_HOME", str(Path(node.home, "nothing")))
    assert cli.main(["status"]) == 3
    assert "start one with: shoal daemon" in capsys.readouterr().err
