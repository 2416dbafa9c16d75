"""ONV-UPG-01 to ONV-UPG-05: firmware by HTTP POST. Only images that the declaration names for this are uploaded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.firmware_images import Image
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import PROBE, Onvif
from conformance.peers.onvif.services import reachable
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.onvif.device_steps import answered, good, not_offered, unauthorized
from conformance.suites.camera.onvif.reboot_steps import back, gone
from specs.model import Limit

TRUNCATED_PART = 0.1
NO_IMAGE = say("声明未提供该镜像", "the declaration names no such image")
NOT_THERE = say("设备没有 StartFirmwareUpgrade", "the device has no StartFirmwareUpgrade")
UNSUPPORTED = 415
TOO_LARGE = (413, 415)
SENT = 4096
OCTETS = ("Content-Type", "application/octet-stream")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def seconds_of(duration: str) -> float | None:
    """Seconds of an xs:duration without years and months; None for anything else."""
    found = _DURATION.fullmatch(duration.strip())
    if found is None or not any(found.groups()):
        return None
    parts = (float(part or 0) for part in found.groups())
    return sum(part * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=True))


@dataclass(slots=True)
class Upgrade:
    """The steps of one test. ``requirement``: what they are judged by."""

    onvif: Onvif
    check: Checks
    requirement: str
    longest_delay: Limit

    async def version(self) -> str:
        """FirmwareVersion, empty for none."""
        return (await self.onvif.call(*PROBE)).value("FirmwareVersion") or ""

    async def start(self) -> str:
        """StartFirmwareUpgrade; the address for the upload, empty when there is none."""
        answer = await self.onvif.call("device", "StartFirmwareUpgrade")
        if not_offered(answer):
            self.check.not_applicable(self.requirement, NOT_THERE)
            return ""
        if not answered(self.check, self.requirement, answer):
            return ""
        for name in ("UploadDelay", "ExpectedDownTime"):
            told = answer.value(name) or ""
            self.check.true(self.requirement, seconds_of(told) is not None, "xs:duration", told, name)
        delay = min(seconds_of(answer.value("UploadDelay") or "") or 0.0, self.longest_delay.seconds)
        if delay:
            await self.onvif.wire.sleep(delay)
        address = answer.value("UploadUri") or ""
        self.check.true(
            self.requirement, bool(address), say("上传地址", "an address to upload to"), address, "UploadUri"
        )
        return reachable(address, self.onvif.url) if address else ""

    async def upload(self, image: bytes) -> Answer | None:
        """Start, then post; None when the upgrade cannot be started."""
        address = await self.start()
        if not address:
            return None
        seconds = self.onvif.declared.upgrade_time
        return await self.onvif.client.fetch("POST", address, image, headers=[OCTETS], within=seconds)

    async def refused(self, image: Image, version: str) -> None:
        """An image that must be refused with 415 and leave the device as it is."""
        answer = await self.upload(image.data)
        if answer is None:
            return
        self.check.equal(self.requirement, answer.status, UNSUPPORTED, image.name)
        await self.goes_on(version)

    async def goes_on(self, version: str) -> None:
        """The device works with its old version."""
        await self.onvif.settle()
        about = say("版本未变", "the same version")
        self.check.equal(self.requirement, await self.version(), version, about)


@verifies("ONV-UPG-01")
async def test_good_image(onvif: Onvif, bench: Bench, check: Checks, limits: Limits) -> None:
    """A newer version."""
    upgrade = Upgrade(onvif, check, "ONV-UPG-01", limits("ONV-UPG-01").longest_delay)
    check.step("s1")
    image = bench.images.after(await upgrade.version())
    if image is None:
        check.inconclusive("ONV-UPG-01", NO_IMAGE)
        return
    check.step("s2")
    answer = await upgrade.upload(image.data)
    if answer is None or not check.equal("ONV-UPG-01", answer.status, 200, image.name):
        return
    check.step("s3")
    seconds = onvif.declared.upgrade_time
    await gone(onvif, onvif.limits["death_wait"])
    came = await back(onvif, seconds)
    check.true("ONV-UPG-01", came, say("恢复", "it is back"), f"{seconds:g} s")
    if came:
        check.equal("ONV-UPG-01", await upgrade.version(), image.version, "FirmwareVersion")


@verifies("ONV-UPG-02")
async def test_corrupt_images(onvif: Onvif, bench: Bench, check: Checks, limits: Limits) -> None:
    """Noise, a part, a changed byte."""
    upgrade = Upgrade(onvif, check, "ONV-UPG-02", limits("ONV-UPG-02").longest_delay)
    check.step("s1")
    version = await upgrade.version()
    good_image = bench.images.after(version)
    if good_image is None:
        check.inconclusive("ONV-UPG-02", NO_IMAGE)
        return
    check.step("s2")
    noise = Image(f"noise-{good_image.name}", onvif.wire.random.randbytes(len(good_image.data)))
    for image in (noise, good_image.truncated(TRUNCATED_PART), good_image.changed()):
        await upgrade.refused(image, version)


@verifies("ONV-UPG-03")
async def test_foreign_model(onvif: Onvif, bench: Bench, check: Checks, limits: Limits) -> None:
    """Well signed, for somebody else."""
    upgrade = Upgrade(onvif, check, "ONV-UPG-03", limits("ONV-UPG-03").longest_delay)
    check.step("s1")
    version = await upgrade.version()
    image = bench.images.other("foreign_model")
    if image is None:
        check.inconclusive("ONV-UPG-03", NO_IMAGE)
        return
    check.step("s2")
    await upgrade.refused(image, version)


@verifies("ONV-UPG-04")
async def test_oversized_image(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """More than fits, announced only."""
    numbers = limits("ONV-UPG-04")
    upgrade = Upgrade(onvif, check, "ONV-UPG-04", numbers.longest_delay)
    check.step("s1")
    version = await upgrade.version()
    check.step("s2")
    address = await upgrade.start()
    if not address:
        return
    length = int(numbers.oversize.number)
    answer = await onvif.client.fetch("POST", address, bytes(SENT), headers=[OCTETS], length=length)
    refused = answer.status in TOO_LARGE or answer.dropped
    expected = say("413 或 415，或中断连接", "413 or 415, or the connection is dropped")
    check.true("ONV-UPG-04", refused, expected, answer.summary, f"Content-Length: {length}")
    check.step("s3")
    await upgrade.goes_on(version)


@verifies("ONV-UPG-05")
async def test_no_credentials(onvif: Onvif, check: Checks) -> None:
    """Nobody's upgrade."""
    check.step("s1")
    before = await onvif.call(*PROBE)
    if not good(check, before):
        return
    check.step("s2")
    answer = await onvif.call("device", "StartFirmwareUpgrade", auth="none")
    if not_offered(answer) or not onvif.client.username:
        check.not_applicable("ONV-UPG-05", NOT_THERE)
        return
    unauthorized(check, "ONV-UPG-05", answer, say("没有凭据的 StartFirmwareUpgrade", "StartFirmwareUpgrade, nobody's"))
    check.true("ONV-UPG-05", b"UploadUri" not in answer.raw, say("没有上传地址", "no address"), answer.summary)
    check.step("s3")
    after = await onvif.call(*PROBE)
    check.equal("ONV-UPG-05", after.value("FirmwareVersion"), before.value("FirmwareVersion"), "FirmwareVersion")
