"""Typed lines: the shell, the prompt's commands, completion, and what the words may look like."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.commands.completion import SCRIPTS, complete
from node.commands.context import Context
from node.commands.output import Output
from node.commands.parser import build_parser
from node.commands.running import command_meant, parse_line, run_line
from node.errors import UsageError
from node.status import TransferState


@pytest.fixture
def shell(start):
    """Type lines into `shoal shell`: (exit code, stdout, stderr)."""

    def run(*lines: str) -> tuple[int, str, str]:
        with start("shell", stdin=subprocess.PIPE) as process:
            stdout, stderr = process.communicate("".join(f"{line}\n" for line in lines), timeout=60)
        return process.returncode, stdout, stderr

    return run


@pytest.fixture
def line(node, capsys):
    """Run a line as the dashboard's prompt does."""

    def run(text: str, current: str | None = None) -> tuple[list[str], bool]:
        arguments = build_parser().parse_args(["--home", str(node.home), "ui"])
        printed = run_line(Context(arguments, Output(sys.stdout, sys.stderr, {}), {}), text, current)
        assert capsys.readouterr() == ("", "")
        return list(printed.lines), printed.is_error

    return run


class TestShell:
    def test_the_users_commands_verbatim(self, shell, node):
        code, out, err = shell("list", "info 1", "peers 1", "uploads", "download 3", "pause", "stop 1", "quit", "list")
        assert (code, err) == (0, "")
        for title in ("Available Files", "File Details - ubuntu.iso", "Peers Sharing - ubuntu.iso"):
            assert f"   {title}\n" in out
        assert "   Downloading: linux.iso\n" in out
        assert "Progress:" in out
        assert "Paused #3 linux.iso" in out
        assert out.count("Available Files") == 1
        assert node.wait_for_call("get")["wait"] is False

    def test_pause_after_download_means_that_download(self, shell, node):
        node.items += [replace(node.items[2], number=4, cid="bafyreiother", name="other.iso")]
        code, out, _ = shell("download 3", "pause", "cancel")
        assert code == 0
        assert "Paused #3" in out
        assert "Cancelled #3" in out

    def test_words_in_any_case_short_and_with_signs(self, shell):
        code, out, _ = shell(":LIST", "inf #1", "ls")
        assert code == 0
        assert out.count("Available Files") == 2
        assert "File Details" in out

    def test_a_mistake_is_said_and_the_next_line_read(self, shell):
        code, out, err = shell("downlod 1", "search linux", "info 'x", "", "list")
        assert code == 2
        assert "did you mean download?" in err
        assert 'Search Results: "linux"' in out
        assert "quotation mark" in err
        assert "Available Files" in out

    def test_sort_and_filter_hold_for_the_lists_that_follow(self, shell, node):
        node.items = [replace(item, size=number) for number, item in enumerate(node.items)]
        code, out, _ = shell("sort size", "list", "filter ISO", "list", "filter", "uploads", "list --sort name")
        assert code == 0
        rows = [line.split()[1] for line in out.splitlines() if line[1:2].isdigit()]
        assert rows == [
            *("linux.iso", "evil␛[2J␍name␊.exe", "ubuntu.iso"),
            *("linux.iso", "ubuntu.iso"),
            "ubuntu.iso",
            *("evil␛[2J␍name␊.exe", "linux.iso", "ubuntu.iso"),
        ]

    def test_a_theme_holds_from_then_on(self, start, environ):
        with start("--color", "always", "shell", stdin=subprocess.PIPE, env=environ) as process:
            out, _ = process.communicate("theme mono\nlist\ntheme cvd\nlist\n", timeout=60)
        assert process.returncode == 0
        mono, _, cvd = out.rpartition("   \x1b[;1;36mAvailable")
        assert "Seeding" in mono
        assert "\x1b[;33mSeeding" not in mono
        assert "\x1b[;33mSeeding" in cvd

    @pytest.mark.parametrize("typed", ["sort", "sort sideways", "theme", "theme pink", "help frobnicate"])
    def test_its_own_words_say_how_they_are_typed(self, shell, typed):
        code, _, err = shell(typed)
        assert code == 2
        assert "usage: " in err or "unknown command" in err

    def test_help_lists_the_table(self, shell):
        _, out, _ = shell("help", "help info")
        assert "peers [TARGET]" in out
        assert out.count("info TARGET") == 2


class TestLines:
    def test_a_command_without_a_file_means_the_current_one(self, line, node):
        lines, failed = line("pause", current="bafyreiubuntu")
        assert not failed
        assert node.wait_for_call("pause") == {"target": "bafyreiubuntu"}
        assert lines == ["Paused #1 ubuntu.iso at 100%"]

    def test_or_the_only_one_there_is(self, line, node):
        line("cancel")
        assert node.wait_for_call("cancel") == {"target": "bafyreifetched", "delete": False}

    def test_to_cancel_is_also_meant_of_the_only_one_that_is_paused(self, line, node):
        node.items[2] = replace(node.items[2], state=TransferState.PAUSED)
        lines, _ = line("cancel")
        assert node.wait_for_call("cancel")["target"] == "bafyreifetched"
        assert lines == ["Cancelled #3 linux.iso; 625 MB are kept in /here, where get -o goes on from them"]

    def test_and_asks_which_where_there_are_several(self, line, node):
        node.items.append(replace(node.items[2], number=4, cid="bafyreiother", name="other.iso"))
        lines, failed = line("pause")
        assert failed
        assert "#3 linux.iso, #4 other.iso" in lines[0]

    def test_and_says_so_where_there_is_none(self, line, node):
        node.items = [item for item in node.items if item.state is not TransferState.DOWNLOADING]
        assert "nothing to pause" in line("pause")[0][0]

    def test_nothing_of_a_name_reaches_the_page(self, line):
        lines, _ = line("list")
        assert all(text.isprintable() for text in lines)

    @pytest.mark.parametrize(
        "text",
        ["", "   ", ":", "get", "info", "shell", "--help", "info --help", "info 1 -h", "help", "'", "\x00", "info --x"],
    )
    def test_any_line_is_an_answer_or_a_sentence(self, line, text):
        lines, failed = line(text)
        assert failed or not text.strip(": ")
        assert not failed or lines

    def test_words_that_take_the_terminal_are_no_commands_here(self):
        with pytest.raises(UsageError):
            command_meant("daemon")


@given(st.text())
def test_every_text_is_a_command_or_a_sentence_about_it(text):
    given_words = build_parser().parse_args(["--home", "/x", "ui"])
    try:
        arguments = parse_line(text, given_words)
    except UsageError:
        return
    assert arguments is None or arguments.home == "/x"


class TestCompletion:
    def test_commands_numbers_options(self, node):
        environ = {"SHOAL_HOME": str(node.home)}
        assert complete(["pe"], environ) == ["peers"]
        assert complete(["info", ""], environ) == ["1", "2", "3"]
        assert complete(["get", "3", "--t"], environ) == ["--timeout"]
        assert complete(["completion", ""], environ) == ["bash", "zsh", "fish"]
        assert complete(["no-such", ""], environ) == []

    def test_peers_after_from_and_of_bans(self, node):
        environ = {"SHOAL_HOME": str(node.home)}
        assert complete(["download", "3", ""], environ) == ["from"]
        assert complete(["download", "3", "from", "192"], environ) == ["192.168.1.10"]
        assert node.wait_for_call("peers") == {"target": "3"}
        assert complete(["download", "3", "from", "192.168.1.10", ""], environ) == []
        assert complete(["ban", "12D3"], environ) == ["12D3KooWpeer"]
        assert complete(["unban", ""], environ) == ["12D3KooWbad"]
        assert complete(["info", "1", ""], environ) == []

    def test_values_of_options_and_words_by_their_place(self, node):
        environ = {"SHOAL_HOME": "/nowhere"}
        home = ["--home", str(node.home)]
        assert complete([*home, "info", ""], environ) == ["1", "2", "3"]
        assert complete(["info", *home, ""], environ) == ["1", "2", "3"]
        assert complete(["list", "--color", ""], environ) == ["auto", "always", "never"]
        assert complete(["--progress", "p"], environ) == ["plain"]
        assert complete(["ui", "--theme", "c"], environ) == ["cvd"]
        assert complete(["get", "-o", ""], environ) == []
        assert complete([*home, "get", "3", "--from", ""], environ) == ["192.168.1.10"]
        assert complete([*home, "limit", ""], environ) == ["1", "2", "3", "up", "down"]
        assert complete([*home, "limit", "1", "d"], environ) == ["down"]
        assert complete(["priority", "1", ""], environ) == ["high", "normal", "low", "skip"]
        assert complete(["help", "pr"], environ) == ["priority"]
        assert complete(["--h"], environ) == ["--home"]
        assert complete(["INF", "--home", str(node.home), ""], environ) == ["1", "2", "3"]
        assert complete(["list", ""], environ) == []

    @given(st.lists(st.text(max_size=8), max_size=4))
    def test_whatever_is_typed_is_no_error(self, words):
        complete(words, {"SHOAL_HOME": "/nowhere"})

    def test_it_answers_within_a_tenth_of_a_second(self, node, environ):
        """Of the processor, start of Python included: the least of several, however busy the machine is."""
        command = [sys.executable, "-m", "node.cli", "__complete", "info", ""]
        times = []
        while min(times, default=1.0) >= 0.1 and len(times) < 20:
            process = subprocess.Popen(command, env={**environ, "SHOAL_HOME": str(node.home)}, stdout=subprocess.PIPE)
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            assert (status, process.poll()) == (0, 0)
            assert said == b"1\n2\n3\n"
            times.append(usage.ru_utime + usage.ru_stime)
        assert min(times) < 0.1, times

    def test_without_a_node_there_are_no_numbers_and_no_complaint(self, tmp_path):
        assert complete(["info", ""], {"SHOAL_HOME": str(tmp_path)}) == []

    def test_in_a_real_bash(self, node, environ):
        script = f"{SCRIPTS['bash']}\nCOMP_WORDS=(shoal info ''); COMP_CWORD=2; _shoal; echo \"${{COMPREPLY[@]}}\""
        python = f'shoal() {{ {sys.executable} -m node.cli "$@"; }}\n'
        settings = {**environ, "SHOAL_HOME": str(node.home)}
        done = subprocess.run(
            ["bash", "-c", python + script], capture_output=True, text=True, env=settings, check=False
        )
        assert (done.stdout, done.stderr) == ("1 2 3\n", "")

    def test_an_unknown_shell(self, inside):
        code, _, err = inside("completion", "tcsh")
        assert code == 2
        assert "bash, zsh, fish" in err


def test_shoal_alone_in_a_pipe_prints_the_list(inside):
    code, out, _ = inside()
    assert code == 0
    assert out.splitlines()[1].startswith("1\tubuntu.iso")


def test_the_log(inside, node):
    node.handlers["log"] = node.answer({"lines": ["one", "two\x1b[2J"]})
    assert inside("log", "--lines", "2")[1] == "one\ntwo␛[2J\n"
    assert node.wait_for_call("log") == {"lines": 2}


def test_the_dashboard_needs_a_terminal(inside):
    code, _, err = inside("ui")
    assert code == 2
    assert "shoal shell" in err


class TestDownloadFrom:
    @pytest.mark.parametrize(
        "typed",
        [
            "download 3 from 192.168.1.10",
            "download #3 FROM 192.168.1.10",
            "get 3 -o /tmp from 192.168.1.10",
            "get --from 192.168.1.10 3",
        ],
    )
    def test_the_users_words_name_the_peer(self, line, node, typed):
        _, is_error = line(typed)
        assert not is_error
        params = node.wait_for_call("get")
        assert (params["target"], params["from"]) == ("3", "192.168.1.10")

    def test_without_a_peer_everybody_may_be_asked(self, line, node):
        line("download 3")
        assert "from" not in node.wait_for_call("get")

    @pytest.mark.parametrize(
        "typed", ["download 3 from", "download 3 of 192.168.1.10", "download 3 from a b", "get 3 from a --from b"]
    )
    def test_what_isnt_understood_is_said(self, line, typed):
        said, is_error = line(typed)
        assert is_error
        assert any("download <#> from <peer>" in each for each in said)
