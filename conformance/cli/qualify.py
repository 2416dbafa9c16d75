"""`kandian qualify`: prove the suites against every mutant, the golden cameras and the null devices."""

from __future__ import annotations

import fnmatch
import json
import sys
from pathlib import Path

import click

from conformance.cli.qualification_jobs import Job, JobResult, run_jobs
from conformance.cli.user_errors import user_errors
from conformance.model.qualification import Finding, MutantResult, Qualification, classify
from specs.loader import Catalogue, UnknownName, load_catalogue

NULLS = ("closed", "silent", "echo", "yes")
GOLDEN_SHARES = 8
GOOD = frozenset({"PASS", "NOT_APPLICABLE", "NOT_SELECTED"})


@click.command("qualify")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result for machines.")
@click.option("--only", multiple=True, metavar="ID", help="Only this mutant or requirement (glob); may be repeated.")
@click.option("--workers", type=int, default=0, help="Runs at once (default: four for each core).")
def command(json_file: Path | None, only: tuple[str, ...], workers: int) -> None:
    """Exit 0 only at 100 %.

    Every mutant is killed, every tested MUST has one, no golden camera is blamed and no null device passes anything.
    """
    with user_errors():
        catalogue = load_catalogue()
        jobs = [*([] if only else [*golden_jobs(), *null_jobs()]), *mutant_jobs(catalogue, only)]
    results = run_jobs(jobs, _tell, **({"workers": workers} if workers else {}))
    qualification = summarise(catalogue, results, complete=not only)
    for line in report(qualification):
        click.echo(line)
    if json_file:
        text = json.dumps(qualification.document(), ensure_ascii=False, indent=1) + "\n"
        json_file.write_text(text, encoding="utf-8")
    sys.exit(0 if qualification.passed else 1)


def mutant_jobs(catalogue: Catalogue, only: tuple[str, ...]) -> list[Job]:
    """A job per mutant, under a declaration with which the violated requirement is selected. Raises UnknownName."""
    from simulators.faults.registry import load_mutants

    mutants = load_mutants()
    wanted = {
        i: m
        for i, m in mutants.items()
        if not only or any(fnmatch.fnmatchcase(i, o) or fnmatch.fnmatchcase(m.violates, o) for o in only)
    }
    if only and not wanted:
        raise UnknownName("mutant", only[0], mutants)
    selected = {name: _selected(catalogue, path) for name, path in _declarations().items()}
    jobs = []
    for mutant in wanted.values():
        fits = [n for n in selected if mutant.violates in selected[n] and mutant.declaration in ("", n)]
        if not fits:
            raise ValueError(f"no shipped declaration selects {mutant.violates}, which {mutant.id} violates")
        jobs.append(Job(mutant.id, str(_declarations()[fits[0]]), mutant.id, (mutant.violates,)))
    return jobs


def _declarations() -> dict[str, Path]:
    from simulators.camera.declarations import DEFAULT, H265, NVR, SECURE, STREAM

    return {path.stem: path for path in (DEFAULT, NVR, H265, SECURE, STREAM)}


def _selected(catalogue: Catalogue, declaration: Path) -> frozenset[str]:
    from conformance.model.plan import Choice, make_plan
    from specs.declaration import load_declaration

    loaded = load_declaration(declaration, catalogue.vocabulary)
    choice = Choice(allow_destructive=True)
    profile = catalogue.profile("media" if loaded.features.get("tykd") is False else "camera")
    return make_plan(catalogue, profile, catalogue.editions[-1].id, loaded, choice).selected


def golden_jobs() -> list[Job]:
    """The golden camera under each shipped declaration."""
    return [Job(f"golden {name}", str(path), shares=GOLDEN_SHARES) for name, path in _declarations().items()]


def null_jobs() -> list[Job]:
    """Devices that do nothing useful."""
    return [Job(f"null {name}", "", null=name) for name in NULLS]


def summarise(catalogue: Catalogue, results: list[JobResult], *, complete: bool) -> Qualification:
    """Sort the results of all jobs into mutants, false alarms and passes of null devices."""
    from simulators.faults.registry import load_mutants

    mutants = load_mutants()
    killed, alarms, passes = [], [], []
    for result in results:
        job = result.job
        if job.fault:
            mutant = mutants[job.fault]
            outcome, others = classify(mutant.violates, result.verdicts)
            verdict = result.verdicts.get(mutant.violates, f"exit {result.exit_code}")
            stem = Path(job.declaration).stem
            killed.append(
                MutantResult(
                    mutant.id, mutant.violates, stem, outcome, verdict, others, result.seconds, mutant.zh, mutant.en
                )
            )
        elif job.null:
            passes += [Finding(job.name, i, v, "") for i, v in result.verdicts.items() if v == "PASS"]
        else:
            bad = [(i, v) for i, v in result.verdicts.items() if v not in GOOD]
            alarms += [Finding(job.name, i, v, result.reasons.get(i, "")) for i, v in bad]
            if not result.verdicts:
                alarms.append(Finding(job.name, "-", f"exit {result.exit_code}", "the run gave no verdicts"))
    violated = {m.violates for m in mutants.values()}
    musts = [
        r for r in catalogue.requirements.values() if r.role == "camera" and r.level == "MUST" and not r.not_tested
    ]
    uncovered = tuple(r.id for r in musts if r.id not in violated) if complete else ()
    return Qualification(tuple(killed), tuple(alarms), tuple(passes), uncovered)


def _tell(result: JobResult) -> None:
    job = result.job
    if job.fault:
        outcome, _ = classify(job.requirements[0], result.verdicts)
        click.echo(f"{outcome:<18} {job.requirements[0]:<12} {job.fault:<36} {result.seconds:5.1f} s")
    else:
        counts: dict[str, int] = {}
        for verdict in result.verdicts.values():
            counts[verdict] = counts.get(verdict, 0) + 1
        shown = " ".join(f"{v} {n}" for v, n in sorted(counts.items()))
        click.echo(f"{job.name:<31} {shown}  {result.seconds:.1f} s")


def report(found: Qualification) -> list[str]:
    """What a person reads at the end: what is wrong first, then the sums."""
    lines = []
    for m in found.mutants:
        if m.outcome != "killed":
            blamed = f", blamed {', '.join(m.others)}" if m.others else ""
            lines.append(f"NOT KILLED  {m.id} violates {m.requirement} ({m.en}): {m.outcome}, {m.verdict}{blamed}")
    lines += [f"FALSE ALARM  {f.device}: {f.requirement} {f.verdict}: {f.reason}" for f in found.false_alarms]
    lines += [f"NULL PASS  {f.device}: {f.requirement}" for f in found.null_passes]
    if found.uncovered:
        lines.append(f"tested MUSTs without a mutant ({len(found.uncovered)}): {', '.join(found.uncovered)}")
    lines.append(
        f"{found.killed} of {len(found.mutants)} mutants killed (detection rate {found.detection_rate:.3f}), "
        f"{len(found.false_alarms)} false alarms, {len(found.null_passes)} passes of null devices"
    )
    return lines
