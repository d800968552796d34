"""A Python peer breaks the rules: the Go peer says what happened and goes on with others. So the page is enough to
tell right from wrong on either side, and shoal's own messages are judged by somebody else's books.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import Peer
from processes import Processes

LOST = ""
SIZE = 20 * (1 << 20) + 5
"""More chunks than are asked of one peer at once, so that each of two has something to do."""

SMALLER = 8 * (1 << 20)
"""As much as may be asked for at once."""

FAULTS_OF_SEEDERS = {
    "wrong-data": "bad_data",
    "unknown-type": "protocol_error",
    "two-hellos": "protocol_error",
    "version-0": "unsupported_version",
    "huge-length": "protocol_error",
    "unasked-data": "protocol_error",
    "silent": "timeout",
    "no-data": "timeout",
    "truncated": LOST,
    "resets": LOST,
    "dies": LOST,
}
FAULTS_OF_LEECHERS = (
    "unknown-type", "two-hellos", "version-0", "huge-length", "unasked-data", "silent", "truncated", "resets", "dies",
)  # fmt: skip
HARMLESS = ("unknown-optional", "newer-version")
PATIENCE = ("--patience", "2s")


def fetch(here: Processes, path: Path, *sources: Peer) -> Peer:
    """A Go peer that has fetched the file."""
    words = [word for source in sources for word in ("--peer", source.address)]
    go = here.go("fetch", str(sources[0].ready["cid"]), *words, "--output", here.new_folder(), *PATIENCE)
    assert Path(go.result("fetched")["path"]).read_bytes() == path.read_bytes()
    return go


@pytest.mark.parametrize("mode", FAULTS_OF_SEEDERS)
def test_a_seeder_at_fault_is_left_and_another_one_finishes(here, mode):
    path = here.file(SIZE)
    bad = here.py("seed", path, "--misbehave", mode)
    good = here.go("seed", path, "--pace", "120ms")
    assert good.ready["cid"] == bad.ready["cid"]
    ended = fetch(here, path, bad, good).await_event("ended", peer=bad.id)
    if mode == "no-data" and ended["reason"] == "finished":
        return  # the other one was so quick that nothing was left to wait for
    assert (ended["reason"] if ended["by"] == "me" else LOST) == FAULTS_OF_SEEDERS[mode]


def test_a_wrong_manifest_is_not_believed(here):
    bad = here.py("seed", here.file(SIZE), "--misbehave", "wrong-manifest")
    go = here.go("fetch", str(bad.ready["cid"]), "--peer", bad.address, "--output", here.new_folder())
    assert go.finish() == 1
    ended = go.await_event("ended")
    assert (ended["by"], ended["reason"]) == ("me", "bad_data")


@pytest.mark.parametrize("mode", FAULTS_OF_LEECHERS)
def test_a_leecher_at_fault_loses_its_session_and_others_keep_theirs(here, mode):
    path = here.file(SMALLER)
    seeder = here.go("seed", path, "--pace", "20ms", *PATIENCE)
    bad = here.py("fetch", path, "--peer", seeder.address, "--misbehave", mode)
    fetch(here, path, seeder)
    ended = seeder.await_event("ended", peer=bad.id)
    assert (ended["reason"] if ended["by"] == "me" else LOST) == FAULTS_OF_SEEDERS[mode]


@pytest.mark.parametrize("mode", HARMLESS)
def test_what_a_newer_node_may_say_is_no_fault(here, mode):
    path = here.file(SMALLER)
    go = fetch(here, path, here.py("seed", path, "--misbehave", mode))
    assert go.await_event("ended")["reason"] == "finished"
    leecher = here.py("fetch", path, "--peer", here.go("seed", path).address, "--misbehave", mode)
    assert leecher.result("fetched")
