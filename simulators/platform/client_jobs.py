"""Operations on upgrade jobs, and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from sqlalchemy import func, select

from simulators.platform.client_call import Body, Call
from simulators.platform.client_terminals import DevId
from simulators.platform.database import Row
from simulators.platform.refused import Refused
from simulators.platform.tables import AUDIT
from simulators.platform.upgrades import Wanted

if TYPE_CHECKING:
    from simulators.platform.platform import Platform


class Job(Body, frozen=True):
    """POST /upgrade-jobs."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=31)]
    source: Annotated[str, msgspec.Meta(pattern=r"^ftp://[!-~]{1,240}$")]
    terminals: Annotated[list[DevId], msgspec.Meta(min_length=1, max_length=10000)]
    stages: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=20)] = (100,)
    highest_failure: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    downgrade: bool = False


class JobOperations:
    """Upgrades by owner (own devices) or operator."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def start(self, call: Call) -> dict[str, Any]:
        """Begin a job."""
        body = call.body(Job)
        if len(set(body.terminals)) != len(body.terminals):
            raise Refused("bad_request", "terminals")
        for terminal in body.terminals:
            self.platform.rights.check(call.user, terminal, "upgrade")
        wanted = Wanted(body.version, body.source, body.terminals, body.stages, body.highest_failure, body.downgrade)
        job = self.platform.upgrades.start(call.who, wanted)
        self.platform.audit.note(call.who, "upgrade", ",".join(body.terminals)[:200], detail=job, address=call.address)
        return self.shown(self.found_job(call, job))

    def found_job(self, call: Call, job: str) -> Row:
        """A job of the caller; operators see all. Raises Refused."""
        found = self.platform.upgrades.job(job)
        if found is None or (call.user["role"] != "operator" and found["by"] != call.who):
            raise Refused("not_found")
        return found

    def shown(self, job: Row) -> dict[str, Any]:
        """A job as an answer; the account of the file server stays out of it."""
        devices = [
            {"terminal": d["device"], "stage": d["stage"], "state": d["state"], "reason": d["why"]}
            for d in job.get("devices", ())
        ]
        return {
            "id": job["id"],
            "version": job["version"],
            "state": job["state"],
            "stages": [int(stage) for stage in str(job["stages"]).split(",")],
            "highestFailure": job["highest_failure"],
            "time": self.platform.clock.text(job["at"]),
            "terminals": devices,
        }

    async def listed(self, call: Call) -> dict[str, Any]:
        """Jobs, newest first."""
        call.known("page", "size")
        jobs = [j for j in self.platform.upgrades.jobs() if call.user["role"] == "operator" or j["by"] == call.who]
        size, offset = call.page()
        return call.paged([self.shown(job) for job in jobs[offset : offset + size]], len(jobs))

    async def show(self, call: Call) -> dict[str, Any]:
        """One job with its devices."""
        return self.shown(self.found_job(call, call.part("job")))

    async def stop(self, call: Call) -> None:
        """Begin no further stage."""
        job = self.found_job(call, call.part("job"))
        self.platform.upgrades.stop(str(job["id"]))
        self.platform.audit.note(call.who, "upgrade-stop", detail=str(job["id"]), address=call.address)

    async def audit(self, call: Call) -> dict[str, Any]:
        """The audit log."""
        call.known("terminal", "action", "page", "size")
        if call.user["role"] != "operator":
            raise Refused("forbidden")
        terminal, action = (call.request.query.get(name, "") for name in ("terminal", "action"))
        size, offset = call.page()
        rows = self.platform.audit.entries(device=terminal, action=action, limit=size, offset=offset)
        count = select(func.count()).select_from(AUDIT)
        if terminal:
            count = count.where(AUDIT.c.device == terminal)
        if action:
            count = count.where(AUDIT.c.action == action)
        items = [
            {
                "id": row["id"],
                "time": self.platform.clock.text(row["at"]),
                "who": row["who"],
                "action": row["action"],
                "terminal": row["device"],
                "outcome": row["outcome"],
                "detail": row["detail"],
                "address": row["from_address"],
            }
            for row in rows
        ]
        return call.paged(items, int(self.platform.database.value(count) or 0))
