"""A catalogue with one download in it, as a node would have it, and ways to crash it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.descriptors import Descriptors
from node.store.downloads import StoredDownload
from node.store.watch import Watch
from protocols.bitfield import Bitfield
from tests.store.shares import Share


@dataclass
class Node:
    """A home, a download folder, and the download of one share."""

    root: Path
    share: Share
    output_name: str | None = None
    open_files: int = 4  # few, so that the cache has to close some
    destination: Path = field(init=False)

    def __post_init__(self) -> None:
        self.destination = self.root / "downloads"
        (self.root / "home").mkdir(parents=True, exist_ok=True)
        self.start()
        self.catalogue.add_download(self.share.cid, str(self.destination), 1.0, output_name=self.output_name)
        self.catalogue.set_manifest(self.share.cid, self.share.manifest, self.share.blocks)

    def start(self) -> None:
        self.database = Database(self.root / "home/state.db")
        self.catalogue = Catalogue(self.database)
        self.descriptors = Descriptors(self.open_files)

    def open(self) -> StoredDownload:
        return StoredDownload(self.catalogue, self.share.cid, self.share.manifest, self.descriptors)

    def resumed(self, watch: Watch | None = None) -> StoredDownload:
        stored = self.open()
        stored.resume(watch or Watch())
        return stored

    def crash(self) -> None:
        """What `kill -9` leaves: nothing is closed or flushed, and a new process opens the same files."""
        self.start()

    @property
    def recorded(self) -> Bitfield:
        return self.catalogue.held(self.share.cid).have
