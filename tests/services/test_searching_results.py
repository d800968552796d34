"""What a search's rows are worth: weights, numbers that stay, and the flood of one source below everybody else's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.services.searching_results import (
    MAX_CLAIMANTS,
    MAX_NAMES,
    MAX_ROWS,
    SLACK,
    Description,
    Results,
    Source,
    Standing,
    network_of,
)


def claim(results: Results, cid: str, peer: str, *, network: str = "", name: str = "linux.iso", size: int = 1) -> None:
    results.add(cid, Description(name, size, 1), Source(peer, network), "peers", (peer,))


def order(results: Results) -> list[str]:
    return [row.cid for row in results.ranked(everything=True)]


def test_a_source_of_many_claims_has_little_weight_for_each():
    results = Results()
    for number in range(50):
        claim(results, f"spam{number}", "spammer")
    claim(results, "true", "honest")
    assert order(results)[0] == "true"
    assert results.trust(results.rows["true"]) == 10
    assert results.trust(results.rows["spam1"]) == 10 / 50


def test_and_so_has_a_network_of_many_sources():
    results = Results()
    for number in range(20):
        claim(results, f"spam{number}", f"sybil{number}", network="198.51.100.0/24")
    claim(results, "true", "honest", network="203.0.113.0/24")
    assert order(results)[0] == "true"
    assert results.trust(results.rows["spam3"]) == 10 / 20


def test_several_sources_of_one_content_add_up_and_one_source_counts_once():
    results = Results()
    for peer in ("a", "b", "c"):
        claim(results, "shared", peer)
    claim(results, "twice", "d")
    claim(results, "twice", "d")
    assert results.trust(results.rows["shared"]) == 30
    assert results.trust(results.rows["twice"]) == 5


def test_rows_keep_their_numbers_and_little_trusted_ones_come_last():
    results = Results()
    for number in range(50):
        claim(results, f"spam{number:02}", "spammer")
    claim(results, "first", "honest")
    assert [(row.number, row.cid) for row in results.ranked(everything=False)] == [(1, "first")]
    claim(results, "second", "other", name="aaa linux")
    assert [row.cid for row in results.ranked(everything=False)] == ["first", "second"]
    rows = results.ranked(everything=True)
    assert [row.number for row in rows] == list(range(1, 53))
    assert [row.cid for row in rows[:2]] == ["first", "second"]
    assert results.numbered(2) is rows[1]
    assert results.numbered(99) is None


def test_a_verified_row_is_shown_however_little_its_source_is_trusted():
    results = Results()
    for number in range(50):
        claim(results, f"row{number}", "library")
    results.checked("row7", "library", Standing.VERIFIED, Description("linux.iso", 1, 1))
    assert [row.cid for row in results.ranked(everything=False)] == ["row7"]


def test_who_is_caught_lying_has_no_weight_at_all():
    results = Results()
    claim(results, "one", "liar")
    claim(results, "two", "liar")
    claim(results, "other", "named wrongly")
    results.checked("one", "liar", Standing.REFUTED, None)
    results.checked("other", "named wrongly", Standing.VERIFIED, Description("else.exe", 1, 1))
    results.checked("gone", "liar", Standing.VERIFIED, None)
    assert results.trust(results.rows["two"]) == 0
    assert results.trust(results.rows["other"]) == 0
    assert results.rows["other"].is_false
    assert order(results)[-1] == "other"


def test_a_copied_manifest_makes_nothing_a_double():
    """Whoever repeats what others list, and has none of it, can't push theirs aside."""
    results, true = Results(), Description("linux.iso", 1, 1)
    claim(results, "copy", "copier", name="a linux.iso")
    claim(results, "true", "honest")
    assert order(results) == ["copy", "true"]
    results.checked("copy", "copier", Standing.CLAIMED, Description("a linux.iso", 1, 1), b"content")
    results.checked("true", "honest", Standing.VERIFIED, true, b"content")
    assert results.doubles() == {}
    results.checked("copy", "copier", Standing.VERIFIED, None)
    assert results.doubles() == {"true": 1}


def test_the_manifest_knows_the_name_where_sources_disagree():
    results = Results()
    for peer, name in (("a", "linux.iso"), ("b", "linux 2.iso"), ("c", "linux 2.iso")):
        claim(results, "cid", peer, name=name)
    row = results.rows["cid"]
    assert results.description(row).name == "linux 2.iso"
    results.checked("cid", "a", Standing.VERIFIED, Description("linux.iso", 1, 1))
    assert results.description(row).name == "linux.iso"
    assert not row.is_false


def test_own_content_comes_first_and_needs_nobody():
    results = Results()
    claim(results, "theirs", "peer")
    results.add("mine", Description("linux", 1, 1), None, "here", ())
    assert order(results) == ["mine", "theirs"]
    assert results.to_probe(9, everything=True) == [results.rows["theirs"]]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90), st.integers(0, 6)), max_size=200))
@settings(max_examples=30)  # each ranks all rows after each claim
def test_whatever_is_claimed_the_rows_are_bounded_and_no_number_changes(claims):
    results = Results()
    shown = {}
    for cid, peer, name in claims:
        claim(results, str(cid), str(peer), name=f"linux {name}")
        for row in results.ranked(everything=False):
            assert shown.setdefault(row.number, row.cid) == row.cid
    assert len(results) <= MAX_ROWS + SLACK
    assert len(results.ranked(everything=True)) <= MAX_ROWS
    for row in results.rows.values():
        assert len(row.claimants) <= MAX_CLAIMANTS
        assert len(row.described) <= MAX_NAMES


def test_when_there_is_no_room_the_least_trusted_goes():
    results = Results()
    for number in range(MAX_ROWS + 50):
        claim(results, f"spam{number}", f"spammer{number % 3}")
    claim(results, "true", "honest")
    assert order(results)[0] == "true"
    assert len(results) == MAX_ROWS


def test_networks_of_addresses():
    assert network_of("8.8.8.8") == "8.8.8.0/24"
    assert network_of("2a00:1450:4001:81b::200e") == "2a00:1450:4001::/48"
    assert network_of("192.168.1.7") == network_of("127.0.0.1") == network_of("fe80::1") == network_of("") == ""
