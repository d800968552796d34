"""What a benchmark finds: figures with what they are compared with, as a table for eyes and as JSON.

Rules: a verdict is a ratio within one run, `value` to `reference` in the same unit, because absolute speeds vary by a
quarter from run to run. A figure without a bound is only told.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HEADINGS = ("what", "measured", "compared with", "ratio", "target", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `at_least` and `at_most` bound the ratio of `value` to `reference`."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """How the value compares with the reference."""
        return self.value / self.reference if self.reference else None

    @property
    def is_missed(self) -> bool:
        """Whether there is a bound and the value is beyond it."""
        if self.ratio is None:
            return False
        too_low = self.at_least is not None and self.ratio < self.at_least
        return too_low or (self.at_most is not None and self.ratio > self.at_most)

    @property
    def target(self) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} ×"
        return f"≤ {self.at_most:g} ×" if self.at_most is not None else ""

    @property
    def row(self) -> tuple[str, ...]:
        """What a person reads of it."""
        reference = f"{self.reference:,.4g} {self.unit}" if self.reference is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        verdict = ("MISSED" if self.is_missed else "met") if self.target else ""
        return (self.name, f"{self.value:,.4g} {self.unit}", reference, ratio, self.target, verdict)


def middle(name: str, values: Sequence[float], unit: str, **compared: float | None) -> Figure:
    """The median of several runs."""
    return Figure(name, median(values), unit, **compared)


def table(figures: Sequence[Figure]) -> str:
    """All figures in columns."""
    rows = [HEADINGS, *(figure.row for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    aligned = (
        [
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )
    return "\n".join("  ".join(row).rstrip() for row in aligned)


def save(measured: Mapping[str, Sequence[Figure]], path: Path) -> None:
    """Write what a later run can be compared with, by subject; what the file has of other subjects stays."""
    rows = {subject: [_json(subject, figure) for figure in figures] for subject, figures in measured.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    every = [row for some in (_saved(path) | rows).values() for row in some]
    path.write_text(json.dumps(every, indent=2, ensure_ascii=False) + "\n")


def _json(subject: str, figure: Figure) -> dict[str, object]:
    value = {"value": figure.value, "unit": figure.unit, "reference": figure.reference}
    return {"subject": subject, "name": figure.name} | value


def _saved(path: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of an earlier run by their subjects; none if there are no such."""
    rows: dict[str, list[dict[str, object]]] = {}
    try:
        for row in json.loads(path.read_text()):
            rows.setdefault(row["subject"], []).append(row)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return rows


def machine() -> str:
    """What the figures were measured on."""
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    cpu = f"{os.cpu_count()} × {names[0] if names else platform.machine()}"
    software = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{cpu}, {memory_gb:.0f} GB, {software}, load {load:.1f} at the start"
