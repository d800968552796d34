"""Random lives of a download: the record never claims a chunk that is not on disk, whatever happened."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from node.store import chunk_table
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, read_tree, share_file, share_folder, some_bytes

SHARES = [
    share_file(some_bytes(4 * CHUNK + 9)),
    share_folder({"a": some_bytes(2 * CHUNK + 1), "b/c": b"small", "b/d": b"", "b/e": some_bytes(CHUNK, 2), "f": b"s"}),
]


class Downloading(RuleBasedStateMachine):
    """One download through writes, restarts, kills, power cuts and a person's hands."""

    @initialize(share=st.sampled_from(SHARES))
    def start(self, share):
        self.root = Path(tempfile.mkdtemp())
        self.boot = 0
        self.patch = mock.patch.object(chunk_table, "boot_id", self.boot_id)
        self.patch.start()
        self.node = Node(self.root, share, open_files=1)
        self.stored = self.node.resumed()
        self.written: set[int] = set()
        self.flushed: set[int] = set()

    def teardown(self):
        if hasattr(self, "root"):
            self.patch.stop()
            shutil.rmtree(self.root)

    def indexes(self, data, minimum=0) -> list[int]:
        return data.draw(st.lists(st.integers(0, self.node.share.count - 1), min_size=minimum, max_size=4))

    @rule(data=st.data())
    def write(self, data):
        indexes = self.indexes(data)
        assert self.stored.write([(index, self.node.share.chunk(index)) for index in indexes]) == (indexes, [])
        self.written |= set(indexes)

    @rule(data=st.data())
    def write_among_bad_ones(self, data):
        good, *bad = self.indexes(data, minimum=1)
        batch = [(index, bytes(len(self.node.share.chunk(index)))) for index in bad]
        assert self.stored.write([*batch, (good, self.node.share.chunk(good))]) == ([good], bad)
        self.written.add(good)

    @rule()
    def flush(self):
        self.stored.flush()
        self.flushed = set(self.written)

    @rule()
    def close_and_restart(self):
        self.stored.close()
        self.flushed = set(self.written)
        self.node.database.close()
        self.boot += 1
        self.node.start()
        self.reopen()

    @rule()
    def kill(self):
        self.node.crash()
        self.reopen()

    @rule(data=st.data())
    def cut_the_power(self, data):
        """Any part of what was not flushed may be lost; sqlite keeps what it committed."""
        for index in sorted(self.written - self.flushed):
            if data.draw(st.booleans(), label=f"chunk {index} is lost"):
                self.overwrite(index)
                self.written.discard(index)
        self.node.crash()
        self.boot += 1
        self.reopen()
        self.flushed = set(self.written)

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def a_person_deletes_a_file(self, data):
        index = data.draw(st.sampled_from(sorted(self.written)))
        file_index = self.node.share.manifest.geometry.chunk(index).file_index
        os.unlink(self.place(file_index))
        gone = set(self.node.share.manifest.geometry.file_chunks(file_index))
        self.written -= gone
        self.flushed -= gone
        self.node.crash()
        self.reopen()

    @precondition(lambda self: len(self.written) == self.node.share.count)
    @rule()
    def finish(self):
        self.stored.finish(Watch())
        assert sorted(read_tree(self.node.destination).values()) == sorted(self.node.share.contents)
        assert self.node.catalogue.get(self.node.share.cid).is_complete
        self.node.catalogue.remove(self.node.share.cid)
        shutil.rmtree(self.node.destination)
        self.node.__post_init__()
        self.stored = self.node.resumed()
        self.written, self.flushed = set(), set()

    @invariant()
    def the_record_is_what_is_on_disk(self):
        if not hasattr(self, "root"):
            return
        have = self.node.recorded
        assert set(have) == self.written
        assert have == self.stored.have
        item = self.node.catalogue.get(self.node.share.cid)
        assert item.chunks_have == len(self.written)
        assert item.bytes_have == sum(len(self.node.share.chunk(index)) for index in self.written)
        for index in have:
            chunk = self.node.share.chunk(index)
            assert self.stored.read(index, 0, len(chunk)) == chunk

    def boot_id(self) -> str:
        return f"boot {self.boot}"

    def reopen(self):
        self.stored = self.node.resumed()

    def place(self, file_index: int) -> str:
        path = self.node.share.manifest.files[file_index].path
        return (
            os.path.join(self.stored.part_path, *path) if self.node.share.manifest.is_folder else self.stored.part_path
        )

    def overwrite(self, index: int) -> None:
        span = self.node.share.manifest.geometry.chunk(index)
        with open(self.place(span.file_index), "r+b") as part:
            part.seek(span.offset)
            part.write(bytes(span.length))


Downloading.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDownloading = Downloading.TestCase
