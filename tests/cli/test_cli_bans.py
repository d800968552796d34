"""`ban` and `unban`: what they ask of the node, and what they say."""

from __future__ import annotations

import json


def test_a_peer_is_banned_and_comes_back(inside, node):
    assert inside("ban", "192.168.1.66") == (0, "12D3KooWbad\n", "")
    assert node.wait_for_call("ban") == {"peer": "192.168.1.66"}
    assert inside("unban", "12D3KooWbad")[0] == 0
    assert node.wait_for_call("unban") == {"peer": "12D3KooWbad"}


def test_who_is_banned_is_a_list(inside):
    code, out, _ = inside("ban", "--no-header")
    assert code == 0
    number, peer, since, why, address, client = out.rstrip("\n").split("\t")
    assert (number, peer, address, client) == ("1", "12D3KooWbad", "/ip4/192.168.1.66/tcp/4001", "shoal/0.1.0")
    assert since.endswith(" ago")
    assert why == "by hand"


def test_in_json_the_ban_is_whole(inside):
    _, out, _ = inside("ban", "--json")
    result = json.loads(out.splitlines()[0])
    assert result["peer_id"] == "12D3KooWbad"
    assert result["banned_at"] == 1.7e9


def test_units_that_are_none_are_a_mistake(inside, monkeypatch):
    monkeypatch.setenv("SHOAL_UNITS", "KiB")
    code, _, err = inside("list")
    assert code == 2
    assert "SHOAL_UNITS is si or iec" in err
