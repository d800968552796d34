"""What most tests of the store need: a database, a catalogue and a cache of open files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.descriptors import Descriptors


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db")
    yield database
    database.close()


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    return Catalogue(database)


@pytest.fixture
def descriptors() -> Descriptors:
    return Descriptors()
