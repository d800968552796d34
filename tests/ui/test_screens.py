"""The user's screens to the character, and what names and terminals may do to them: nothing."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pyte
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from wcwidth import wcwidth

from node.status import TransferState
from node.ui.layout import piped_lines, terminal_lines
from node.ui.safe import safe
from node.ui.screens import (
    available_files,
    bar,
    connections,
    downloaded,
    downloading,
    file_details,
    is_uploaded,
    more_details,
    node_status,
    peers_sharing,
    state_words,
    uploading,
)
from node.ui.text import cells

NAMES = st.text(st.characters(), max_size=80) | st.sampled_from(
    [
        "evil\x1b[2J\rname.exe",
        "a\tb\nc",
        "\u202egnp.exe",
        "映画 コレクション 2024 字幕 very long name indeed.mkv",
        "e" + "\u0301" * 200,
        "\u0301leading mark",
        "👍🏽🇩🇪👩\u200d👩\u200d👧",
        "ᅡᅡᅡᅡ",
        "",
        " ",
        "x" * 400 + ".tar.zst",
    ]
)


def is_harmless(line: str) -> bool:
    return not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in line)


class TestUsersOwnExamples:
    def test_available_files(self, golden, items):
        golden("user-available-files", terminal_lines(available_files(items), 80))

    def test_file_details(self, golden, detail):
        golden("user-file-details", terminal_lines(file_details(detail), 80))

    def test_peers_sharing(self, golden, peers):
        golden("user-peers-sharing", terminal_lines(peers_sharing("ubuntu.iso", peers), 80))

    def test_downloading(self, golden, fetched):
        golden("user-downloading", terminal_lines(downloading(fetched), 80))

    def test_uploading(self, golden, items):
        seeded = [replace(items[0], state=TransferState.SEEDING), *items[1:]]
        golden("user-uploading", terminal_lines(uploading(seeded), 80))


class TestOtherScreens:
    def test_more_details(self, golden, detail, now):
        golden("more-details", terminal_lines(more_details(detail, now), 80))

    def test_more_details_of_a_folder_under_way(self, golden, detail, fetched, now):
        files = tuple(replace(detail.file_list[0], path=f"disc {number}/track.flac") for number in range(3))
        item = replace(fetched, name="album", files=5)
        detail = replace(detail, item=item, file_list=files, chunks_in_flight=8, chunks_bad=1)
        golden("more-details-folder", terminal_lines(more_details(detail, now, files_listed=2), 80))

    def test_file_details_of_a_stalled_download(self, golden, detail, fetched):
        item = replace(
            fetched, state=TransferState.STALLED, reason="2 peers connected, none has chunk 17", down_bps=0.0
        )
        golden(
            "file-details-stalled",
            terminal_lines(file_details(replace(detail, item=item, cells="#####v..........")), 80),
        )

    def test_a_stalled_download_says_why(self, golden, fetched):
        item = replace(fetched, state=TransferState.STALLED, reason="no peers connected", eta_s=None, down_bps=0.0)
        golden("downloading-stalled", terminal_lines(downloading(item), 80))

    def test_connections(self, golden, peers):
        ipv6 = replace(peers[0], number=5, address="2001:db8:85a3:8d3:1319:8a2e:370:7348")
        golden("connections", terminal_lines(connections([*peers, ipv6]), 80))

    def test_node_status(self, golden, node):
        golden("node-status", terminal_lines(node_status(node), 80))

    def test_an_empty_list_says_what_to_do(self, golden):
        golden("available-files-empty", terminal_lines(available_files([]), 80))

    @pytest.mark.parametrize("width", [40, 80, 120])
    def test_long_wide_and_hostile_names_at_several_widths(self, golden, items, fetched, width):
        names = [
            "ubuntu.iso",
            "movie 映画 字幕 very long title that goes on and on until the end of time.mkv",
            "evil\x1b[2J\rname.exe",
            "fotos-fami\u0301lia.zip",
            "👍🏽 thumbs.gif",
        ]
        rows = [replace(items[1], number=98 + index, name=name) for index, name in enumerate(names)]
        waiting = replace(fetched, number=1234, state=TransferState.STALLED, reason="no provider answered")
        golden(f"available-files-{width}", terminal_lines(available_files([*rows, waiting]), width))


class TestInAPipe:
    def test_rows_are_tab_separated_and_whole(self, golden, items):
        long = replace(items[0], name="long " * 30 + ".iso")
        golden("available-files-piped", piped_lines(available_files([long, *items]), header=True))

    def test_without_header(self, items):
        with_header = piped_lines(available_files(items), header=True)
        assert piped_lines(available_files(items), header=False) == with_header[1:]

    def test_details_are_label_and_value(self, golden, detail):
        golden("file-details-piped", piped_lines(file_details(detail), header=True))

    @given(NAMES)
    def test_a_name_adds_neither_rows_nor_columns(self, items, name):
        lines = piped_lines(available_files([replace(items[0], name=name), items[1]]), header=False)
        assert [line.count("\t") for line in lines] == [4, 4]
        assert all(is_harmless(line.replace("\t", "")) for line in lines)


@given(NAMES, st.integers(30, 200))
def test_no_name_moves_anything_beside_it(items, name, width):
    """The cells right of a name hold what they hold for a harmless one of the same width; no line is too long."""
    lines = terminal_lines(available_files([replace(items[0], name=name), items[1]]), width)
    assert all(cells(line) <= max(width, 27) for line in lines)
    assert len(lines) == 10
    assert all("\x1b" not in line and "\n" not in line for line in lines)
    heading, hostile, plain = lines[3], lines[5], lines[6]
    before_size = heading.index("Size")
    assert plain.startswith("700 MB", before_size)
    position = hostile.rindex("2.5 GB") if "2.5 GB" in hostile else None
    assert position is None or cells(hostile[:position]) == before_size


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_a_terminal_shows_each_row_on_its_own_line(items, names):
    shown_names = "".join(map(safe, names))
    # pyte drops the rest of a line after Indic vowel signs and loose Hangul vowels, which have no cell of their own.
    assume(all(wcwidth(each) > 0 or unicodedata.combining(each) for each in shown_names))
    screen = pyte.Screen(100, 40)
    lines = terminal_lines(available_files([replace(items[0], name=name) for name in names]), 100)
    pyte.Stream(screen).feed("\r\n".join(lines))
    shown = [row.rstrip() for row in screen.display]
    assert shown[0] == "=" * 27
    assert shown[3].split() == ["#", "File", "Name", "Size", "Status"]
    assert all(row.endswith("Complete") for row in shown[5 : 5 + len(names)])
    assert shown[6 + len(names)] == f"Total Files: {len(names)}"


@given(NAMES, st.integers(1, 200))
def test_cards_survive_any_name_and_width(detail, fetched, now, name, width):
    item = replace(fetched, name=name, path=name, reason=name)
    detail = replace(detail, item=item, file_list=(replace(detail.file_list[0], path=name),))
    for card in (downloading(item), file_details(detail), more_details(detail, now)):
        for line in terminal_lines(card, width) + piped_lines(card, header=True):
            assert is_harmless(line.replace("\t", ""))


def test_a_download_is_complete_only_when_every_chunk_is(fetched):
    assert downloaded(replace(fetched, bytes_have=fetched.size)) == 99
    assert downloaded(replace(fetched, bytes_have=fetched.size, chunks_have=256)) == 100
    assert downloaded(replace(fetched, bytes_have=fetched.size - 1)) == 99
    empty = replace(fetched, size=0, bytes_have=0, chunks=0, chunks_have=0)
    assert downloaded(empty) == 0  # its manifest hasn't come yet
    assert downloaded(replace(empty, state=TransferState.SEEDING)) == 100


@given(st.integers(0, 100), st.integers(1, 60))
def test_a_bar_is_full_at_100_percent_only(done, width):
    drawn = bar(done, width)
    assert len(drawn) == width
    assert set(drawn) <= {"#", "-"}
    assert (drawn == "#" * width) == (done == 100)


def test_state_words_tell_how_far_and_why(fetched, items):
    stalled = replace(fetched, state=TransferState.STALLED, reason="no peers connected")
    assert state_words(stalled) == "Stalled 45% (no peers connected)"
    assert state_words(items[1]) == "Seeding"


def test_a_download_that_uploads_is_among_the_uploads(fetched, items):
    assert is_uploaded(fetched)
    assert not is_uploaded(replace(fetched, up_bps=0.0))
    assert is_uploaded(replace(items[1], up_bps=0.0))
    assert not is_uploaded(items[2])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TransferState.DOWNLOADING, "'pause <#>'"),
        (TransferState.STALLED, "'pause <#>'"),
        (TransferState.PAUSED, "'resume <#>'"),
        (TransferState.SEEDING, "Stop seeding"),
    ],
)
def test_the_hints_fit_the_state(detail, fetched, state, words):
    lines = terminal_lines(file_details(replace(detail, item=replace(fetched, state=state))), 80)
    assert any(words in line for line in lines)


def test_the_share_tells_how_it_is_provided(detail, items, now):
    def provided(value):
        lines = piped_lines(more_details(replace(detail, item=replace(items[1], provided=value)), now), header=False)
        return next(line.partition("\t")[2] for line in lines if line.startswith("Provided"))

    status = items[1].provided
    assert provided(None) == "no"
    assert provided(replace(status, at=None)) == "not yet"
    assert provided(replace(status, due=None)) == "by 18 of the 20 closest nodes, 2 h ago"
    assert provided(status) == "by 18 of the 20 closest nodes, 2 h ago; again in 20 h"
