"""Snapshots cross the control socket as JSON and come out as they went in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from node.status import DetailStatus, ItemStatus, NodeStatus, from_json, to_json


def test_every_snapshot_survives_json(detail, items, node):
    for snapshot in (detail, items[0], replace(items[0], provided=None, eta_s=3.5), node, detail.peers[0]):
        assert from_json(type(snapshot), json.loads(json.dumps(to_json(snapshot)))) == snapshot


def test_members_of_a_newer_version_are_ignored(node):
    assert from_json(NodeStatus, {**to_json(node), "mood": "good"}) == node


def test_whole_numbers_will_do_for_fractions(node):
    assert from_json(NodeStatus, {**to_json(node), "uptime_s": 3}).uptime_s == 3.0


@pytest.mark.parametrize(
    "change",
    [
        {"size": "big"},
        {"size": True},
        {"size": 1.5},
        {"name": None},
        {"state": "Dreaming"},
        {"provided": []},
        {"provided": {"closest": 20}},
        {"eta_s": "soon"},
    ],
)
def test_another_type_is_refused(items, change):
    with pytest.raises(ValueError, match=r"."):
        from_json(ItemStatus, {**to_json(items[0]), **change})


def test_a_missing_member_is_named(items, detail):
    value = to_json(items[0])
    del value["cid"]
    with pytest.raises(ValueError, match="ItemStatus has no cid"):
        from_json(ItemStatus, value)
    with pytest.raises(ValueError, match="isn't an object"):
        from_json(ItemStatus, [])
    with pytest.raises(ValueError, match=r"."):
        from_json(DetailStatus, {**to_json(detail), "peers": {}})
