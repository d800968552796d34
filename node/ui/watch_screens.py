"""The screen of watched folders. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from node.status import WatchStatus
from node.ui.layout import Column, Table


def watched_folders(folders: Sequence[WatchStatus]) -> Table:
    """`watch`: what is shared as it appears."""
    hint = "Type 'unwatch <folder>' to stop." if folders else "Type 'watch <folder>' to share all that appears in it."
    return Table(
        title="Watched Folders",
        columns=(
            Column("#", 4),
            Column("Folder", 34, flexible=True),
            Column("Shared", 8),
            Column("Waiting", 8),
            Column("Status", 8),
        ),
        rows=tuple(
            (str(number), folder.path, str(folder.shared), str(folder.waiting), folder.problem or "Watched")
            for number, folder in enumerate(folders, start=1)
        ),
        footer=(f"Total Folders: {len(folders)}", hint),
    )
