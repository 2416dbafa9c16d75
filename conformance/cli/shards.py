"""Runs of the suites side by side: each takes a share of the tests, results are joined.

Most of a run is waiting. A golden simulator can be had several times, one for each share; a real device is shared only
where the tests of its role work on objects of their own.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from conformance.cli.roles import ROLES, Role
from conformance.cli.warm_processes import warm_context
from conformance.model.outcome import footer
from conformance.model.plan import PlannedRows
from conformance.plugin.progress import Progress
from specs.model import Text

FOLLOW_INTERVAL = 0.3


def run_sharded(
    role: Role, arguments: list[str], out: Path, language: str, *, golden: Path | None, count: int | None = None
) -> int:
    """Run the suites in shares, write one result folder as the results come. Returns the exit code.

    ``golden``: the declaration under which every share has a golden simulator of its own; None where all talk to the
    device that the arguments name.
    ``count``: of shares, where it is not that of the role.

    Raises OSError when the folder cannot be written; the lines that are there are whole.
    """
    folder = out / ".shards"
    shutil.rmtree(folder, ignore_errors=True)
    claims = folder / "claims"
    claims.mkdir(parents=True)
    shares = [folder / str(k) for k in range(count or role.shares)]
    arguments = [*arguments, f"--claims={claims}", f"--mask-key={secrets.token_hex(16)}"]
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ProcessPoolExecutor(len(shares), mp_context=warm_context()) as pool:
            jobs = [pool.submit(run_share, role.name, golden, arguments, share) for share in shares]
            _follow(jobs, shares, out / "results.jsonl", Progress(language))
            codes = [job.result() for job in jobs]
            if golden is None:
                look_again(role, arguments, shares, pool)
        begun = [share for share in shares if read_lines(share / "results.jsonl")]
        return join(out, begun) if begun else max(codes)
    finally:
        signal.signal(signal.SIGINT, previous)
        shutil.rmtree(folder, ignore_errors=True)


def _follow(jobs: Sequence[Future[int]], shares: list[Path], results: Path, progress: Progress) -> None:
    """Copy result lines as they are written and show each verdict, until all shares have ended."""
    seen = dict.fromkeys(shares, 0)
    with results.open("w", encoding="utf-8") as file, progress:
        running = True
        while running:
            running = bool(wait(jobs, timeout=FOLLOW_INTERVAL).not_done)
            for share in shares:
                lines = read_lines(share / "results.jsonl")
                new, seen[share] = lines[seen[share] :], len(lines)
                for line in new:
                    if line["kind"] == "test" or (line["kind"] == "header" and file.tell() == 0):
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                        file.flush()
                    if line["kind"] == "test":
                        progress.verdict(line["id"], line["verdict"], line["reason"], line["duration"])


def look_again(role: Role, arguments: list[str], shares: list[Path], pool: ProcessPoolExecutor) -> None:
    """The device stopped answering while several tests were at work: what did not pass runs once more, one after the
    other, those that saw the end of the device last. Of these one is charged that ends it again; if none does, all
    stay suspects."""
    lines = [(line, share) for share in shares for line in read_lines(share / "results.jsonl")]
    good = ("PASS", "NOT_APPLICABLE")
    seen = [(line, share) for line, share in lines if line["kind"] == "test" and line["verdict"] not in good]
    seen.sort(key=lambda pair: _terminated(pair[0]))
    if len(seen) < 2 or not any(_terminated(test) or _never_began(test) for test, _ in seen):
        return
    again = shares[0].parent / "again"
    alone = [str(role.suites / test["nodeid"]) for test, _ in seen]
    claims = again / "claims"
    claims.mkdir(parents=True)
    pool.submit(run_share, role.name, None, [*alone, *arguments[1:], f"--claims={claims}"], again).result()
    looks = {test["nodeid"]: test for test in read_lines(again / "results.jsonl") if test["kind"] == "test"}
    found = any(_terminated(look) for look in looks.values())
    for test, share in seen:
        look = looks.get(test["nodeid"])
        if look is None or look["verdict"] == "BLOCKED":
            continue
        if not _terminated(test) or (found and look["verdict"] != "INCONCLUSIVE"):
            replace_test(share, again, look)


def _terminated(test: dict[str, Any]) -> bool:
    return test.get("fault") == "terminated"


def _never_began(test: dict[str, Any]) -> bool:
    return test["verdict"] == "INCONCLUSIVE" and not test["checks"] and not test["controls"]


def replace_test(share: Path, again: Path, look: dict[str, Any]) -> None:
    """Put the second look at a test, with its evidence, in the place of the first."""
    lines = [look if line.get("nodeid") == look["nodeid"] else line for line in read_lines(share / "results.jsonl")]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (share / "results.jsonl").write_text(text, encoding="utf-8")
    shutil.rmtree(share / look["evidence"], ignore_errors=True)
    shutil.move(str(again / look["evidence"]), share / look["evidence"])


def run_share(role: str, golden: Path | None, arguments: list[str], out: Path) -> int:
    """One share in this process, with a golden simulator under that declaration, if any; it prints nothing."""
    import pytest

    signal.signal(signal.SIGINT, signal.default_int_handler)
    plugins = [ROLES[role].embedded(golden, fork=True)] if golden else []
    return int(pytest.main([*arguments, f"--out={out}"], plugins=plugins))


def join(out: Path, shares: list[Path]) -> int:
    """Join result lines and evidence of the shares in ``out``. Returns the exit code."""
    lines = [read_lines(share / "results.jsonl") for share in shares]
    tests = sorted((line for share in lines for line in share if line["kind"] == "test"), key=lambda t: t["index"])
    ends = [line for share in lines for line in share if line["kind"] == "footer"]
    plan = shares[0] / "plan.json"
    out.mkdir(parents=True, exist_ok=True)
    for name in ("plan.json", "declaration.yaml"):
        shutil.copy(shares[0] / name, out / name)
    shutil.rmtree(out / "evidence", ignore_errors=True)
    (out / "evidence").mkdir()
    for number, share in enumerate(shares):
        for evidence in sorted((share / "evidence").glob("*")):
            name = f"session-{number}" if evidence.name == "session" else evidence.name
            shutil.move(str(evidence), out / "evidence" / name)
    blocked = next((Text(**end["blocked"]) for end in ends if end["blocked"]), None)
    broken = next((end["broken"] for end in ends if end["broken"]), "")
    interrupted = any(end["interrupted"] for end in ends) or len(ends) < len(shares)
    rows = PlannedRows.of_document(json.loads(plan.read_text("utf-8")))
    last = footer(rows, tests, blocked=blocked, broken=broken, interrupted=interrupted)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [lines[0][0], *tests, last])
    new = out / "results.jsonl.new"
    new.write_text(text, encoding="utf-8")
    new.replace(out / "results.jsonl")
    return int(last["exit_code"])


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a result file; empty when there is none."""
    text = path.read_text("utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
