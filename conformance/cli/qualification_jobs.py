"""Runs of the suites against one device each, in processes of their own; several at once, as most of a run waits."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.cli.warm_processes import warm_context

BLAME = ("FAIL", "WARN")
WORKERS = 4 * (os.cpu_count() or 2)


@dataclass(frozen=True, slots=True)
class Job:
    """One run. ``fault``: id of the mutant, empty for the golden camera; ``requirements``: globs, empty for all;
    ``null``: name of the null device instead of a camera."""

    name: str
    declaration: str
    fault: str = ""
    requirements: tuple[str, ...] = ()
    null: str = ""


@dataclass(frozen=True, slots=True)
class JobResult:
    """Verdicts of the selected requirements and their reasons (English)."""

    job: Job
    verdicts: dict[str, str]
    reasons: dict[str, str]
    exit_code: int
    seconds: float


def run_jobs(jobs: Sequence[Job], done: Callable[[JobResult], None], workers: int = WORKERS) -> list[JobResult]:
    """Run all jobs and report each as it ends; results in the order of ``jobs``."""
    results: dict[Job, JobResult] = {}
    with ProcessPoolExecutor(workers, mp_context=warm_context(), max_tasks_per_child=1) as pool:
        futures = {pool.submit(run_job, job): job for job in jobs}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
            done(results[futures[future]])
    return [results[job] for job in jobs]


def run_job(job: Job) -> JobResult:
    """One run in this process; output of pytest goes nowhere."""
    import pytest

    from conformance.cli.certify import suite_arguments

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kandian-") as folder:
        out = Path(folder) / "out"
        arguments = [*suite_arguments(out, "en"), "--seed=1", "--allow-destructive"]
        arguments += [f"--req={glob}" for glob in job.requirements]
        device, more = _device(job)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            saved, sys.stdout = sys.stdout, nowhere
            try:
                code = int(pytest.main([*arguments, *more], plugins=[device]))
            finally:
                sys.stdout = saved
        verdicts, reasons = _read(out)
    return JobResult(job, verdicts, reasons, code, time.monotonic() - started)


def _device(job: Job) -> tuple[Any, list[str]]:
    if job.null:
        from simulators.faults.null_devices import NullDevice

        device = NullDevice(job.null)
        return device, ["--profile=media", f"--target={device.url}"]
    from simulators.camera.embedded import EmbeddedCamera

    return EmbeddedCamera(Path(job.declaration), job.fault, fork=True), []


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
