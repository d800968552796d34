"""What benchmarks leave in build/bench.json."""

from __future__ import annotations

import json

from tests.bench.figures import Figure, save


def names(path):
    return [(row["subject"], row["name"]) for row in json.loads(path.read_text())]


def test_measuring_one_subject_leaves_the_others_figures(tmp_path):
    path = tmp_path / "build" / "bench.json"
    save(
        {"search": [Figure("first hit", 0.2, "s")], "memory": [Figure("idle", 80, "MB"), Figure("old", 1, "MB")]}, path
    )
    save({"memory": [Figure("idle", 90, "MB")], "swarm": [Figure("four seeders", 87, "MB/s")]}, path)
    assert names(path) == [("search", "first hit"), ("memory", "idle"), ("swarm", "four seeders")]
    assert json.loads(path.read_text())[1]["value"] == 90


def test_what_cannot_be_read_is_begun_anew(tmp_path):
    path = tmp_path / "bench.json"
    for rubbish in ("{", '[{"name": "of an older version", "value": 1}]', '{"a": 1}', "[1]"):
        path.write_text(rubbish)
        save({"memory": [Figure("idle", 90, "MB")]}, path)
        assert names(path) == [("memory", "idle")]
