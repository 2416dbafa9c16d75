"""Runs of the suites against one device each, in processes of their own; several at once, as most of a run waits."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.cli.roles import ROLES
from conformance.cli.shards import join
from conformance.cli.warm_processes import warm_context

BLAME = ("FAIL", "WARN")
#: Nobody looks at what pytest itself says of these runs.
UNSEEN = ("-p", "no:unraisableexception", "-p", "no:threadexception")
WORKERS = 8 * (os.cpu_count() or 2)


@dataclass(frozen=True, slots=True)
class Job:
    """One run. ``fault``: id of the mutant, empty for the golden simulator; ``requirements``: globs, empty for all;
    ``null``: name of the null device instead of a simulator; ``shares``: devices of this kind that share the tests."""

    name: str
    role: str
    declaration: str
    fault: str = ""
    requirements: tuple[str, ...] = ()
    null: str = ""
    shares: int = 1


@dataclass(frozen=True, slots=True)
class JobResult:
    """Verdicts of the selected requirements and their reasons (English); ``seconds``: the sum over the shares;
    ``unsteady``: verdicts of a first look that a second one did not confirm."""

    job: Job
    verdicts: dict[str, str]
    reasons: dict[str, str]
    exit_code: int
    seconds: float
    unsteady: dict[str, str] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], done: Callable[[JobResult], None], workers: int = WORKERS) -> list[JobResult]:
    """Run all jobs and report each as it ends; results in the order of ``jobs``."""
    results: dict[Job, JobResult] = {}
    with (
        tempfile.TemporaryDirectory(prefix="kandian-") as folder,
        ProcessPoolExecutor(workers, mp_context=warm_context(), max_tasks_per_child=1) as pool,
    ):
        parts: dict[Job, list[Future[tuple[int, float]]]] = {}
        jobs_of: dict[Future[tuple[int, float]], Job] = {}
        outs = {job: Path(folder) / str(number) for number, job in enumerate(jobs)}
        for job, out in outs.items():
            (out / "claims").mkdir(parents=True)
            parts[job] = [pool.submit(run_share, job, out, share) for share in range(job.shares)]
            jobs_of.update(dict.fromkeys(parts[job], job))
        for future in as_completed(jobs_of):
            job = jobs_of[future]
            if all(part.done() for part in parts[job]) and job not in results:
                results[job] = _result(job, outs[job], [part.result() for part in parts[job]])
                shutil.rmtree(outs[job])
                done(results[job])
    return [results[job] for job in jobs]


def run_share(job: Job, out: Path, share: int) -> tuple[int, float]:
    """One run in this process; output of pytest and complaints of the device go nowhere. Exit code and seconds."""
    import pytest

    from conformance.cli.certify import suite_arguments

    started = time.monotonic()
    os.environ["KANDIAN_SIMULATOR_LOG"] = "CRITICAL"
    role = ROLES[job.role]
    arguments = suite_arguments(role, out / str(share), "en")
    arguments = [*arguments, "--seed=1", "--allow-destructive", *UNSEEN]
    arguments += [f"--req={glob}" for glob in job.requirements]
    if job.shares > 1:
        arguments.append(f"--claims={out / 'claims'}")
    device, more = _device(job)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        saved, sys.stdout = sys.stdout, nowhere
        try:
            code = int(pytest.main([*arguments, *more], plugins=[device]))
        finally:
            sys.stdout = saved
    return code, time.monotonic() - started


def _result(job: Job, out: Path, ends: list[tuple[int, float]]) -> JobResult:
    shares = [out / str(share) for share in range(job.shares)]
    whole = shares[0]
    code = max(code for code, _ in ends)
    if job.shares > 1 and all((share / "results.jsonl").exists() for share in shares):
        whole = out / "whole"
        code = join(whole, shares)
    verdicts, reasons = _read(whole)
    return JobResult(job, verdicts, reasons, code, sum(seconds for _, seconds in ends))


def _device(job: Job) -> tuple[Any, list[str]]:
    role = ROLES[job.role]
    if job.null:
        from simulators.faults.null_devices import NullDevice

        device = NullDevice(job.null, role.null_scheme)
        return device, [f"--profile={role.null_profile}", f"--target={device.url}"]
    return role.embedded(Path(job.declaration), job.fault, fork=True), []


def _read(out: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Verdicts and reasons; one test that blames a requirement outweighs others that could not decide."""
    verdicts: dict[str, str] = {}
    reasons: dict[str, str] = {}
    blamed: dict[str, str] = {}
    path = out / "results.jsonl"
    if not path.exists():
        return verdicts, reasons
    selected = {
        row["id"]
        for row in json.loads((out / "plan.json").read_text("utf-8"))["requirements"]
        if row["selection"] == "selected"
    }
    for line in path.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "test":
            for requirement, verdict in record["requirements"].items():
                if verdict in BLAME:
                    blamed[requirement] = verdict
                if verdict not in ("PASS", "NOT_APPLICABLE"):
                    reasons[requirement] = record["reason"]["en"]
        elif record["kind"] == "footer":
            verdicts = {i: v for i, v in record["requirements"].items() if i in selected}
    return {**verdicts, **blamed}, reasons
