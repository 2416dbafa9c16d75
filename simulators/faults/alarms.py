"""Faults of alarms and exceptions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.camera.alarms import Notices
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.refusal import Refusal
from simulators.faults.registry import mutant

MOTION, INFRARED, MANUAL = 1, 2, 3
NEVER = 1e6
SLOW = 6.0
ONCE = 1.0


class _Swallows(Notices):
    kind = MOTION

    def raised(self, channel: int, kind: int, number: int = 0) -> bool:
        return kind != self.kind and super().raised(channel, kind, number)


@mutant(violates="IF-ALM-01")
class MotionNeverReported(Camera):
    """The path from the motion detector to the signalling task is compiled out."""

    zh = "移动侦测到信令任务的通知被编译开关关闭。"
    notices_class = _Swallows


class _InputAlways(Notices):
    def alarm_values(self, channel: int, kind: int, number: int) -> dict[str, Any]:
        return {**super().alarm_values(channel, kind, number), "DIDONo": number}


@mutant(violates="IF-ALM-01")
class InputNumberInMotionAlarm(Camera):
    """DIDONo is written into every alarm."""

    zh = "任何告警都带有 DIDONo。"
    notices_class = _InputAlways


class _InfraredAsMotion(Notices):
    def alarm_values(self, channel: int, kind: int, number: int) -> dict[str, Any]:
        values = super().alarm_values(channel, kind, number)
        return {**values, "AlarmType": MOTION} if kind == INFRARED else values


@mutant(violates="IF-ALM-01a")
class InfraredReportedAsMotion(Camera):
    """The body infrared sensor is reported as motion."""

    zh = "人体红外告警以移动侦测的类型上报。"
    notices_class = _InfraredAsMotion


class _SwallowsManual(_Swallows):
    kind = MANUAL


@mutant(violates="IF-ALM-01b")
class ManualAlarmSwallowed(Camera):
    """Debouncing swallows the manual alarm."""

    zh = "按键去抖动吞掉了手动告警。"
    notices_class = _SwallowsManual


class _InputZero(Notices):
    def alarm_values(self, channel: int, kind: int, number: int) -> dict[str, Any]:
        return super().alarm_values(channel, kind, 0)


@mutant(violates="IF-ALM-01c")
class EveryInputIsZero(Camera):
    """Every digital input is reported as input 0."""

    zh = "各开关量输入一律上报为 0 号。"
    notices_class = _InputZero


class _ChannelZero(Notices):
    def alarm_values(self, channel: int, kind: int, number: int) -> dict[str, Any]:
        return super().alarm_values(0, kind, number)


@mutant(violates="IF-ALM-01d")
class EveryAlarmOnChannelZero(Camera):
    """ChannelNo of an alarm is always 0."""

    zh = "告警的通道号固定为 0。"
    notices_class = _ChannelZero


class _ReportsClearing(Notices):
    def cleared(self, channel: int, kind: int, number: int = 0) -> bool:
        self.queue("ALARM_NOTIFY", self.alarm_values(channel, kind, number))
        return True


@mutant(violates="IF-ALM-01e")
class ClearingReported(Camera):
    """The end of an alarm is reported like a new one."""

    zh = "告警解除时也发送一条告警。"
    notices_class = _ReportsClearing


class _NeverTooSoon(Notices):
    def too_soon(self, channel: int, kind: int, number: int) -> bool:
        return False


@mutant(violates="IF-ALM-01e")
class AlarmsWithoutPause(Camera):
    """Every picture with motion in it is reported."""

    zh = "每次侦测到移动都上报，不限频度。"
    notices_class = _NeverTooSoon


@mutant(violates="IF-ALM-01f")
class OneInputReported(Camera):
    """DIDONum is written as a constant, whatever the number of inputs."""

    zh = "DIDONum 写成常数，与实际输入数无关。"

    def ability_values(self) -> dict[str, Any]:
        return {**super().ability_values(), "DIDONum": 1}


class _MotionOnly(Commands):
    async def on_SET_ALARM(self, message: Message) -> dict[str, Any]:
        if message.integer("AlarmType") != MOTION:
            raise Refusal(why="only motion can be armed")
        return await super().on_SET_ALARM(message)


@mutant(violates="IF-ALM-02")
class OnlyMotionCanBeArmed(Camera):
    """SET_ALARM is refused for every type but motion."""

    zh = "除移动侦测外，布防命令一律被拒绝。"
    commands_class = _MotionOnly


class _OneFlag(Commands):
    flag = 0

    async def on_SET_ALARM(self, message: Message) -> dict[str, Any]:
        found = await super().on_SET_ALARM(message)
        self.flag = message.integer("AlarmFlag")
        return found

    async def on_GET_ALARM(self, message: Message) -> dict[str, Any]:
        await super().on_GET_ALARM(message)
        return {"AlarmFlag": self.flag}


@mutant(violates="IF-ALM-02a")
class OneFlagForAllTypes(Camera):
    """One armed flag is kept for all types of alarm."""

    zh = "各告警类型共用一个布防标志。"
    commands_class = _OneFlag


class _AnyType(Commands):
    def alarm_key(self, message: Message) -> str:
        return f"{self.channel(message)}/{message.integer('AlarmType')}/0"


@mutant(violates="IF-ALM-02b", declaration="secure")
class UndeclaredTypeArmed(Camera):
    """A type of alarm that the camera does not have is armed with Result 0."""

    zh = "对设备不具备的告警类型布防也应答 0。"
    commands_class = _AnyType


class _TellsOnce(Notices):
    def repeat_after(self, name: str) -> float:
        return NEVER if name == "EXCEPTION_NOTIFY" else super().repeat_after(name)


@mutant(violates="IF-ALM-03")
class ExceptionToldOnce(Camera):
    """An exception is sent once, answered or not."""

    zh = "异常只上报一次，不等待应答。"
    notices_class = _TellsOnce


class _NeverDone(Notices):
    async def deliver(self, name: str, values: dict[str, Any]) -> bool:
        done = await super().deliver(name, values)
        return done and name != "EXCEPTION_NOTIFY"


@mutant(violates="IF-ALM-03a")
class AnsweredExceptionRepeated(Camera):
    """An exception stays pending although it was answered."""

    zh = "异常得到应答后仍保持待发状态。"
    notices_class = _NeverDone


class _DropsOffline(Notices):
    def queue(self, name: str, values: dict[str, Any]) -> None:
        if self.camera.client.online:
            super().queue(name, values)


@mutant(violates="IF-ALM-04")
class OfflineAlarmsLost(Camera):
    """Alarms raised while there is no connection are lost."""

    zh = "离线期间的告警被丢弃。"
    notices_class = _DropsOffline


class _NewestFirst(Notices):
    def waiting(self, name: str) -> dict[str, Any] | None:
        return next((n for n in reversed(self.camera.settings.pending) if n["name"] == name), None)


@mutant(violates="IF-ALM-04")
class OfflineAlarmsReversed(Camera):
    """Alarms of an offline time are sent newest first."""

    zh = "离线期间的告警以相反的顺序补报。"
    notices_class = _NewestFirst


class _AlarmOnce(Notices):
    async def deliver(self, name: str, values: dict[str, Any]) -> bool:
        if name != "ALARM_NOTIFY":
            return await super().deliver(name, values)
        with contextlib.suppress(TimeoutError, ConnectionError, CodecError):
            await self.camera.client.ask(name, values, ONCE)
        return True


@mutant(violates="IF-ALM-04a")
class AlarmToldOnce(Camera):
    """An alarm is sent once, answered or not."""

    zh = "告警只发送一次，不等待应答。"
    notices_class = _AlarmOnce


@mutant(violates="BIZ-ALM-01")
class AlarmNotRecorded(Camera):
    """An alarm is reported but does not reach the recorder."""

    zh = "告警只上报，不通知录像任务。"

    def record_alarm(self, channel: int) -> None:
        return


class _FlagWithoutEffect(Notices):
    def armed(self, channel: int, kind: int, number: int) -> bool:
        return any(key.startswith(f"{channel}/{kind}/") for key in self.camera.settings.alarms)


@mutant(violates="BIZ-ALM-03")
class DisarmingWithoutEffect(Camera):
    """Disarming stores the flag; the alarm task goes on as before."""

    zh = "撤防只保存标志，未作用于告警任务。"
    notices_class = _FlagWithoutEffect


class _Slow(Notices):
    async def deliver(self, name: str, values: dict[str, Any]) -> bool:
        if name == "ALARM_NOTIFY":
            await asyncio.sleep(SLOW)
        return await super().deliver(name, values)


@mutant(violates="BIZ-KPI-04")
class AlarmsReportedLate(Camera):
    """The reporting task looks for new alarms only now and then."""

    zh = "上报任务的轮询周期过长。"
    notices_class = _Slow
