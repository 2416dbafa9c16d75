"""Steps of the cloud upload suite: accounts of the bench's own store, recordings that make uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.model.checks import say
from conformance.peers.bench import Bench
from conformance.peers.cloud_store import CloudStore, Upload
from conformance.peers.faults import NoAnswer
from conformance.peers.province import Province
from conformance.suites.camera.record_steps import BEIJING, CLOUD, Records, kept_plan
from conformance.suites.camera.registration_steps import longest
from specs.model import Limit

NO_SPACE = 0
SPACE = 512
UPLOADED = say("有上传", "there is an upload")


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """An account at the bench's store. ``space``: MB."""

    name: str
    secret: str
    bucket: str
    space: int = SPACE


class CloudBench:
    """A store, the accounts at it, and a recorder that makes files for it."""

    def __init__(self, province: Province, store: CloudStore, records: Records) -> None:
        self.province, self.store, self.records = province, store, records

    def account(self, space: int = SPACE) -> CloudAccount:
        """A new account with a bucket of its own."""
        mark = f"{self.province.wire.random.getrandbits(32):08x}"
        account = CloudAccount(f"AK{mark}", f"secret{mark}", f"record-{mark}", space)
        self.store.accounts[account.name] = account.secret
        self.store.buckets.add(account.bucket)
        return account

    async def give(self, account: CloudAccount) -> None:
        """SET_ESTORE with this account."""
        await self.province.command(
            "SET_ESTORE",
            within=self.records.within,
            URL=self.store.url,
            Account=account.name,
            Password=account.secret,
            EStorgeSpace=account.space,
            ERecordBucket=account.bucket,
            EPictureBucket=account.bucket,
        )

    async def record(self, length: Limit) -> datetime:
        """Make one recording of that length; when it was begun."""
        begun = self.records.now
        await self.records.full(1)
        await self.province.wire.sleep(length.seconds)
        await self.records.full(0)
        return begun

    async def uploads(self, account: CloudAccount, count: int, within: Limit) -> list[Upload]:
        """Uploads of that account, once there are ``count``, or those that there are after ``within``."""
        until = self.province.wire.now() + longest(within)
        while len(found := self.store.of(account.name)) < count and self.province.wire.now() < until:
            try:
                await self.store.uploads.next(until - self.province.wire.now())
            except NoAnswer:
                break
        return found


@asynccontextmanager
async def cloud_bench(bench: Bench, within: Limit) -> AsyncIterator[CloudBench]:
    """A store that answers, a device that records only on command; afterwards the device has no space again."""
    province = bench.province
    await province.online(within=bench.limits["back_online_wait"].seconds)
    async with CloudStore(bench.wire, bench.loaded.declaration.bench.host, bench.limits) as store:
        async with kept_plan(Records(province, within.seconds, store=CLOUD)) as records:
            await records.full(0)
            yield CloudBench(province, store, records)
        await province.command("SET_ESTORE", within=within.seconds, EStorgeSpace=NO_SPACE)


def start_digits(moment: datetime) -> set[str]:
    """How a start time may stand in a name, digits only: in Beijing time or UTC."""
    return {moment.astimezone(zone).strftime("%Y%m%d%H%M%S") for zone in (BEIJING, UTC)}
