"""What is shipped: two packages and their texts, and the man page; nothing that could shadow somebody else's."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_node_and_protocols_and_nothing_else_at_the_top(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, tmp_path / "source"]
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in files.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            target = tmp_path / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    version = wheel.name.split("-")[1]
    made = {f"shoal-{version}.dist-info", f"shoal-{version}.data"}
    assert {name.split("/")[0] for name in names} == {"node", "protocols", *made}
    assert [name for name in names if ".data/" in name] == [f"shoal-{version}.data/data/share/man/man1/shoal.1"]
    assert {"protocols/exchange/SPEC.md", "protocols/MANIFEST.md", "node/py.typed"} <= set(names)
