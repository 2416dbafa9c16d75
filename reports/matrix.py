"""Vendors x requirements, for selection (选型): verdicts side by side, no score and no order of merit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from reports.result_files import RunFiles
from reports.spreadsheet_text import harmless

EMPTY = "-"


@dataclass(frozen=True, slots=True)
class Matrix:
    """``columns`` are devices in the order given; ``rows`` are (requirement, level, verdict by column). ``editions``
    holds the edition of every column: verdicts of different editions stand beside each other but mean different
    things."""

    columns: tuple[str, ...]
    editions: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]

    @property
    def comparable(self) -> bool:
        """Whether all runs were judged by the same spec."""
        return len(set(self.editions)) <= 1


def build_matrix(runs: Sequence[RunFiles]) -> Matrix:
    """The requirements that any of the runs selected."""
    names = dict.fromkeys(i for run in runs for i in run.results.selected)
    rows = []
    for name in sorted(names):
        known = runs[0].results.catalogue.requirements.get(name)
        verdicts = tuple(run.results.selected.get(name, EMPTY) for run in runs)
        rows.append((name, known.level if known else "", verdicts))
    editions = tuple(f"{r.results.header['edition']} {r.results.header['spec_digest'][:12]}" for r in runs)
    return Matrix(tuple(_name(run) for run in runs), editions, tuple(rows))


def matrix_csv(matrix: Matrix, language: str) -> str:
    """The matrix as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    heads, editions = (("要求", "级别"), "规范版次") if language == "zh" else (("Requirement", "Level"), "Spec edition")
    writer.writerow([*heads, *(harmless(name) for name in matrix.columns)])
    writer.writerow([editions, "", *matrix.editions])
    writer.writerows([name, level, *verdicts] for name, level, verdicts in matrix.rows)
    return text.getvalue()


def _name(run: RunFiles) -> str:
    device = run.results.header["device"]
    return " ".join(str(device[key]) for key in ("manufacturer", "model", "version", "dev_id") if device[key])
