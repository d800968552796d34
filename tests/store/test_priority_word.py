"""The one word that says how much the files of an item are wanted, also for choices from before there was one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from node.store.database import Database
from node.store.items import priority_word
from node.store.schema import MIGRATIONS

LEVELS = (
    (b"", "normal"),
    (bytes([2, 2]), "normal"),
    (bytes([0, 3, 3]), "high"),
    (bytes([1]), "low"),
    (bytes([0, 0]), "normal"),
    (bytes([0, 1, 2]), "mixed"),
)


@pytest.mark.parametrize(("levels", "word"), LEVELS)
def test_what_is_skipped_does_not_count(levels, word):
    assert priority_word(levels) == word


def test_older_choices_get_their_word(tmp_path, monkeypatch):
    path = tmp_path / "state.db"
    step = [migration.__name__ for migration in MIGRATIONS].index("_add_priority")
    monkeypatch.setattr("node.store.database.MIGRATIONS", MIGRATIONS[:step])
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, (levels, _) in enumerate(LEVELS, start=1):
            values = (number, number.to_bytes(36, "big"), str(number), "name", "Paused")
            connection.execute(
                "INSERT INTO items (number, cid, cid_text, name, state, added_at) VALUES (?,?,?,?,?,0)", values
            )
            connection.execute("INSERT INTO priorities VALUES (?, ?)", (number, levels))
    monkeypatch.undo()
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT priority FROM items ORDER BY number").fetchall()
    assert [word for (word,) in rows] == [word for _, word in LEVELS]
