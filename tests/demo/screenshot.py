"""A picture of the dashboard, as text or SVG, from the real program: `python -m tests.demo.screenshot [FILE.svg]`.

Two nodes on loopback: one shares some files, the other fetches a large one in the dashboard of an emulated terminal
while the picture is taken. Without a file the screen is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from html import escape
from pathlib import Path

from tests.daemons import Daemon
from tests.e2e.seat import Seat

COLUMNS, LINES = 110, 36
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 8.4, 18, 14
MB = 1 << 20

PALETTE = {
    "default": "#d8dee9", "black": "#2e3440", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b",
    "blue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#d8dee9", "brightred": "#ff7a85",
}  # fmt: skip
PAPER = "#1e222a"

SHARED = {"ubuntu-24.04.iso": 320, "holiday 2024.mp4": 12, "thesis.pdf": 2, "映画 コレクション.mkv": 4}


def main() -> int:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="where to write the SVG; none prints the text")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        seat = _dashboard(stack, folder)
        if arguments.file is None:
            print(seat.text())
        else:
            arguments.file.write_text(svg(seat), "utf-8")
    return 0


def _dashboard(stack: ExitStack, folder: Path) -> Seat:
    """A dashboard in the middle of a download."""
    alice, bob = (Daemon(folder, name) for name in ("alice", "bob"))
    for daemon in (alice, bob):
        stack.callback(daemon.stop)
        daemon.await_ready()
    bob.run("connect", alice.address)
    links = []
    for name, size in SHARED.items():
        (folder / name).write_bytes(os.urandom(size * MB))
        links.append(alice.ask("share", folder / name)["item"]["link"])
    for link in links[1:]:
        bob.ask("get", link, "-o", folder / "into")
    seat = Seat(bob.home, COLUMNS, LINES)
    stack.callback(seat.leaves)
    seat.opens_dashboard()
    seat.sees("thesis.pdf")
    bob.run("get", links[0], "-o", folder / "into", "--detach")
    seat.sees("▼ ubuntu")
    seat.types("G")
    seat.sees("/[█↓]+░/")
    seat.sees("/ [3-9]\\d% /", timeout_s=90)
    return seat


def svg(seat: Seat) -> str:
    """The emulator's screen as SVG: one text element for each run of cells of one look."""
    width, height = COLUMNS * CELL_WIDTH, LINES * CELL_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + 8}" role="img" '
        f'aria-label="the dashboard of shoal" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" '
        f'font-size="{FONT_SIZE}">',
        f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>',
    ]
    for row, line in enumerate(seat.looks()):
        column = 0
        for text, colour, is_bold, is_reversed in line:
            x, y, wide = column * CELL_WIDTH, row * CELL_HEIGHT + 4, len(text) * CELL_WIDTH
            ink = PALETTE.get(colour, PALETTE["default"])
            if is_reversed:
                parts.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{CELL_HEIGHT}" fill="{ink}"/>')
                ink = PAPER
            weight = ' font-weight="bold"' if is_bold else ""
            if text.strip():
                attributes = (
                    f'x="{x:.1f}" y="{y + 14}" fill="{ink}"{weight} textLength="{wide:.1f}" xml:space="preserve"'
                )
                parts.append(f"<text {attributes}>{escape(text)}</text>")
            column += len(text)
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    sys.exit(main())
