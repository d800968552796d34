"""No name from the network leaves the download folder, hides what it is, or meets another."""

from __future__ import annotations

import os
import time
import unicodedata
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.errors import StorageError
from node.store.names import check_chosen_name, check_length, local_paths, safe_name, shorten

HOSTILE = [
    ("../../etc/passwd", ".._.._etc_passwd"),
    ("/etc/passwd", "_etc_passwd"),
    ("..", "__"),
    (".", "_"),
    ("", "_"),
    ("a\\..\\b", "a_.._b"),
    ("nul\x00byte", "nul_byte"),
    ("line\nbreak\x1b[31m", "line_break_[31m"),
    ("photo\u202egpj.exe", "photo_gpj.exe"),
    ("zero\u200bwidth", "zero_width"),
    ("lone\ud800surrogate", "lone_surrogate"),
    ("CON", "_CON"),
    ("nul.txt", "_nul.txt"),
    ("Com1.tar.gz", "_Com1.tar.gz"),
    ("LPT¹", "_LPT¹"),
    ("aux ", "aux_"),
    ("aux .txt", "_aux .txt"),
    ("dots...", "dots___"),
    ("space ", "space_"),
    ("ends. . ", "ends____"),
]

HARMLESS = [
    "ubuntu-24.04.iso", "com10", "console.log", ".hidden", "..hidden", "a b.txt", "Ünïcödé", "日本語.txt", "-rf",
    "👨‍👩‍👧.png", "tab.le", "what?.txt", "c:d", "nul2.txt",
]  # fmt: skip

names = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="aA./\\ \x00\x7fé\u0301\u202e()2", max_size=12),
    st.sampled_from([name for name, _ in HOSTILE] + HARMLESS),
    st.text(alphabet="x.", min_size=250, max_size=300),
)
paths = st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=8, unique=True)


@pytest.mark.parametrize(("name", "safe"), HOSTILE)
def test_a_hostile_name_becomes_a_plain_one(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_name_stays_as_it_is(name):
    assert safe_name(name) == name


def test_a_long_name_keeps_its_extension_and_whole_characters():
    safe = safe_name("é" * 200 + ".mkv")
    assert safe.endswith("é.mkv")
    assert 250 <= len(safe.encode()) <= 255


def test_a_long_name_without_a_real_extension_is_just_cut():
    assert shorten("a." + "b" * 300, 255) == "a." + "b" * 253


def is_plain(name: str) -> bool:
    return (
        name not in ("", ".", "..")
        and len(name.encode()) <= 255
        and not any(char in "/\\" or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name)
        and name[-1] not in ". "
        and name.split(".")[0].rstrip(" ").casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt9", "com²"}
    )


@given(names)
@example("con" + " " * 260 + "x.y")
@example("x" * 250 + "." * 20)
@example("nul." + "é" * 200)
def test_every_name_becomes_one_plain_component_and_then_stays(name):
    safe = safe_name(name)
    assert is_plain(safe)
    assert safe_name(safe) == safe


def folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", name).casefold() for name in path)


@given(paths)
def test_local_paths_are_plain_distinct_and_always_the_same(paths):
    found = local_paths(paths)
    assert found == local_paths(paths)
    assert all(is_plain(name) for path in found for name in path)
    assert [len(path) for path in found] == [len(path) for path in paths]
    assert len(set(map(folded, found))) == len(found)
    root = "/download/folder"
    assert all(os.path.normpath(os.path.join(root, *path)).startswith(root + "/") for path in found)


@given(paths)
def test_files_of_one_folder_stay_in_one_folder(paths):
    found = dict(zip(paths, local_paths(paths), strict=True))
    for path, local in found.items():
        for other, other_local in found.items():
            shared = list(takewhile(lambda pair: pair[0] == pair[1], zip(path[:-1], other[:-1], strict=False)))
            assert local[: len(shared)] == other_local[: len(shared)]


def test_names_that_differ_only_in_case_or_normalisation_are_numbered():
    assert local_paths([("Read.me",), ("read.me",), ("READ.ME",)]) == [("Read.me",), ("read (2).me",), ("READ (3).ME",)]
    assert local_paths([("é",), ("e\u0301",)]) == [("é",), ("e\u0301 (2)",)]
    assert local_paths([("Docs", "a"), ("docs", "a")]) == [("Docs", "a"), ("docs (2)", "a")]


def test_a_name_that_was_right_keeps_it_before_one_that_had_to_change():
    assert local_paths([("a\nb.txt",), ("a_b.txt",)]) == [("a_b (2).txt",), ("a_b.txt",)]


def test_a_number_that_is_taken_is_passed_over():
    assert local_paths([("A",), ("a",), ("a (2)",)]) == [("A",), ("a (3)",), ("a (2)",)]


def test_a_manifest_full_of_collisions_costs_seconds_at_most():
    # pairs that differ in their first letters and meet once they are shortened to make room for a number
    hostile = [("x" * 244 + f"{pair:08x}" + tail,) for pair in range(10_000) for tail in ("\x01", "\x02")]
    started = time.process_time()
    found = local_paths(hostile)
    assert time.process_time() - started < 5
    assert len(set(found)) == len(hostile)


def test_a_path_too_long_to_open_is_refused_with_advice():
    with pytest.raises(StorageError, match=r"too long .* with -o"):
        check_length("/home/somebody", [("d" * 250,) * 17])
    check_length("/home/somebody", [("d" * 250,) * 16])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "nul\0", "x" * 256, "bad\udcff"])
def test_a_chosen_name_that_is_none_is_refused(name):
    with pytest.raises(StorageError):
        check_chosen_name(name)


def test_a_name_made_safe_can_be_made_on_this_disk(tmp_path: Path):
    for name, _ in HOSTILE:
        (tmp_path / safe_name(name)).touch()
    assert len(list(tmp_path.iterdir())) == len({safe_name(name) for name, _ in HOSTILE})
