"""Which keywords are provided: counted over shares, and capped."""

from __future__ import annotations

from node.services.keywords import Keywords


def test_a_keyword_of_two_shares_is_provided_until_the_last_of_them_goes():
    keywords = Keywords()
    assert keywords.set(b"a", [b"linux", b"iso"]) == ([b"linux", b"iso"], [])
    assert keywords.set(b"b", [b"linux"]) == ([], [])
    assert keywords.set(b"a", ()) == ([], [b"iso"])
    assert keywords.set(b"b", ()) == ([], [b"linux"])
    assert len(keywords) == 0


def test_a_share_has_so_many_keywords_and_no_more():
    keywords = Keywords(max_per_share=2)
    assert keywords.set(b"a", [b"x", b"x", b"y", b"z"]) == ([b"x", b"y"], [])


def test_new_keywords_of_a_share_replace_its_old_ones():
    keywords = Keywords()
    keywords.set(b"a", [b"x", b"y"])
    assert keywords.set(b"a", [b"y", b"z"]) == ([b"z"], [b"x"])


def test_what_is_over_the_nodes_cap_waits_for_room():
    keywords = Keywords(max_per_node=2)
    assert keywords.set(b"a", [b"x", b"y", b"z"]) == ([b"x", b"y"], [])
    assert keywords.set(b"b", [b"w"]) == ([], [])
    assert (len(keywords), keywords.waiting) == (2, 2)
    assert keywords.set(b"b", ()) == ([], [])  # it never was provided
    assert keywords.waiting == 1
    assert keywords.set(b"a", [b"y", b"z"]) == ([b"z"], [b"x"])
    assert (len(keywords), keywords.waiting) == (2, 0)
