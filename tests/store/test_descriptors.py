"""Open files are kept, bounded, and never closed under a reader."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from node.store.descriptors import Descriptors


class Files:
    """Files numbered from 0, and how often each was opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[int] = []

    def opener(self, number: int):
        def opened() -> int:
            self.opened.append(number)
            return os.open(self.folder / str(number), os.O_RDWR | os.O_CREAT)

        return opened


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else len(os.listdir("/dev/fd"))


def test_a_file_is_opened_once(tmp_path):
    files, descriptors = Files(tmp_path), Descriptors(4)
    for _ in range(3):
        with descriptors.lease(files, 0, files.opener(0)):
            pass
    assert files.opened == [0]


def test_the_least_recently_used_one_is_closed_first(tmp_path):
    files, descriptors = Files(tmp_path), Descriptors(2)
    for number in (0, 1, 0, 2, 0, 1):
        with descriptors.lease(files, number, files.opener(number)):
            pass
    assert files.opened == [0, 1, 2, 1]


def test_a_thousand_files_hold_no_more_descriptors_than_allowed(tmp_path):
    files, descriptors = Files(tmp_path), Descriptors(16)
    before = open_fds()
    for number in range(1000):
        with descriptors.lease(files, number, files.opener(number)):
            pass
    assert open_fds() <= before + 16
    descriptors.drop(files)
    assert open_fds() == before


def test_a_file_in_use_stays_open_whatever_happens_around_it(tmp_path):
    files, descriptors = Files(tmp_path), Descriptors(1)
    with descriptors.lease(files, 0, files.opener(0)) as fd:
        os.write(fd, b"here")
        with ExitStack() as others:
            for number in range(1, 5):
                others.enter_context(descriptors.lease(files, number, files.opener(number)))
            descriptors.drop(files)
            assert os.pread(fd, 4, 0) == b"here"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_what_can_not_be_opened_leaves_nothing_behind(tmp_path):
    descriptors = Descriptors(1)

    def fails() -> int:
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError), descriptors.lease(tmp_path, 0, fails):
        pass
    assert len(descriptors) == 0


def test_many_threads_read_the_right_files(tmp_path):
    for number in range(20):
        (tmp_path / str(number)).write_bytes(b"%4d" % number)
    files, descriptors, wrong = Files(tmp_path), Descriptors(3), []

    def read(seed: int) -> None:
        for step in range(300):
            number = (seed * 7 + step * 13) % 20
            with descriptors.lease(files, number, files.opener(number)) as fd:
                if os.pread(fd, 4, 0) != b"%4d" % number:
                    wrong.append(number)
            if step % 100 == 99:
                descriptors.drop(files)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
