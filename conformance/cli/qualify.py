"""`kandian qualify`: prove the suites against every mutant, the golden simulators and the null devices."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from conformance.cli.qualification_jobs import WORKERS, Job, JobResult, run_jobs
from conformance.cli.roles import ROLES, Role
from conformance.cli.user_errors import user_errors
from conformance.model.qualification import Finding, MutantResult, Qualification, classify
from specs.loader import Catalogue, UnknownName, load_catalogue

NULLS = ("closed", "silent", "echo", "yes")
GOLDEN_SHARES = 8
SECOND_LOOKS_AT_ONCE = 2
GOOD = frozenset({"PASS", "NOT_APPLICABLE", "NOT_SELECTED"})


@click.command("qualify")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result for machines.")
@click.option("--only", multiple=True, metavar="ID", help="Only this mutant or requirement (glob); may be repeated.")
@click.option("--role", type=click.Choice(tuple(ROLES)), multiple=True, help="Only this role; may be repeated.")
@click.option("--golden", multiple=True, metavar="NAME", help="Of the shipped declarations only this; may be repeated.")
@click.option("--every", type=click.IntRange(1), default=1, metavar="N", help="Only every Nth mutant: a sample.")
@click.option("--workers", type=int, default=WORKERS, show_default=True, help="Runs at once.")
def command(
    json_file: Path | None,
    only: tuple[str, ...],
    role: tuple[str, ...],
    golden: tuple[str, ...],
    every: int,
    workers: int,
) -> None:
    """Exit 0 only at 100 %.

    Every mutant is killed, every tested MUST has one, no golden simulator is blamed and no null device passes anything.
    """
    roles = [ROLES[name] for name in role or ROLES]
    with user_errors():
        catalogue = load_catalogue()
        jobs = [
            *([] if only else [*golden_jobs(roles, golden), *null_jobs(roles)]),
            *mutant_jobs(catalogue, roles, only)[::every],
        ]
    results = run_jobs(jobs, _tell, workers)
    if again := second_looks(results):
        results = merged(results, run_jobs(again, _tell, SECOND_LOOKS_AT_ONCE))
    qualification = summarise(catalogue, results, complete=not only and every == 1, roles=roles)
    for line in report(qualification):
        click.echo(line)
    if json_file:
        text = json.dumps(qualification.document(), ensure_ascii=False, indent=1) + "\n"
        json_file.write_text(text, encoding="utf-8")
    sys.exit(0 if qualification.passed else 1)


def mutant_jobs(catalogue: Catalogue, roles: Sequence[Role], only: tuple[str, ...]) -> list[Job]:
    """A job per mutant, under a declaration with which the violated requirement is selected. Raises UnknownName."""
    from simulators.faults.registry import load_mutants

    mutants = {i: m for i, m in load_mutants().items() if m.role in {role.name for role in roles}}
    wanted = {
        i: m
        for i, m in mutants.items()
        if not only or any(fnmatch.fnmatchcase(i, o) or fnmatch.fnmatchcase(m.violates, o) for o in only)
    }
    if only and not wanted:
        raise UnknownName("mutant", only[0], mutants)
    shipped = {role.name: role.shipped() for role in roles}
    selected = {(role, name): _selected(catalogue, path) for role in shipped for name, path in shipped[role].items()}
    jobs = []
    for mutant in wanted.values():
        fits = [
            path
            for name, path in shipped[mutant.role].items()
            if mutant.violates in selected[mutant.role, name] and mutant.declaration in ("", name)
        ]
        if not fits:
            raise ValueError(f"no shipped declaration selects {mutant.violates}, which {mutant.id} violates")
        jobs.append(Job(mutant.id, mutant.role, str(fits[0]), mutant.id, (mutant.violates,)))
    return jobs


def _selected(catalogue: Catalogue, declaration: Path) -> frozenset[str]:
    from conformance.model.plan import Choice, make_plan
    from conformance.model.subject import choose_subject

    loaded, profile = choose_subject(catalogue, declaration, None, None)
    choice = Choice(allow_destructive=True)
    return make_plan(catalogue, profile, catalogue.editions[-1].id, loaded, choice).selected


def golden_jobs(roles: Sequence[Role], names: Sequence[str] = ()) -> list[Job]:
    """The golden simulator of each role under each shipped declaration, or those of these names. Raises UnknownName."""
    known = [name for role in roles for name in role.shipped()]
    if unknown := [name for name in names if name not in known]:
        raise UnknownName("shipped declaration", unknown[0], known)
    return [
        Job(f"golden {name}", role.name, str(path), shares=GOLDEN_SHARES)
        for role in roles
        for name, path in role.shipped().items()
        if not names or name in names
    ]


def null_jobs(roles: Sequence[Role]) -> list[Job]:
    """Devices that do nothing useful, in the place of a device of each role."""
    return [Job(f"null {kind} ({role.name})", role.name, "", null=kind) for role in roles for kind in NULLS]


def second_looks(results: Sequence[JobResult]) -> list[Job]:
    """What is looked at once more when the load of the first round is gone: surviving mutants, and what a golden
    simulator was blamed for. Passes of null devices stand as they are."""
    jobs = []
    for result in results:
        job = result.job
        if job.fault:
            if classify(job.requirements[0], result.verdicts)[0] != "killed":
                jobs.append(job)
        elif not job.null and (bad := tuple(i for i, v in result.verdicts.items() if v not in GOOD)):
            jobs.append(replace(job, requirements=bad, shares=1))
    return jobs


def merged(first: Sequence[JobResult], second: Sequence[JobResult]) -> list[JobResult]:
    """The first results with the second look at them; ``unsteady`` tells what came out otherwise."""
    looks = {result.job.name: result for result in second}
    return [
        replace(
            result,
            verdicts={**result.verdicts, **look.verdicts},
            reasons={**result.reasons, **look.reasons},
            unsteady={i: result.verdicts[i] for i, v in look.verdicts.items() if result.verdicts.get(i, v) != v},
        )
        if (look := looks.get(result.job.name))
        else result
        for result in first
    ]


def summarise(
    catalogue: Catalogue, results: Sequence[JobResult], *, complete: bool, roles: Sequence[Role]
) -> Qualification:
    """Sort the results of all jobs into mutants, false alarms and passes of null devices."""
    from simulators.faults.registry import load_mutants

    mutants = load_mutants()
    killed, alarms, passes, unsteady = [], [], [], []
    for result in results:
        job = result.job
        unsteady += [Finding(job.name, i, v, result.reasons.get(i, "")) for i, v in result.unsteady.items()]
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
    names = {role.name for role in roles}
    musts = [r for r in catalogue.requirements.values() if r.role in names and r.level == "MUST" and not r.not_tested]
    uncovered = tuple(r.id for r in musts if r.id not in violated) if complete else ()
    return Qualification(tuple(killed), tuple(alarms), tuple(passes), uncovered, tuple(unsteady))


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
    lines += [f"UNSTEADY  {f.device}: {f.requirement} was {f.verdict} at first" for f in found.unsteady]
    if found.uncovered:
        lines.append(f"tested MUSTs without a mutant ({len(found.uncovered)}): {', '.join(found.uncovered)}")
    lines.append(
        f"{found.killed} of {len(found.mutants)} mutants killed (detection rate {found.detection_rate:.3f}), "
        f"{len(found.false_alarms)} false alarms, {len(found.null_passes)} passes of null devices"
    )
    return lines
