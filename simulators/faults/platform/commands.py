"""Mutants of a platform that passes commands of users on to devices."""

from __future__ import annotations

import asyncio
from typing import Any

from simulators.faults.registry import mutant
from simulators.platform.device_commands import DeviceCommands
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused
from simulators.platform.rights import Rights
from simulators.platform.upgrades import Upgrades, Wanted

MAIN, STOP = 1, 0


class _Hopeful(DeviceCommands):
    async def set_video(self, dev_id: str, channel: int, stream: int, values: dict[str, int]) -> None:
        try:
            await super().set_video(dev_id, channel, stream, values)
        except Refused as refused:
            if refused.code != "device_refused":
                raise


@mutant(violates="IF-PAR-09")
class ARefusedSettingIsASuccess(Platform):
    """A setting that the device refuses is reported as carried out."""

    zh = "设备拒绝的参数设置仍报告成功。"
    commands_class = _Hopeful


class _MainOnly(DeviceCommands):
    async def set_video(self, dev_id: str, channel: int, stream: int, values: dict[str, int]) -> None:
        await super().set_video(dev_id, channel, MAIN, values)


@mutant(violates="IF-PAR-09")
class EverySettingGoesToTheMainStream(Platform):
    """Settings of the sub stream are sent for the main stream."""

    zh = "子码流的设置被发给主码流。"
    commands_class = _MainOnly


class _Remembered(DeviceCommands):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.known: dict[tuple[str, int, int], dict[str, int]] = {}

    async def video(self, dev_id: str, channel: int, stream: int) -> dict[str, int]:
        place = dev_id, channel, stream
        if place not in self.known:
            self.known[place] = dict.fromkeys(await super().video(dev_id, channel, stream), 1)
        return self.known[place]


@mutant(violates="IF-PAR-09")
class QueriesAreNotAsked(Platform):
    """A query returns what the platform believes, not what the device has."""

    zh = "查询返回平台自存的值，而非设备的当前值。"
    commands_class = _Remembered


class _NoStop(DeviceCommands):
    async def move(self, dev_id: str, channel: int, direction: int) -> None:
        if direction != STOP:
            await super().move(dev_id, channel, direction)


@mutant(violates="IF-CTL-04")
class TheStopIsSwallowed(Platform):
    """The stop of a movement does not reach the device."""

    zh = "云台停止命令未到达设备。"
    commands_class = _NoStop


class _ViewersControl(Rights):
    def check(self, user: Any, dev_id: str, right: str) -> Any:
        return super().check(user, dev_id, "view" if right == "control" else right)


@mutant(violates="IF-CTL-04")
class ViewersMayMoveTheCamera(Platform):
    """Whoever may watch may pan and tilt as well."""

    zh = "只读用户也可控制云台。"
    rights_class = _ViewersControl


class _Twice(DeviceCommands):
    async def reboot(self, dev_id: str) -> None:
        link = self.platform.presence.link(dev_id)
        await super().reboot(dev_id)
        if link is not None:
            self.platform.spawn(self._again(dev_id))

    async def _again(self, dev_id: str) -> None:
        while self.platform.presence.link(dev_id) is not None:
            await _pause()
        while self.platform.presence.link(dev_id) is None:
            await _pause()
        await super().reboot(dev_id)


async def _pause() -> None:
    await asyncio.sleep(0.02)


@mutant(violates="IF-MNT-10")
class ARebootIsSentAgain(Platform):
    """A reboot is sent once more when the device is back."""

    zh = "设备恢复后再次收到重启命令。"
    commands_class = _Twice


class _AnyLogin(Upgrades):
    def logged_in(self, dev_id: str, version: str) -> None:
        for row in self._running(dev_id):
            self._mark(str(row["job"]), dev_id, "done")


@mutant(violates="IF-MNT-09")
class AnyLoginIsASuccessfulUpgrade(Platform):
    """An upgrade has worked as soon as the device logs in again, with whatever version."""

    zh = "设备再次登录即视为升级成功，不比较版本。"
    upgrades_class = _AnyLogin


class _NeverStops(Upgrades):
    def too_many_failed(self, rows: Any, highest: float) -> bool:
        return False


@mutant(violates="IF-MNT-07")
class FailuresDoNotStopAJob(Platform):
    """The next stage begins however many devices have failed."""

    zh = "无论多少设备失败，升级任务都进入下一批。"
    upgrades_class = _NeverStops


class _AnyVersion(Upgrades):
    def check(self, wanted: Wanted) -> None:
        super().check(Wanted(wanted.version, wanted.source, wanted.devices, wanted.stages, 0.0, True))


@mutant(violates="IF-MNT-07")
class DowngradesNeedNoMark(Platform):
    """An older version is taken without being marked as a downgrade."""

    zh = "降级无需标记。"
    upgrades_class = _AnyVersion
