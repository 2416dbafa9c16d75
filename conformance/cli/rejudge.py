"""`kandian rejudge`: the suites run again on the recorded traffic of a run."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.cli.user_errors import user_errors

if TYPE_CHECKING:
    from conformance.plugin.recorded_run import RecordedRun
    from conformance.plugin.rejudging import Session
    from reports.bundle.layout import Problem
    from specs.loader import Catalogue

SHOWN = 40
INCONCLUSIVE = "INCONCLUSIVE"
NOT_ASKED = "NOT_SELECTED"
BLOCKED = "BLOCKED"
#: Tapes of more bytes than this are worth more than one process.
WORTH_A_PROCESS = 48 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One test. ``recorded``: its verdict in the run, empty where the run did not have it; ``zh``, ``en``: why the
    verdict of now is what it is, empty where it is the recorded one."""

    test: str
    requirements: tuple[str, ...]
    recorded: str
    now: str
    same: bool
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What became of a run. ``edition``: by which it was judged; ``requirements``: verdicts of now by id."""

    edition: str
    rows: tuple[Row, ...]
    requirements: dict[str, str]

    @property
    def other(self) -> tuple[Row, ...]:
        """Tests with another verdict that was decided from the tape."""
        return tuple(row for row in self.rows if not row.same and row.now not in (INCONCLUSIVE, NOT_ASKED))

    @property
    def not_asked(self) -> tuple[Row, ...]:
        """Tests of requirements that this spec does not ask of the device."""
        return tuple(row for row in self.rows if row.now == NOT_ASKED)

    @property
    def undecided(self) -> tuple[Row, ...]:
        """Tests that need the device."""
        return tuple(row for row in self.rows if not row.same and row.now == INCONCLUSIVE)

    @property
    def exit_code(self) -> int:
        """0: as recorded; 1: a verdict differs; 10: none differs, but some need the device."""
        return 1 if self.other else 10 if self.undecided else 0


@click.command("rejudge")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--edition", metavar="ID", default="", help="Judge by this edition of the installed spec.")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Every test as JSON.")
def command(path: Path, edition: str, lang: str, as_json: bool) -> None:
    """Judge a run again from its recorded traffic: no device, no network, no waiting.

    PATH is a bundle or the folder of a run. What the recording cannot decide is INCONCLUSIVE and needs the device.

    Exit codes: 0 every verdict as recorded, 1 a verdict differs, 10 none differs but some need the device, 4 usage.
    """
    with user_errors():
        found = rejudge(path, edition)
    click.echo(json.dumps(document(found), ensure_ascii=False, indent=1) if as_json else text(found, lang))
    sys.exit(found.exit_code)


def differences(path: Path) -> Sequence[Problem]:
    """For `kandian verify --rejudge`: every test whose verdict does not follow from the tape. Raises ClickException."""
    from reports.bundle.layout import Problem

    with user_errors():
        found = rejudge(path)
    problems = []
    for row in (*found.other, *found.undecided):
        code = "needs-device" if row.now == INCONCLUSIVE else "other-verdict"
        zh, en = f"记录为 {row.recorded}, 重新判定为 {row.now}", f"recorded as {row.recorded}, judged {row.now} again"
        problems.append(Problem(code, row.test, f"{zh}: {row.zh}", f"{en}: {row.en}"))
    return problems


def rejudge(path: Path, edition: str = "", spec: Path | None = None) -> Rejudged:
    """Judge the run in a folder or a bundle again.

    By ``spec`` where one is named; else by the installed spec where an edition is named; else by the spec that the
    bundle holds, or for a folder by the installed one.

    Raises ValueError (NotARun, BundleError), SourceError, UnknownName.
    """
    with unpacked(path) as folder, tempfile.TemporaryDirectory(prefix="kandian-rejudge-") as scratch:
        from conformance.plugin.recorded_run import read_run

        run = read_run(folder)
        packed = folder / "spec" if not edition and (folder / "spec").is_dir() else None
        outcome = _judge(run, run.sessions(), spec or packed, edition, Path(scratch))
        return _compared(run, outcome)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder of a run; of a bundle, a temporary one. Raises BundleError."""
    if path.is_dir():
        yield path
        return
    from reports.bundle.reader import open_bundle

    with tempfile.TemporaryDirectory(prefix="kandian-bundle-") as folder, open_bundle(path) as bundle:
        bundle.extract("", Path(folder))
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one process found. ``collected``: requirements by test that the plan asks for; ``selected``: requirements of
    the plan; ``asked``: those that the run could not know."""

    edition: str
    lines: list[dict[str, Any]]
    collected: dict[str, tuple[str, ...]]
    selected: frozenset[str]
    asked: frozenset[str]
    failure: str


def _judge(run: RecordedRun, sessions: list[Session], spec: Path | None, edition: str, scratch: Path) -> Outcome:
    """Judge all sessions, large tapes in several processes."""
    total = sum(session.size for session in sessions)
    workers = min(os.cpu_count() or 1, len(sessions), max(1, total // WORTH_A_PROCESS))
    if workers == 1:
        return judge_sessions(run, sessions, spec, edition, scratch)
    import pytest  # noqa: F401 - read once, before the processes part

    import conformance.plugin.fixtures  # noqa: F401

    _catalogue(spec)
    shares = [sessions[k::workers] for k in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        jobs = [pool.submit(judge_sessions, run, share, spec, edition, scratch) for share in shares]
        found = [job.result() for job in jobs]
    lines = [line for outcome in found for line in outcome.lines]
    failure = next((outcome.failure for outcome in found if outcome.failure), "")
    return replace(found[0], lines=lines, failure=failure)


@lru_cache(maxsize=1)
def _catalogue(spec: Path | None) -> Catalogue:
    from specs.loader import load_catalogue

    return load_catalogue(spec)


def judge_sessions(
    run: RecordedRun, sessions: list[Session], spec: Path | None, edition: str, scratch: Path
) -> Outcome:
    """Judge some sessions in this process. Raises SourceError, UnknownName, ValueError."""
    import pytest

    from conformance.cli.certify import suite_arguments
    from conformance.cli.roles import ROLES
    from conformance.plugin.recorded_run import newly_asked, settings_for
    from conformance.plugin.rejudging import Rejudging

    settings = settings_for(run, _catalogue(spec), edition, scratch)
    plugin = Rejudging(settings, sessions)
    code = pytest.main(suite_arguments(ROLES[settings.loaded.role], scratch, "en"), plugins=[plugin])
    if code == pytest.ExitCode.USAGE_ERROR:
        raise ValueError("the suites do not fit the spec")
    lines = [json.loads(json.dumps(line)) for line in plugin.lines]
    asked = newly_asked(run, settings.plan)
    return Outcome(settings.plan.edition, lines, plugin.collected, settings.plan.selected, asked, plugin.failure)


def _compared(run: RecordedRun, outcome: Outcome) -> Rejudged:
    if outcome.failure and not outcome.lines:
        raise ValueError(outcome.failure)
    lines = {line["id"]: line for line in outcome.lines}
    rows = [_row(test, lines.get(test["id"]), outcome) for test in run.tests]
    recorded = {test["id"] for test in run.tests}
    for name, requirements in outcome.collected.items():
        if name not in recorded and outcome.asked & set(requirements):
            zh, en = "需要真实设备: 当时没有这项测试", "needs the device: the run did not have this test"
            rows.append(Row(name, requirements, "", INCONCLUSIVE, same=False, zh=zh, en=en))
    return Rejudged(outcome.edition, tuple(rows), _requirements(rows, lines))


def _row(test: Mapping[str, Any], line: Mapping[str, Any] | None, outcome: Outcome) -> Row:
    ids = tuple(test["requirements"])
    if line is not None:
        same = (test["verdict"], test["requirements"]) == (line["verdict"], line["requirements"])
        reason = {"zh": "", "en": ""} if same else line["reason"]
        return Row(test["id"], ids, test["verdict"], line["verdict"], same, reason["zh"], reason["en"])
    if test["verdict"] == BLOCKED:
        return Row(test["id"], ids, BLOCKED, BLOCKED, same=True)
    if not outcome.selected & set(ids):
        return Row(test["id"], ids, test["verdict"], NOT_ASKED, False, "规范不再要求", "the spec does not ask for it")
    if test["id"] in outcome.collected:
        zh, en = "需要真实设备: 记录中没有这项测试", "needs the device: the recording does not hold this test"
    else:
        zh, en = "需要真实设备: 套件已不含这项测试", "needs the device: the suites do not have this test any more"
    return Row(test["id"], ids, test["verdict"], INCONCLUSIVE, False, zh, en)


def _requirements(rows: Sequence[Row], lines: dict[str, dict[str, Any]]) -> dict[str, str]:
    from conformance.model.verdict import Verdict, worst

    judged: dict[str, list[Verdict]] = {}
    for row in rows:
        if row.now == NOT_ASKED:
            continue
        line = lines.get(row.test)
        verdicts = line["requirements"] if line else dict.fromkeys(row.requirements, row.now)
        for requirement, verdict in verdicts.items():
            judged.setdefault(requirement, []).append(Verdict(verdict))
    return {requirement: str(worst(verdicts)) for requirement, verdicts in sorted(judged.items())}


def text(found: Rejudged, language: str) -> str:
    """The outcome for a person. What the tape says of itself cannot steer the terminal."""
    same = sum(row.same for row in found.rows)
    counts = len(found.rows), same, len(found.other), len(found.undecided)
    zh = "{} 项测试: {} 项与记录一致, {} 项不同, {} 项需要真实设备"
    lines = [(zh if language == "zh" else "{} tests: {} as recorded, {} differ, {} need the device").format(*counts)]
    if left := len(found.not_asked):
        lines[0] += f", {left} 项规范不再要求" if language == "zh" else f", {left} not asked for any more"
    rows = [*found.other, *found.undecided]
    for row in rows[:SHOWN]:
        why = row.zh if language == "zh" else row.en
        lines.append(f"  {row.test}: {row.recorded or '-'} -> {row.now}: {why}")
    if (more := len(rows) - SHOWN) > 0:
        lines.append(f"  … 另有 {more} 项" if language == "zh" else f"  … and {more} more")
    return "\n".join("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines)


def document(found: Rejudged) -> dict[str, object]:
    """The outcome for a program."""
    rows = [asdict(row) for row in found.rows]
    return {
        "kandian": "rejudgement/1",
        "edition": found.edition,
        "exit_code": found.exit_code,
        "requirements": found.requirements,
        "tests": rows,
    }
