"""One node per data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from node.control.lock import hold_folder, holder
from node.errors import NoNodeError, StorageError

HOLDER = """
import sys
from pathlib import Path
from node.control.lock import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_node_is_refused_and_told_who_is_there(tmp_path):
    with (
        hold_folder(tmp_path / "lock"),
        pytest.raises(NoNodeError, match=rf"process {os.getpid()}.*{tmp_path}"),
        hold_folder(tmp_path / "lock"),
    ):
        pass


def test_the_lock_is_free_after_its_holder_also_after_an_error(tmp_path):
    lock = tmp_path / "lock"

    def fail() -> None:
        with hold_folder(lock):
            assert holder(lock) == os.getpid()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert holder(lock) is None
    with hold_folder(lock):
        pass


def test_kill_9_leaves_no_lock(tmp_path):
    lock = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    assert holder(lock) == process.pid
    with pytest.raises(NoNodeError, match=str(process.pid)), hold_folder(lock):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert holder(lock) is None
    with hold_folder(lock):
        pass


@pytest.mark.parametrize("content", ["", "nonsense", "-1", "0", "9" * 40])
def test_an_unreadable_lock_file_belongs_to_nobody(tmp_path, content):
    lock = tmp_path / "lock"
    lock.write_text(content)
    assert holder(lock) is None


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot use the data folder"), hold_folder(tmp_path / "no" / "lock"):
        pass
    assert holder(tmp_path / "no" / "lock") is None


def test_a_full_disk_is_said_when_the_lock_is_taken(tmp_path):
    path = tmp_path / "lock"
    path.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="cannot use the data folder"), hold_folder(path):
        pass
