"""A finished run to be judged again: what was planned, what was judged, and the tapes, from a folder or a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.model.plan import Choice, Plan, make_plan
from conformance.model.subject import choose_subject
from conformance.plugin.rejudging import Session
from conformance.plugin.settings import Settings
from conformance.wire import TapeError, sessions_below
from specs.declared_text import names_foreign_secrets
from specs.loader import Catalogue

Line = Mapping[str, Any]
RESULTS, PLAN, DECLARATION, EVIDENCE = "results.jsonl", "plan.json", "declaration.yaml", "evidence"


class NotARun(ValueError):
    """The folder holds no run that can be judged again; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """``folder``: where the files of the run lie; ``tests``: its lines in the order of the run's report."""

    folder: Path
    header: Line
    plan: Line
    tests: tuple[Line, ...]

    @property
    def selected(self) -> frozenset[str]:
        """Requirements that the run was to judge."""
        return frozenset(row["id"] for row in self.plan["requirements"] if row["selection"] == "selected")

    @property
    def known(self) -> frozenset[str]:
        """Requirements that the plan decided about for another reason than that the user chose others."""
        left_out = ("not_selected", "excluded")
        return frozenset(row["id"] for row in self.plan["requirements"] if row["selection"] in left_out)

    def sessions(self) -> list[Session]:
        """The recorded sessions, the longest first. Raises NotARun when there is no tape."""
        try:
            found = [Session(tuple(paths)) for paths in sessions_below(self.folder / EVIDENCE).values()]
        except TapeError as error:
            raise NotARun(str(error)) from error
        if not found:
            raise NotARun(f"{self.folder / EVIDENCE}: no recorded traffic")
        return sorted(found, key=lambda session: -session.size)


def read_run(folder: Path) -> RecordedRun:
    """The run in a folder that `kandian certify` wrote. Raises NotARun."""
    try:
        lines = [json.loads(line) for line in (folder / RESULTS).read_text("utf-8").splitlines()]
        plan = json.loads((folder / PLAN).read_text("utf-8"))
        if not (folder / DECLARATION).exists():
            raise NotARun(f"{folder}: the run kept no {DECLARATION}")
        if not lines or lines[0]["kind"] != "header":
            raise NotARun(f"{folder / RESULTS}: no header line")
        tests = tuple(line for line in lines if line["kind"] == "test")
        return RecordedRun(folder, lines[0], plan, tests)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise NotARun(f"{folder}: not a run of kandian: {error}") from error


def settings_for(run: RecordedRun, catalogue: Catalogue, edition: str, scratch: Path) -> Settings:
    """What the suites are told when they judge this run again. ``edition``: empty for that of the run.

    Raises SourceError, UnknownName or ValueError when spec and run do not fit.
    """
    header = run.header
    if names_foreign_secrets(run.folder / DECLARATION):
        raise NotARun(f"{run.folder / DECLARATION}: names secrets of this machine")
    loaded, profile = choose_subject(catalogue, run.folder / DECLARATION, None, header["profile"])
    choice = Choice(allow_destructive=True)
    plan = make_plan(catalogue, profile, edition or header["edition"], loaded, choice)
    return Settings(catalogue, loaded, plan, choice, scratch, "en", int(header["seed"]), embedded=True, shared=False)


def newly_asked(run: RecordedRun, plan: Plan) -> frozenset[str]:
    """Requirements that the plan of now selects and that of the run could not know or did not apply."""
    return plan.selected - run.selected - run.known
