"""Reading a result folder: plan.json and results.jsonl, judged by nobody again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from specs.loader import Catalogue, load_catalogue

FAILING = ("FAIL", "ERROR")
OPEN = ("INCONCLUSIVE", "BLOCKED", "NOT_TESTED")
ORDER = ("ERROR", "FAIL", "INCONCLUSIVE", "BLOCKED", "NOT_TESTED", "WARN", "WAIVED", "PASS", "NOT_APPLICABLE")


class ResultsFileError(ValueError):
    """A result folder that cannot be read; the text names file and line."""


@dataclass(frozen=True)
class Results:
    """One run. ``footer`` is empty when the run was cut off; ``waivers`` are rows to show (reports.waivers).
    ``spec`` is the spec that judged the run, where it is not the one that is shipped here."""

    folder: Path
    plan: dict[str, Any]
    header: dict[str, Any]
    tests: tuple[dict[str, Any], ...]
    footer: dict[str, Any]
    waivers: tuple[dict[str, Any], ...] = ()
    spec: Catalogue | None = None

    @cached_property
    def catalogue(self) -> Catalogue:
        """The spec that the report quotes."""
        return self.spec or load_catalogue()

    @property
    def complete(self) -> bool:
        """Whether the run came to its end."""
        return bool(self.footer)

    @property
    def exit_code(self) -> int:
        """Exit code of the run; 2 when it was cut off."""
        return int(self.footer.get("exit_code", 2))

    @property
    def stale_waivers(self) -> bool:
        """Whether the run fails for its waivers alone."""
        faulty = any(row["fault"] for row in self.waivers)
        return self.exit_code == 1 and faulty and "FAIL" not in self.selected.values()

    @cached_property
    def requirements(self) -> dict[str, str]:
        """Verdict by requirement id, for every row of the plan."""
        if self.footer:
            return dict(self.footer["requirements"])
        verdicts = {row["id"]: "NOT_TESTED" for row in self.plan["requirements"] if row["selection"] == "selected"}
        for test in self.tests:
            for requirement_id, verdict in test["requirements"].items():
                seen = verdicts.get(requirement_id, "NOT_TESTED")
                known = seen if seen != "NOT_TESTED" else "NOT_APPLICABLE"
                verdicts[requirement_id] = min(known, verdict, key=ORDER.index)
        return verdicts

    @cached_property
    def selected(self) -> dict[str, str]:
        """Verdict of the requirements that were to be tested."""
        chosen = [row["id"] for row in self.plan["requirements"] if row["selection"] == "selected"]
        return {i: self.requirements.get(i, "NOT_TESTED") for i in chosen}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of selected requirements by verdict, worst first."""
        found = list(self.selected.values())
        return {verdict: found.count(verdict) for verdict in ORDER if verdict in found}

    def tests_of(self, requirement_id: str) -> list[dict[str, Any]]:
        """Tests that judged this requirement, worst first."""
        own = [test for test in self.tests if requirement_id in test["requirements"]]
        return sorted(own, key=lambda test: ORDER.index(test["requirements"][requirement_id]))


def read_results(folder: Path) -> Results:
    """Read a result folder. Raises ResultsFileError."""
    try:
        plan = json.loads((folder / "plan.json").read_text("utf-8"))
        text = (folder / "results.jsonl").read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ResultsFileError(f"{folder}: {error}") from None
    return results_of(folder, plan, _records(folder / "results.jsonl", text.splitlines()))


def results_of(source: Path, plan: dict[str, Any], records: Iterable[dict[str, Any]]) -> Results:
    """The records of a result file as a run. Raises ResultsFileError when the header is missing."""
    header: dict[str, Any] = {}
    footer: dict[str, Any] = {}
    tests = []
    for record in records:
        match record.get("kind"):
            case "header":
                header = record
            case "test":
                tests.append(record)
            case "footer":
                footer = record
    if not header:
        raise ResultsFileError(f"{source / 'results.jsonl'}:1: the header line is missing")
    return Results(source, plan, header, tuple(tests), footer)


def _records(path: Path, lines: list[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(lines):
                return
            raise ResultsFileError(f"{path}:{number}: not a JSON line") from None
        if not isinstance(record, dict):
            raise ResultsFileError(f"{path}:{number}: not a JSON object")
        yield record
