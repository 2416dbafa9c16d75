"""Upgrade jobs: stage after stage, stopped as soon as too many devices of a stage have failed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import insert, select, update

from simulators.platform.database import Row
from simulators.platform.devices import version_order
from simulators.platform.refused import Refused
from simulators.platform.tables import JOB_DEVICES, JOBS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

RESULT_WAIT = 600.0
STEP = 0.05
FINAL = ("done", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job. ``source``: ftp URL of the image; ``stages``: percentages that rise to 100; ``highest_failure``: share of
    failed devices of a stage, 0..1, above which the job stops; ``downgrade``: an older version is meant."""

    version: str
    source: str
    devices: Sequence[str]
    stages: Sequence[int] = (100,)
    highest_failure: float = 0.0
    downgrade: bool = False


class Upgrades:
    """Every job of the platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    # what a job is

    def start(self, user: str, wanted: Wanted) -> str:
        """Begin a job. Raises Refused: bad_request, downgrade."""
        self.check(wanted)
        job, database = self.platform.new_id(), self.platform.database
        values: Row = {"id": job, "by": user, "version": wanted.version, "file": wanted.source, "state": "running"}
        values |= {"stages": ",".join(map(str, wanted.stages)), "highest_failure": wanted.highest_failure}
        now = self.platform.clock.now()
        database.change(insert(JOBS).values(values | {"at": now, "downgrade": int(wanted.downgrade)}))
        done = 0
        for number, percent in enumerate(wanted.stages):
            upto = math.ceil(len(wanted.devices) * percent / 100)
            for device in wanted.devices[done:upto]:
                database.change(insert(JOB_DEVICES).values(job=job, device=device, stage=number, since=now))
            done = max(done, upto)
        self.platform.spawn(self.run(job, wanted))
        return job

    def check(self, wanted: Wanted) -> None:
        """Whether the job makes sense and every device may have that version. Raises Refused."""
        stages = list(wanted.stages)
        if not wanted.devices or not stages or stages != sorted(set(stages)) or stages[0] < 1 or stages[-1] != 100:
            raise Refused("bad_request", "stages")
        try:
            new = version_order(wanted.version)
            source(wanted.source)
        except ValueError as error:
            raise Refused("bad_request", str(error)) from None
        for dev_id in wanted.devices:
            device = self.platform.devices.find(dev_id)
            if device is None:
                raise Refused("not_found", dev_id)
            if device["version"] and new < version_order(str(device["version"])) and not wanted.downgrade:
                raise Refused("downgrade", dev_id)

    def job(self, job: str) -> Row | None:
        """A job with its devices."""
        found = self.platform.database.row(select(JOBS).where(JOBS.c.id == job))
        if found is not None:
            found["devices"] = self._devices(job)
        return found

    def jobs(self) -> list[Row]:
        """Every job, newest first."""
        return self.platform.database.rows(select(JOBS).order_by(JOBS.c.at.desc()))

    def stop(self, job: str) -> None:
        """Begin no further stage."""
        running = update(JOBS).where(JOBS.c.id == job, JOBS.c.state == "running")
        self.platform.database.change(running.values(state="stopped"))
        self._settle(job, "waiting", "skipped", "the job was stopped")

    def _devices(self, job: str, stage: int | None = None) -> list[Row]:
        query = select(JOB_DEVICES).where(JOB_DEVICES.c.job == job).order_by(JOB_DEVICES.c.id)
        return self.platform.database.rows(query if stage is None else query.where(JOB_DEVICES.c.stage == stage))

    # how it runs

    async def run(self, job: str, wanted: Wanted) -> None:
        """Stage after stage."""
        for stage in range(len(wanted.stages)):
            rows = self._devices(job, stage)
            await asyncio.gather(*(self.one(job, str(row["device"]), wanted) for row in rows))
            if self.too_many_failed(self._devices(job, stage), wanted.highest_failure):
                self.stop(job)
                self.platform.audit.note("platform", "upgrade-stopped", outcome="failure-rate", detail=job)
                return
            if self._state(job) != "running":
                return
        self.platform.database.change(update(JOBS).where(JOBS.c.id == job).values(state="done"))

    def too_many_failed(self, rows: Sequence[Row], highest: float) -> bool:
        """Whether a stage went so badly that no further device may be touched."""
        failed = sum(row["state"] == "failed" for row in rows)
        return bool(rows) and failed / len(rows) > highest

    def _state(self, job: str) -> str:
        return str(self.platform.database.value(select(JOBS.c.state).where(JOBS.c.id == job)))

    async def one(self, job: str, dev_id: str, wanted: Wanted) -> None:
        """One device: the command, then its login with the new version, or a failure."""
        try:
            self._mark(job, dev_id, "running")
            await self.platform.commands.ask(dev_id, "UPGRADE", NewDevVer=wanted.version, **source(wanted.source))
        except Refused as refused:
            self._mark(job, dev_id, "failed", refused.code)
            return
        rest = self.platform.clock.long(RESULT_WAIT)
        while rest > 0:
            await asyncio.sleep(STEP)
            rest -= STEP
            if self._device_state(job, dev_id) in FINAL:
                return
        self._mark(job, dev_id, "failed", "timeout")

    def _device_state(self, job: str, dev_id: str) -> str:
        query = select(JOB_DEVICES.c.state).where(JOB_DEVICES.c.job == job, JOB_DEVICES.c.device == dev_id)
        return str(self.platform.database.value(query))

    def _mark(self, job: str, dev_id: str, state: str, why: str = "") -> None:
        where = update(JOB_DEVICES).where(JOB_DEVICES.c.job == job, JOB_DEVICES.c.device == dev_id)
        now = self.platform.clock.now()
        self.platform.database.change(where.values(state=state, why=why, since=now))

    def _settle(self, job: str, old: str, new: str, why: str) -> None:
        where = update(JOB_DEVICES).where(JOB_DEVICES.c.job == job, JOB_DEVICES.c.state == old)
        self.platform.database.change(where.values(state=new, why=why))

    # what devices say

    def logged_in(self, dev_id: str, version: str) -> None:
        """A device is back; only with the version that was meant has its upgrade worked."""
        for row in self._running(dev_id):
            wanted = self.platform.database.value(select(JOBS.c.version).where(JOBS.c.id == row["job"]))
            if version == wanted:
                self._mark(str(row["job"]), dev_id, "done")

    def failed(self, dev_id: str, why: str) -> None:
        """A device says that it could not do it."""
        for row in self._running(dev_id):
            self._mark(str(row["job"]), dev_id, "failed", why[:127] or "reported by the device")

    def _running(self, dev_id: str) -> list[Row]:
        running = JOB_DEVICES.c.device == dev_id, JOB_DEVICES.c.state == "running"
        return self.platform.database.rows(select(JOB_DEVICES).where(*running))


def source(url: str) -> dict[str, Any]:
    """The elements of UPGRADE for an ftp URL. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "ftp" or not parts.hostname or len(parts.path) < 2:
        raise ValueError("the source of an image is an ftp://user:password@host:port/file URL")
    account = {"FtpAccount": unquote(parts.username or ""), "FtpPassword": unquote(parts.password or "")}
    where = {"FtpIP": parts.hostname, "FtpPort": parts.port or 21}
    return {**where, **account, "FtpFileName": unquote(parts.path[1:])}
