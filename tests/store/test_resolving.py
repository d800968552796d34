"""What a person types means one row, or an error that helps."""

from __future__ import annotations

import pytest

from node.errors import AmbiguousError, NotFoundError, UsageError
from node.store.resolving import resolve
from protocols.link import Link
from tests.store.shares import Share, share_file


@pytest.fixture
def rows(catalogue):
    """Row numbers by name; two rows are called `twice`, one has a number for a name."""
    shares: dict[int, Share] = {}
    for name in ("film.mkv", "twice", "2024", "7"):
        shares[add(catalogue, share_file(name.encode(), name))] = share_file(name.encode(), name)
    second = share_file(b"other", "twice")
    shares[add(catalogue, second)] = second
    return shares


def add(catalogue, share: Share) -> int:
    return catalogue.add_share(share.cid, share.manifest, share.blocks, "/x", (), 1.0).number


@pytest.mark.parametrize(
    ("typed", "number"), [("1", 1), ("#1", 1), (" 3 ", 3), ("film.mkv", 1), ("2024", 3), ("7", 4), ("4", 4)]
)
def test_numbers_and_names(catalogue, rows, typed, number):
    assert resolve(catalogue, typed).number == number


def test_cids_links_and_prefixes(catalogue, rows):
    for number, share in rows.items():
        text = str(share.cid)
        forms = (
            text, text.upper(), share.cid.to_base58(), str(Link(share.cid)), str(Link(share.cid, "else", 5)), text[:20],
            text[:20].upper(), f"  {text}\n",
        )  # fmt: skip
        for typed in forms:
            assert resolve(catalogue, typed).number == number, typed


def test_a_number_wins_over_a_name_made_of_digits(catalogue, rows):
    add(catalogue, share_file(b"!", "1"))
    assert resolve(catalogue, "1").name == "film.mkv"


def test_a_name_that_fits_two_rows_is_told_with_their_numbers(catalogue, rows):
    with pytest.raises(AmbiguousError, match=r"twice fits several: #2 twice, #5 twice; use the number"):
        resolve(catalogue, "twice")


def test_a_prefix_that_fits_many_names_a_few(catalogue, rows):
    add(catalogue, share_file(b"!", "bad\x1b[31m"))
    with pytest.raises(AmbiguousError, match=r"bafyrei fits several: (#\d [^,]+, ){5}…; use") as caught:
        resolve(catalogue, "bafyrei")
    assert "\x1b" not in str(caught.value)


def test_only_rows_of_this_catalogue_are_found(catalogue, rows):
    stranger = share_file(b"stranger").cid
    for typed in (str(stranger), str(Link(stranger))):
        with pytest.raises(NotFoundError, match=r"b\w+ is not in the catalogue"):
            resolve(catalogue, typed)
    for typed in ("99", "nothing", "bafyr", "", "#", "film", str(stranger)[:30], "9" * 30):
        with pytest.raises(NotFoundError):
            resolve(catalogue, typed)


def test_bytes_that_are_no_text_name_nothing(catalogue, rows):
    with pytest.raises(NotFoundError, match=r"called film\\udcff"):
        resolve(catalogue, "film\udcff")


def test_a_broken_link_is_called_one(catalogue, rows):
    with pytest.raises(UsageError, match="mistyped"):
        resolve(catalogue, "shoal:bafyreigarbled")
