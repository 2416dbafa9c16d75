"""One run: plan, loop, wire, bench, device, preflight, results. The hooks drive it; fixtures look into it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from conformance.model.checks import Checks, Judgement, say
from conformance.model.outcome import footer
from conformance.peers.benches import BENCHES, AnyBench
from conformance.peers.faults import BenchFault
from conformance.plugin.preflight import preflight
from conformance.plugin.redaction import Redactor
from conformance.plugin.results_file import ResultsError, ResultsFile
from conformance.plugin.settings import Settings
from conformance.wire import LiveWire, Recorder, Wire, WireError
from conformance.wire.lock import DeviceLock
from specs.declared_text import declaration_text
from specs.model import Limit, Text

T = TypeVar("T")
_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]+")
_ID_LENGTH = 100


def test_id(nodeid: str) -> str:
    """A stable, file-system-safe id: ``anti_hotlink.no_media_before_verdict.live``."""
    path, _, name = nodeid.partition("::")
    parts = [p for p in Path(path).with_suffix("").parts if p not in ("conformance", "suites", "..", "/")]
    words = [part.removeprefix("test_") for part in (*parts, name) if part not in BENCHES]
    text = _UNSAFE.sub(".", ".".join(words)).strip(".")
    if len(text) > _ID_LENGTH:
        text = text[:_ID_LENGTH] + "-" + hashlib.sha256(nodeid.encode()).hexdigest()[:8]
    return text


def seed_of(run_seed: int, name: str) -> int:
    """Seed of one test: hashlib over the run's seed and the test's id."""
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{name}".encode()).digest()[:8], "big")


class Run:
    """State of one run."""

    def __init__(self, settings: Settings, start_device: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        self.settings = settings
        self.blocked: Text | None = None
        self.order: dict[str, int] = {}
        self.broken: str = ""
        self._folder = settings.out
        self.tests: list[dict[str, Any]] = []
        self._start_device = start_device
        self._redactor = Redactor(settings.loaded.secrets, settings.mask_key)
        names = () if settings.embedded or settings.shared else (settings.loaded.address,)
        self._lock = DeviceLock(*names) if names else None

    # life

    def start(self) -> None:
        """Take the device, write plan and header, start bench and device, run the preflight.

        Raises DeviceBusy when another run holds the device, ResultsError when nothing can be written.
        """
        if self._lock is not None:
            self._lock.acquire()
        out = self.settings.out
        self._clean(out)
        self.results = ResultsFile(out / "results.jsonl", self._redactor)
        plan = self.settings.plan.document()
        self._write_text(out / "plan.json", json.dumps(plan, ensure_ascii=False, indent=1) + "\n")
        self._write_text(out / "declaration.yaml", declaration_text(self.settings.loaded, self._redactor.placeholders))
        self.results.write(self._header(plan))
        self.loop = asyncio.new_event_loop()
        recorder = Recorder(out / "evidence", application=f"Kandian {version('kandian')}", redact=self._redactor.data)
        self.wire: Wire = LiveWire(recorder, seed=self.settings.seed, loop=self.loop)
        self.bench = self._new_bench()
        try:
            self.loop.run_until_complete(self._open())
        except BenchFault as fault:
            self.blocked = fault.text
        except WireError as error:
            self.blocked = say(error.explain("zh"), error.explain("en"))

    def _new_bench(self) -> AnyBench:
        return BENCHES[self.settings.loaded.role](self.wire, self.settings.catalogue, self.settings.loaded)

    async def _open(self) -> None:
        await self.bench.start()
        device = self.wire.fact("device", lambda: self._start_device(self.bench.addresses))
        if device is not None:
            self.bench.attach(device)
        await preflight(self.bench)

    def finish(self, *, interrupted: bool) -> int:
        """Stop the bench, write the footer; returns the exit code."""
        try:
            if hasattr(self, "bench"):
                self.loop.run_until_complete(self._close())
        finally:
            if self._lock is not None:
                self._lock.release()
        line = footer(self.settings.plan, self.tests, blocked=self.blocked, broken=self.broken, interrupted=interrupted)
        if hasattr(self, "results"):
            self.results.write(line)
            self.results.close()
        return int(line["exit_code"])

    async def _close(self) -> None:
        await self.bench.stop()
        try:
            await self.wire.close()
        except WireError as error:
            self.broken = self.broken or str(error)

    @staticmethod
    def _clean(out: Path) -> None:
        """Remove what an earlier run left of the files that this run writes."""
        import shutil

        for name in ("results.jsonl", "plan.json", "declaration.yaml", "junit.xml", "report.html"):
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / "evidence", ignore_errors=True)

    def _write_text(self, path: Path, text: str) -> None:
        try:
            path.write_text(self._redactor.text(text), encoding="utf-8")
        except OSError as error:
            raise ResultsError(f"cannot write {path}: {error.strerror}") from error

    # tests

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Run a coroutine on the session loop, cancelled after ``seconds``, and by the user's KeyboardInterrupt."""

        async def bounded() -> T:
            if seconds is None:
                return await coroutine
            async with self.wire.timeout(seconds, "the end of the test"):
                return await coroutine

        task = self.loop.create_task(bounded())
        try:
            return self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                self.loop.run_until_complete(task)
            raise

    def limit(self, requirement_id: str, name: str) -> Limit:
        """A limit of a requirement, under the declared timer scale."""
        requirement = self.settings.catalogue.requirement(requirement_id)
        try:
            limit = requirement.limits[name]
        except KeyError:
            known = ", ".join(requirement.limits) or "none"
            raise LookupError(f"{requirement_id} has no limit {name!r} (has: {known})") from None
        return limit.scaled(self.settings.plan.scale)

    def begin_test(self, name: str) -> Path:
        """Evidence of this test goes to the folder returned, from now on."""
        self._folder = folder = self.settings.out / "evidence" / name
        self.wire.begin(folder, name)
        self.wire.random.seed(seed_of(self.settings.seed, name))
        return folder

    def keep(self, name: str, data: bytes) -> str:
        """Keep bytes as a file beside the capture of the present test, secrets masked; returns its path in the folder
        of the run. Raises ResultsError."""
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._redactor.data(data))
        except OSError as error:
            raise ResultsError(f"cannot write {path}: {error.strerror}") from error
        return str(path.relative_to(self.settings.out))

    def end_test(self) -> None:
        """The evidence of the test is complete."""
        self.wire.end()

    def record(
        self, nodeid: str, name: str, checks: Checks | None, judgement: Judgement, duration: float, started: float
    ) -> None:
        """Write the result line of a test and count it."""
        requirements = {i: str(v) for i, v in judgement.requirements.items()}
        self.tests.append({"verdict": str(judgement.verdict), "requirements": requirements})
        self.results.write(
            {
                "kind": "test",
                "index": self.order.get(nodeid, 0),
                "id": name,
                "nodeid": nodeid,
                "verdict": judgement.verdict,
                "requirements": requirements,
                "reason": {"zh": judgement.reason.zh, "en": judgement.reason.en},
                "checks": [check.document() for check in checks.records] if checks else [],
                "controls": [{"held": c.held, "about": {"zh": c.about.zh, "en": c.about.en}} for c in checks.controls]
                if checks
                else [],
                **({"fault": checks.fault} if checks and checks.fault else {}),
                "figures": checks.figures if checks else {},
                "started": round(started, 6),
                "duration": round(duration, 6),
                "seed": seed_of(self.settings.seed, name),
                "evidence": f"evidence/{name}",
            }
        )

    # lines

    def _header(self, plan: dict[str, Any]) -> dict[str, Any]:
        device = self.settings.loaded.declaration.device
        return {
            "kind": "header",
            "kandian": "results/1",
            "tool": version("kandian"),
            "python": platform.python_version(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "edition": self.settings.plan.edition,
            "profile": self.settings.plan.profile.id,
            "plan_digest": plan["digest"],
            "spec_digest": self.settings.plan.spec_digest,
            "declaration_digest": self.settings.loaded.digest,
            "seed": self.settings.seed,
            "timer_scale": self.settings.plan.scale,
            "language": self.settings.language,
            "device": {
                "dev_id": device.dev_id,
                "manufacturer": device.manufacturer,
                "model": device.model,
                "version": device.version,
                "address": self.settings.loaded.address,
            },
        }
