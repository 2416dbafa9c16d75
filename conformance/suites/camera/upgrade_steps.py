"""Ordering upgrades and judging what the device does with the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.device_link import Received
from conformance.peers.faults import NoAnswer
from conformance.peers.firmware_images import Image
from conformance.peers.firmware_server import FirmwareServer
from conformance.peers.province import Exchanged, Province
from conformance.plugin.fixtures import Limits
from conformance.suites.camera.maintenance_steps import STAYS, in_unit, reported_at
from conformance.suites.camera.registration_steps import longest
from specs.model import Limit, Text

REPORTED = say("以 EXCEPTION_NOTIFY 上报", "a report with EXCEPTION_NOTIFY")
FETCHED = say("设备向 FTP 服务器请求了该文件", "the device asked the FTP server for the file")
USED_UP = say(
    "声明中没有更新版本的合法镜像可用", "the declaration names no valid image of a newer version that is left"
)
NOT_TAKEN = say("设备拒绝了升级命令，未取镜像", "the device refused the command itself and looked at no image")
SILENT = say("没有上报", "no report")
NEW_LOGIN = say("以新版本登录", "a login with the new version")
DOWNLOAD_FAILED = "11"
LOOKS = 20


def firmware_server(bench: Bench) -> FirmwareServer:
    """A server for images where the bench listens; use as ``async with``."""
    return FirmwareServer(bench.wire, bench.loaded.declaration.bench.host, bench.limits)


@dataclass(frozen=True, slots=True)
class Upgrades:
    """Upgrades of the device from one FTP server, judged for one requirement."""

    bench: Bench
    ftp: FirmwareServer
    check: Checks
    limits: Limits
    requirement: str

    @property
    def province(self) -> Province:
        """The platform that orders upgrades."""
        return self.bench.province

    @property
    def version(self) -> str:
        """DevVer of the last login."""
        logins = self.province.messages("LOGIN")
        return logins[-1].message.get("DevVer") if logins else ""

    @property
    def announced(self) -> str:
        """A NewDevVer that a device would take: that of the next valid image; empty where there is none."""
        image = self.bench.images.after(self.version)
        return image.version if image else ""

    def newer(self) -> Image | None:
        """The next valid image; None, noted as inconclusive, when they are used up."""
        image = self.bench.images.after(self.version)
        if image is None:
            self.check.inconclusive(self.requirement, USED_UP)
        return image

    def registrations(self, since: float) -> int:
        """Registrations after ``since``."""
        return sum(received.at > since for received in self.bench.registrar.received)

    # orders

    async def order(self, image: Image, announced: str = "", within: Limit | None = None) -> Exchanged:
        """UPGRADE for an image that the server offers from now on. Raises DeviceFault."""
        self.ftp.files[image.name] = image.data
        return await self.command(image.name, announced or image.version, self.ftp.elements, within)

    async def command(
        self, name: str, announced: str, elements: Mapping[str, Any], within: Limit | None = None
    ) -> Exchanged:
        """UPGRADE for a file of that name; ``elements`` tell the server, an empty version is left out."""
        wait = longest(within or self.bench.limits["answer_wait"])
        values = {**({"NewDevVer": announced} if announced else {}), "FtpFileName": name, **elements}
        return await self.province.command("UPGRADE", within=wait, **values)

    # what comes of them

    def exceptions(self, since: float, kind: str = "") -> list[Received]:
        """Every EXCEPTION_NOTIFY (of that ExceptionType) after ``since``.

        What came at ``since`` itself had come before: between events the wire clock stands still.
        """
        found = [r for r in self.province.messages("EXCEPTION_NOTIFY", since=since) if r.at > since]
        return [r for r in found if r.message.get("ExceptionType") == kind] if kind else found

    async def exception(self, since: float, limit: Limit, kind: str = "") -> Received | None:
        """The first such notice after ``since``; None when the limit passes or the connection ends first."""
        link, until = self.province.link, since + longest(limit)
        while not (found := self.exceptions(since, kind)):
            rest = until - self.bench.wire.now()
            if rest <= 0 or link is None or not link.open:
                return None
            try:
                await self.province.next("EXCEPTION_NOTIFY", within=min(rest, longest(limit) / LOOKS))
            except NoAnswer:
                continue
        return found[0]

    async def finished(self, image: Image, since: float, limit: Limit) -> bool:
        """Judge that the device logs in with the version of the image within the limit of ``since``."""
        link = self.province.link
        notice = await self.exception(since, limit, DOWNLOAD_FAILED)
        if notice is not None and link is not None and link.open:
            reason = notice.message.get("ExceptionDesc")
            observed = say(f"设备上报: {reason}", f"the device reported: {reason}")
            return self.check.fail(self.requirement, NEW_LOGIN, observed, image.name)
        at = await reported_at(self.province, since, limit)
        if at is None:
            return self.check.fail(self.requirement, NEW_LOGIN, say("未上线", "it did not come online"), image.name)
        self.check.within(self.requirement, in_unit(limit, at - since), limit, NEW_LOGIN)
        return self.check.equal(self.requirement, self.version, image.version, "DevVer")

    async def succeeds(self, image: Image, limit: Limit) -> bool:
        """Order an upgrade with a valid image and judge that it is carried out."""
        exchanged = await self.order(image)
        if not self.check.equal(self.requirement, exchanged.result, 0, "UPGRADE"):
            return False
        return await self.finished(image, exchanged.answered_at, limit)

    async def refused(self, image: Image, announced: str, about: Text | str = "") -> bool:
        """Order an upgrade with an image that must be refused: a report comes, no restart, DevVer as before."""
        limit = self.limits(self.requirement)
        link, before, sent = await self.province.online(), self.version, self.bench.wire.now()
        self.check.step("s2")
        exchanged = await self.order(image, announced)
        if exchanged.result != 0:
            return self.check.inconclusive(self.requirement, NOT_TAKEN)
        notice = await self.exception(sent, limit.refuse_time)
        self.check.control(self.ftp.asked_for(image.name, sent), FETCHED)
        if notice is not None:
            self.check.within(
                self.requirement, in_unit(limit.refuse_time, notice.at - sent), limit.refuse_time, REPORTED
            )
        elif link.open:
            self.check.fail(self.requirement, REPORTED, SILENT, about)
        self.check.step("s3")
        closed = await link.ended(limit.watch.seconds)
        count = self.registrations(sent)
        observed = say(f"连接断开: {closed}，注册 {count} 次", f"connection ended: {closed}, {count} registrations")
        if not self.check.true(self.requirement, not closed and count == 0, STAYS, observed, about):
            return False
        return self.check.equal(self.requirement, self.version, before, "DevVer")
