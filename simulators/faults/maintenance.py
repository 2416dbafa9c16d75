"""Faults of remote reboot and upgrade."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from conformance.protocols.tykd_frame import ReceivedFrame
from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.firmware import MAGIC, BadImage
from simulators.camera.ftp_download import FtpSession
from simulators.camera.link import Link
from simulators.camera.platform_client import PlatformClient
from simulators.camera.upgrade import PowerCut, Progress, Upgrade
from simulators.faults.registry import mutant

SLOW_BOOT = 200.0


@mutant(violates="IF-MNT-01")
class SlowAfterReboot(Camera):
    """After a reboot the camera waits out a fixed delay of minutes before it contacts the platform."""

    zh = "重启后先等待数分钟的固定延时才连接平台。"

    async def power_on(self) -> None:
        if self.settings.boot_count:
            await asyncio.sleep(SLOW_BOOT * self.timers.scale)
        await super().power_on()


class _DropsFirst(Commands):
    async def on_REBOOT(self, message: Message) -> dict[str, Any]:
        found = await super().on_REBOOT(message)
        self.camera.network.drop_platform()
        self.camera.spawn(self.camera.restart())
        return found


@mutant(violates="IF-MNT-01a")
class RebootsBeforeItAnswers(Camera):
    """The reboot begins before the answer is written."""

    zh = "应答尚未发出就开始重启。"
    commands_class = _DropsFirst


@mutant(violates="IF-MNT-01b")
class RebootsTwice(Camera):
    """The flag that asks for a reboot is not cleared until the second start."""

    zh = "重启标志到第二次启动后才清除。"
    flag = False

    async def restart(self) -> None:
        self.flag = not self.flag
        await super().restart()

    async def went_online(self) -> None:
        await super().went_online()
        if self.flag:
            self.spawn(self.restart())


class _ReadsNoBody(Commands):
    def check_device(self, message: Message) -> None:
        if message.name != "REBOOT":
            super().check_device(message)


@mutant(violates="IF-MNT-01c")
class RebootsForAnyDevice(Camera):
    """REBOOT is carried out whatever DevID it holds."""

    zh = "不检查 REBOOT 中的 DevID，一律重启。"
    commands_class = _ReadsNoBody


class _WritesWrongSlot(Upgrade):
    def switch(self, version: str) -> None:
        self.camera.save()


@mutant(violates="IF-MNT-03")
class BootsTheOldSlot(Camera):
    """After an upgrade the camera restarts from the slot that holds the old version."""

    zh = "升级后仍从旧版本所在的分区启动。"
    upgrade_class = _WritesWrongSlot


class _FailsSilently(Upgrade):
    def failed(self, error: Exception) -> None:
        return


@mutant(violates="IF-MNT-03a")
class FailedDownloadNotReported(Camera):
    """A download that fails is not reported."""

    zh = "镜像下载失败时不上报异常。"
    upgrade_class = _FailsSilently


class _RestartsOnFailure(Upgrade):
    def failed(self, error: Exception) -> None:
        super().failed(error)
        self.camera.spawn(self.camera.restart())


@mutant(violates="IF-MNT-03a")
class RestartsAfterFailedDownload(Camera):
    """The camera stops its services for the download and restarts when it fails."""

    zh = "下载失败后设备重启。"
    upgrade_class = _RestartsOnFailure


class _KeepsAccount(Upgrade):
    def server(self, request: Message) -> dict[str, str]:
        found = super().server(request)
        self.camera.ftp_account = found
        return found


@mutant(violates="IF-MNT-03b")
class UpgradeOverwritesFtpSettings(Camera):
    """FTP parameters of UPGRADE are written into the general FTP settings."""

    zh = "UPGRADE 中的 FTP 参数被写入通用 FTP 设置。"
    upgrade_class = _KeepsAccount


class _WaitsForUpgrade(PlatformClient):
    async def on_request(self, link: Link, frame: ReceivedFrame) -> None:
        while self.camera.upgrade.busy:
            await asyncio.sleep(0.05)
        await super().on_request(link, frame)


@mutant(violates="IF-MNT-03c")
class DownloadsInTheSignallingThread(Camera):
    """Commands are not read while an image is downloaded."""

    zh = "下载镜像期间不处理平台命令。"
    client_class = _WaitsForUpgrade


class SpareSlotLocked(Camera):
    """A camera that opens its spare slot once and never closes it."""

    locked = False


class _LastCommandWins(Commands):
    async def on_UPGRADE(self, message: Message) -> dict[str, Any]:
        if self.camera.upgrade.busy:
            self.camera.upgrade = self.camera.upgrade_class(self.camera)
        return await super().on_UPGRADE(message)


class _GivesUpForAnother(Upgrade):
    camera: SpareSlotLocked

    def reached(self, percent: float) -> None:
        super().reached(percent)
        if self.camera.upgrade is not self:
            raise BadImage("another upgrade was asked for")

    async def attempt(self, request: Message) -> None:
        if self.camera.locked:
            raise BadImage("the spare slot is locked")
        self.camera.locked = True
        await super().attempt(request)


@mutant(violates="IF-MNT-03e")
class SecondUpgradeCancelsTheFirst(SpareSlotLocked):
    """A second upgrade command ends the one at work and then finds the spare slot locked."""

    zh = "第二条升级命令中止进行中的升级，随后因分区仍被占用而失败。"
    commands_class = _LastCommandWins
    upgrade_class = _GivesUpForAnother


class _InstallsAnything(Upgrade):
    def check(self, image: bytes, wanted: str) -> str:
        return wanted


@mutant(violates="IF-MNT-04")
class AnyFileInstalled(Camera):
    """Whatever was downloaded is installed; NewDevVer becomes the version."""

    zh = "不校验下载内容，一律写入并重启。"
    upgrade_class = _InstallsAnything


class _TrustsHead(Upgrade):
    """Takes images that the maker's check refuses for the reasons named in ``tolerated``."""

    tolerated: tuple[str, ...] = ()

    def check(self, image: bytes, wanted: str) -> str:
        try:
            return super().check(image, wanted)
        except BadImage as error:
            if any(reason in str(error) for reason in self.tolerated) and self.tolerable(image):
                return wanted
            raise

    def tolerable(self, image: bytes) -> bool:
        """Whether this very image slips through."""
        return True


def payload_lengths(image: bytes) -> tuple[int, int]:
    """Length of the payload as it is, and as its head tells."""
    head, _, payload = image[len(MAGIC) :].split(b"\n", 2)
    return len(payload), int(json.loads(head)["size"])


class _IgnoresLength(_TrustsHead):
    tolerated = ("cut off or changed",)

    def tolerable(self, image: bytes) -> bool:
        found, told = payload_lengths(image)
        return found < told


@mutant(violates="IF-MNT-04a")
class TruncatedImageInstalled(Camera):
    """The length in the head of an image is not compared with what arrived."""

    zh = "不核对镜像头中的长度，截断的镜像也被写入。"
    upgrade_class = _IgnoresLength


class _IgnoresDigest(_TrustsHead):
    tolerated = ("cut off or changed",)

    def tolerable(self, image: bytes) -> bool:
        found, told = payload_lengths(image)
        return found == told


@mutant(violates="IF-MNT-04b")
class ChangedImageInstalled(Camera):
    """Only the head of an image is verified, not what follows it."""

    zh = "仅校验镜像头，不校验其后的内容。"
    upgrade_class = _IgnoresDigest


class _IgnoresSignature(_TrustsHead):
    tolerated = ("signature",)


@mutant(violates="IF-MNT-04b")
class AnyKeyAccepted(Camera):
    """The digests of an image are compared, but its signature is not verified."""

    zh = "只比较摘要，不验证签名，他人签名的镜像也被写入。"
    upgrade_class = _IgnoresSignature


class _IgnoresModel(_TrustsHead):
    tolerated = ("the image is for",)


@mutant(violates="IF-MNT-04c")
class OtherModelInstalled(Camera):
    """An image for another model of the maker is installed."""

    zh = "同厂商其他型号的镜像被写入。"
    upgrade_class = _IgnoresModel


class _TrustsNewDevVer(_TrustsHead):
    tolerated = ("is not newer", "announced was")


@mutant(violates="IF-MNT-04d")
class VersionTakenFromTheCommand(Camera):
    """NewDevVer of the command decides about the version, not the image."""

    zh = "以命令中的 NewDevVer 判断版本，不看镜像头。"
    upgrade_class = _TrustsNewDevVer


class _TakesAll(Upgrade):
    async def download(self, session: FtpSession, name: str, progress: Progress) -> bytes:
        total = await session.size(name)
        return await session.retrieve(name, max(1, total), lambda percent: None)


@mutant(violates="IF-MNT-04e")
class DownloadsWithoutBound(Camera):
    """The size of an image is not looked at before and while it is downloaded."""

    zh = "下载前与下载中均不检查镜像大小。"
    upgrade_class = _TakesAll


class _StaysBusy(Upgrade):
    @property
    def busy(self) -> bool:
        return self.state != "idle"


@mutant(violates="IF-MNT-05")
class NoUpgradeAfterAFailedOne(Camera):
    """The flag of a running upgrade stays set when the download breaks."""

    zh = "下载中断后升级标志未清除，无法再次升级。"
    upgrade_class = _StaysBusy


class _InstallsWhatCame(_TrustsHead):
    async def download(self, session: FtpSession, name: str, progress: Progress) -> bytes:
        total = await session.size(name)
        return await session.retrieve(name, total, progress)

    tolerated = ("cut off",)


@mutant(violates="IF-MNT-05")
class HalfAnImageInstalled(Camera):
    """The end of the data connection counts as the end of the image."""

    zh = "以数据连接结束作为下载完成，不完整的镜像被写入。"
    upgrade_class = _InstallsWhatCame


class BrickedByCut(Camera):
    """A camera that does not boot any more when its supply fails between two points of an upgrade (percent)."""

    fragile = (0.0, 100.0)
    bricked = False

    async def power_on(self) -> None:
        if not self.bricked:
            await super().power_on()


class _WritesInPlace(Upgrade):
    camera: BrickedByCut

    def reached(self, percent: float) -> None:
        low, high = self.camera.fragile
        try:
            super().reached(percent)
        except PowerCut:
            self.camera.bricked = low <= percent < high
            raise


@mutant(violates="IF-MNT-05a")
class BootLoaderUpdatedFirst(BrickedByCut):
    """The boot loader is written at the beginning of the download; a power cut then bricks the camera."""

    zh = "下载开始时先改写引导程序，此时断电即变砖。"
    upgrade_class = _WritesInPlace
    fragile = (0.0, 30.0)


@mutant(violates="IF-MNT-05b")
class WritesTheBootSlotWhileDownloading(BrickedByCut):
    """The image is written into the running slot as it arrives; a power cut half way bricks the camera."""

    zh = "边下载边写启动分区，中途断电即变砖。"
    upgrade_class = _WritesInPlace
    fragile = (30.0, 80.0)


@mutant(violates="IF-MNT-05c")
class BootFlagSwitchedTooEarly(BrickedByCut):
    """The boot flag points to the new slot before it is written; a power cut near the end bricks the camera."""

    zh = "新分区写入完成之前就切换启动标志，末尾断电即变砖。"
    upgrade_class = _WritesInPlace
    fragile = (80.0, 100.0)


class _FactoryReset(Upgrade):
    def switch(self, version: str) -> None:
        self.camera.settings.streams = self.camera.factory_settings(version, "").streams
        super().switch(version)


@mutant(violates="IF-MNT-06")
class SettingsLostOnUpgrade(Camera):
    """An upgrade puts the video parameters back to the factory values."""

    zh = "升级后视频参数恢复出厂值。"
    upgrade_class = _FactoryReset


class _ClearsPlan(Upgrade):
    def switch(self, version: str) -> None:
        self.camera.settings.record_policies = []
        super().switch(version)


@mutant(violates="IF-MNT-06")
class RecordPlanLostOnUpgrade(Camera):
    """An upgrade clears the record plan."""

    zh = "升级后录像策略被清空。"
    upgrade_class = _ClearsPlan
