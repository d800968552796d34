"""The state database survives crashes, full disks and versions it doesn't know."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from node.errors import StorageError
from node.store.database import Database
from node.store.errors import DiskFull
from node.store.schema import MIGRATIONS


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def put(database: Database, key: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO addresses VALUES (?, 'a', 0)", (key,))


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return [key for (key,) in connection.execute("SELECT peer_id FROM addresses ORDER BY peer_id")]


@pytest.mark.parametrize("before", ["missing", "empty file", "version 0"])
def test_a_database_without_a_schema_gets_one(tmp_path, before):
    path = tmp_path / "state.db"
    if before == "empty file":
        path.touch()
    elif before == "version 0":
        sqlite3.connect(path).execute("PRAGMA journal_mode = WAL")
    database = Database(path)
    put(database, "kept")
    database.close()
    assert version_of(path) == len(MIGRATIONS)
    assert keys(Database(path)) == ["kept"]


def test_each_migration_runs_once_and_in_order(tmp_path, monkeypatch):
    Database(tmp_path / "state.db").close()
    later = (
        lambda connection: connection.execute("CREATE TABLE steps (name TEXT)"),
        lambda connection: connection.execute("INSERT INTO steps VALUES ('second')"),
    )
    monkeypatch.setattr("node.store.database.MIGRATIONS", (*MIGRATIONS, *later))
    for _ in range(2):
        database = Database(tmp_path / "state.db")
        with database.read() as connection:
            assert connection.execute("SELECT name FROM steps").fetchall() == [("second",)]
        database.close()
    assert version_of(tmp_path / "state.db") == len(MIGRATIONS) + 2


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "state.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"newer shoal \(schema 99"):
        Database(path)
    assert path.read_bytes() == before


def test_what_is_not_a_database_is_refused_with_its_name(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"these are my notes, not a database\n" * 100)
    with pytest.raises(StorageError, match=r"state\.db: it is not a database"):
        Database(path)
    assert path.read_bytes().startswith(b"these are my notes")


def test_another_programs_database_is_refused_with_its_name(tmp_path):
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE items (theirs)")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=r"state\.db is some other program's database"):
        Database(path)


def test_a_damaged_page_is_an_error_with_a_sentence(tmp_path):
    path = tmp_path / "state.db"
    database = Database(path)
    with database.write() as connection:
        connection.executemany("INSERT INTO addresses VALUES (?, 'a', 0)", [(f"peer {i}",) for i in range(2000)])
    database.close()
    data = bytearray(path.read_bytes())
    for page in range(4096 * 2, len(data), 4096):
        data[page : page + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(StorageError, match="it is damaged"):
        keys(Database(path))


def test_a_folder_that_is_not_there_is_an_error_with_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="it is not there"):
        Database(tmp_path / "no" / "state.db")


def test_nobody_else_may_read_what_a_person_shares(tmp_path):
    database = Database(tmp_path / "state.db")
    put(database, "x")
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    database.close()


def test_a_transaction_that_fails_leaves_nothing(database):
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.executemany("INSERT INTO addresses VALUES (?, 'a', 0)", [("x",), ("x",)])
    assert keys(database) == []
    put(database, "y")
    assert keys(database) == ["y"]


def test_readers_see_what_is_committed_and_do_not_wait_for_the_writer(database):
    put(database, "old")
    with database.write() as connection:
        connection.execute("INSERT INTO addresses VALUES ('new', 'a', 0)")
        assert keys(database) == ["old"]
    assert keys(database) == ["new", "old"]


def test_writers_in_many_threads_take_turns(database):
    def work(name: str) -> None:
        for number in range(50):
            put(database, f"{name} {number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(database)) == 300


def test_a_reader_can_not_write(database):
    with pytest.raises(StorageError), database.read() as connection:
        connection.execute("INSERT INTO addresses VALUES ('x', 'a', 0)")


def test_a_full_disk_is_told_apart_and_passes(database):
    with database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with database._writing:  # sqlite's own limit gives the very error of a full disk
        database._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(DiskFull, match="the disk is full") as caught, database.write() as connection:
        connection.execute("INSERT INTO addresses VALUES (?, 'a', 0)", ("x" * 100_000,))
    assert caught.value.is_full
    database._writer.execute("PRAGMA max_page_count = 1000000")
    put(database, "y")
    assert keys(database) == ["y"]


WRITER = """
import sys
from pathlib import Path
from node.store.database import Database
database = Database(Path(sys.argv[1]))
for number in range(1_000_000):
    with database.write() as connection:
        connection.execute("INSERT INTO addresses VALUES (?, 'a', 0)", (f"{number:07d}",))
    print(number, flush=True)
"""


def test_what_was_committed_survives_kill_9(tmp_path):
    path = tmp_path / "state.db"
    for round_number in range(3):
        path = tmp_path / f"state{round_number}.db"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."},
        )  # fmt: skip
        told = [int(process.stdout.readline()) for _ in range(10 + 90 * round_number)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        database = Database(path)
        found = [int(key) for key in keys(database)]
        database.close()
        assert found == list(range(len(found)))
        assert len(found) >= len(told)
