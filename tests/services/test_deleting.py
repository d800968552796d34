"""`cancel --delete`: what the download wrote is gone, and nothing else."""

from __future__ import annotations

from tests.services.test_choosing import CONTENT as FOLDER
from tests.services.test_choosing import FILES, get, some, tree, until_at_rest, until_complete
from tests.services.test_library import node


async def test_files_that_had_their_place_are_deleted_and_the_next_get_begins_anew(tmp_path):
    async with node(tmp_path, FOLDER) as here:
        item = await get(here, "docs", "notes.txt")
        await until_at_rest(here)
        assert "notes.txt" in tree(tmp_path)
        await here.library.cancel(item, delete=True)
        assert list((tmp_path / "downloads").iterdir()) == []
        await get(here)
        await until_complete(here)
        assert tree(tmp_path) == FILES


async def test_what_somebody_changed_or_put_there_since_stays(tmp_path):
    async with node(tmp_path, FOLDER) as here:
        item = await get(here, "docs", "notes.txt")
        await until_at_rest(here)
        root = tmp_path / "downloads" / "things"
        with (root / "notes.txt").open("ab") as file:
            file.write(b", and mine")
        (root / "docs" / "b.txt").unlink()
        (root / "docs" / "b.txt").write_bytes(FILES["docs/b.txt"])
        (root / "own").write_bytes(b"own")
        await here.library.cancel(item, delete=True)
        changed = {"notes.txt": b"a note, and mine", "own": b"own"}
        assert tree(tmp_path) == {**changed, **some("docs/b.txt")}, "a person's own copy is theirs"


async def test_files_that_had_their_place_stay_if_what_was_fetched_is_kept(tmp_path):
    async with node(tmp_path, FOLDER) as here:
        item = await get(here, "notes.txt")
        await until_at_rest(here)
        await here.library.cancel(item, delete=False)
        assert tree(tmp_path) == some("notes.txt")
