"""The storage of one download, as its task and those whom it serves use it."""

from __future__ import annotations

import pytest

from node.services.storage import CatalogueStorage
from node.store.watch import Watch
from protocols.rope import Rope
from tests.store.library import Node
from tests.store.shares import CHUNK, share_file, share_folder, some_bytes


@pytest.mark.parametrize(
    "share", [share_file(some_bytes(3 * CHUNK + 5)), share_folder({"a.bin": some_bytes(2 * CHUNK), "b.txt": b"small"})]
)
def test_what_is_here_is_served_before_and_after_the_end(tmp_path, share):
    node = Node(tmp_path, share)
    storage = CatalogueStorage(node.catalogue, share.cid, node.descriptors)
    storage.open(share.manifest, Watch())
    storage.write([(index, Rope([data])) for index, data in share.chunks()])
    for finish in (lambda: None, lambda: storage.finish(Watch()), storage.close):
        finish()
        for index, data in share.chunks():
            assert storage.read(index, 1, len(data) - 1) == bytes(data)[1:]
