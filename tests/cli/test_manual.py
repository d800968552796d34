"""The man page: it is what the tables say, and nothing of it is missing or stale."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from node.commands.manual import manual
from node.commands.parser import GLOBAL
from node.commands.surroundings import ENVIRONMENT, FILES
from node.commands.table import COMMANDS, EXIT_CODES
from node.config import SETTINGS
from node.folder import DataFolder
from node.ui.keymap import BINDINGS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "shoal.1"
MACROS = (".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nh", ".ad l")
ESCAPES = r"\\(f[BIR]|e|-|&|\(aq|\(ga|\(ha|\(ti|\(dq|\[u[0-9A-F]{4,5}\])"


def read(line: str) -> str:
    """A line as a person reads it."""
    signs = {r"\-": "-", r"\(aq": "'", r"\(ga": "`", r"\(ha": "^", r"\(ti": "~", r"\(dq": '"', r"\e": "\\", r"\&": ""}
    line = re.sub(r"\\f[BIR]", "", line)
    line = re.sub(r"\\\[u([0-9A-F]+)\]", lambda found: chr(int(found[1], 16)), line)
    for escape, sign in signs.items():
        line = line.replace(escape, sign)
    return line


def test_the_committed_page_is_what_the_tables_say():
    assert PAGE.read_text("utf-8") == manual(), "the tables have changed: make man"


def test_every_line_is_what_any_roff_understands():
    lines = manual().splitlines()[1:]
    depth = 0
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert line.isascii()
        assert line.strip() == line
        assert line, "an empty line is no paragraph in man pages"
        assert not line.startswith("'")
        if line.startswith("."):
            assert line.startswith(MACROS), line
        depth += (line == ".RS") - (line == ".RE")
        assert depth in (0, 1)
        if line == ".TP":
            assert not following.startswith("."), "an entry needs a tag"
        assert "\\" not in re.sub(ESCAPES, "", line), line
        fonts = re.findall(r"\\f([BIR])", line)
        assert all(is_end == (font == "R") for font, is_end in zip(fonts, [False, True] * len(fonts), strict=False))
        assert len(fonts) % 2 == 0
    assert depth == 0


def test_it_renders_without_a_word_of_complaint():
    linters = [["groff", "-man", "-ww", "-Tutf8", "-z"], ["mandoc", "-T", "lint", "-W", "warning"]]
    for command in linters:
        if shutil.which(command[0]):
            done = subprocess.run([*command, PAGE], capture_output=True, text=True, check=False)
            assert done.stderr + done.stdout == "", command


def test_nothing_of_the_tables_is_missing():
    text = "\n".join(map(read, manual().splitlines()))
    for command in COMMANDS:
        assert command.details in text
        assert command.summary[1:] in text
        for argument in (*command.arguments, *GLOBAL):
            assert argument.help in text
            assert not argument.is_option or ", ".join(argument.names) in text
    for meanings in (EXIT_CODES, ENVIRONMENT, FILES):
        assert all(f"{int(name) if isinstance(name, int) else name}\n{does}" in text for name, does in meanings.items())
    assert all(f".TP\n{name}\n" in text for name in SETTINGS)
    assert all(binding.action in text and binding.words in text for binding in BINDINGS)


def test_every_variable_that_is_read_is_told_of():
    read_here = set()
    for path in (ROOT / "node").rglob("*.py"):
        read_here |= set(re.findall(r"""environ(?:\.get\(|\[)"(\w+)\"""", path.read_text("utf-8")))
        read_here |= set(re.findall(r"""\"(\w+)" (?:not )?in (?:\w+\.)*environ""", path.read_text("utf-8")))
    read_here |= {setting.variable for setting in SETTINGS.values() if setting.variable}
    assert read_here == set(ENVIRONMENT)


def test_every_file_of_the_data_folder_is_told_of():
    folder = DataFolder(Path("/home"))
    named = {getattr(folder, name).name for name in vars(DataFolder) if isinstance(vars(DataFolder)[name], property)}
    assert named <= set(FILES)


@pytest.mark.parametrize("words", [["--help"], ["help"]])
def test_the_help_tells_of_the_environment_too(inside, words):
    said = inside(*words)[1]
    assert all(re.search(rf"^  {name} +{re.escape(does)}$", said, re.MULTILINE) for name, does in ENVIRONMENT.items())
