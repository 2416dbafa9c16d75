"""Faults of the event service."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.protocols.onvif_events import CONCRETE_SET
from simulators.camera.camera import Camera
from simulators.camera.onvif.event_queue import Subscription
from simulators.camera.onvif.events import EventService
from simulators.camera.onvif.service import INVALID, Call, OnvifFault
from simulators.camera.onvif.topics import Filter, Message
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _OneDialect(EventService):
    async def on_GetEventProperties(self, call: Call) -> str:
        told = await super().on_GetEventProperties(call)
        return told.replace(f"<wsnt:TopicExpressionDialect>{CONCRETE_SET}</wsnt:TopicExpressionDialect>", "")


@mutant(violates="ONV-EVT-01", declaration="onvif")
class ConcreteSetMissing(Camera):
    """GetEventProperties does not list the dialect ConcreteSet."""

    zh = "GetEventProperties 缺少 ConcreteSet 方言。"
    onvif_class = face_with(_OneDialect)


class _NoProperty(EventService):
    async def on_GetEventProperties(self, call: Call) -> str:
        return (await super().on_GetEventProperties(call)).replace('IsProperty="true"', 'IsProperty="false"')


@mutant(violates="ONV-EVT-02", declaration="onvif")
class MotionIsNoProperty(Camera):
    """The motion alarm is not described as a property."""

    zh = "移动侦测未描述为属性。"
    onvif_class = face_with(_NoProperty)


class _OwnLife(EventService):
    def live(self, subscription: Subscription, seconds: float) -> None:
        super().live(subscription, 10.0)


@mutant(violates="ONV-EVT-03", declaration="onvif")
class LifetimeIgnored(Camera):
    """A pull point lives ten seconds, whatever was asked for."""

    zh = "拉取点的存续时间恒为十秒。"
    onvif_class = face_with(_OwnLife)


class _RelativeOnly(EventService):
    def life(self, text: str, fault: str) -> float:
        if text and not text.startswith("P"):
            raise OnvifFault(*INVALID, f"wsnt:{fault}", reason="Only a duration is taken")
        return super().life(text, fault)


@mutant(violates="ONV-EVT-16", declaration="onvif")
class AbsoluteEndRefused(Camera):
    """The end of a pull point is taken as a duration only."""

    zh = "拉取点的终止时间只接受相对时间。"
    onvif_class = face_with(_RelativeOnly)


class _NoStates(EventService):
    def states(self, subscription: Subscription) -> None:
        return None


@mutant(violates="ONV-EVT-04", declaration="onvif")
class NoInitialState(Camera):
    """A new subscription does not tell the state of properties."""

    zh = "新的订阅不给出属性的初始状态。"
    onvif_class = face_with(_NoStates)


class _Numb(EventService):
    def sensed(self, kind: int, channel: int, number: int, on: bool) -> None:
        return None


@mutant(violates="ONV-EVT-05", declaration="onvif")
class MotionNotTold(Camera):
    """A motion is not told to subscriptions."""

    zh = "移动侦测不通知订阅者。"
    onvif_class = face_with(_Numb)


class _Pours(EventService):
    async def on_PullMessages(self, call: Call) -> str:
        call.node.at("MessageLimit").text = "100"  # type: ignore[union-attr]
        return await super().on_PullMessages(call)


@mutant(violates="ONV-EVT-06", declaration="onvif")
class MessageLimitIgnored(Camera):
    """A pull brings everything, whatever its limit."""

    zh = "拉取忽略消息数上限。"
    onvif_class = face_with(_Pours)


class _Hasty(EventService):
    def pull_time(self, call: Call) -> float:
        return 0.0


@mutant(violates="ONV-EVT-07", declaration="onvif")
class PullDoesNotWait(Camera):
    """A pull is answered at once, without waiting for messages."""

    zh = "拉取不等待消息，立即应答。"
    onvif_class = face_with(_Hasty)


class _SameEnd(EventService):
    async def on_Renew(self, call: Call) -> str:
        return self.times(self.addressed(call), "wsnt", renewed=True)


@mutant(violates="ONV-EVT-08", declaration="onvif")
class RenewChangesNothing(Camera):
    """Renew is answered with success and the end stays as it was."""

    zh = "续订应答成功但终止时间不变。"
    onvif_class = face_with(_SameEnd)


class _Immortal(EventService):
    def expire(self, number: int) -> None:
        return None


@mutant(violates="ONV-EVT-09", declaration="onvif")
class PullPointNeverEnds(Camera):
    """A pull point works on after its termination time."""

    zh = "拉取点在终止时间之后仍可使用。"
    onvif_class = face_with(_Immortal)


class _Sticky(EventService):
    async def on_Unsubscribe(self, call: Call) -> str:
        self.addressed(call)
        return ""


@mutant(violates="ONV-EVT-10", declaration="onvif")
class UnsubscribeChangesNothing(Camera):
    """Unsubscribe is answered with success and the pull point stays."""

    zh = "退订应答成功但拉取点仍在。"
    onvif_class = face_with(_Sticky)


class _Everything(EventService):
    def make(self, life: float, call: Call, filter_path: str, consumer: str = "") -> Subscription:
        made = super().make(life, call, filter_path, consumer)
        made.chosen = Filter()
        self.states(made)
        return made


@mutant(violates="ONV-EVT-11", declaration="onvif")
class FilterIgnored(Camera):
    """A subscription with a filter gets every message."""

    zh = "带过滤器的订阅收到全部消息。"
    onvif_class = face_with(_Everything)


class _AnyFilter(EventService):
    def make(self, life: float, call: Call, filter_path: str, consumer: str = "") -> Subscription:
        try:
            return super().make(life, call, filter_path, consumer)
        except OnvifFault:
            return super().make(life, call, "NoFilter", consumer)


@mutant(violates="ONV-EVT-12", declaration="onvif")
class BadFilterTaken(Camera):
    """A filter that means nothing is taken for none."""

    zh = "无效的过滤器被当作没有过滤器。"
    onvif_class = face_with(_AnyFilter)


class _NoAgain(EventService):
    async def on_SetSynchronizationPoint(self, call: Call) -> str:
        self.addressed(call)
        return ""


@mutant(violates="ONV-EVT-13", declaration="onvif")
class SynchronizationPointIgnored(Camera):
    """After SetSynchronizationPoint no state is told."""

    zh = "同步点之后不重发属性状态。"
    onvif_class = face_with(_NoAgain)


class _Silent(EventService):
    async def send(self, subscription: Subscription) -> None:
        while subscription.number in self.subscriptions:
            await asyncio.sleep(1.0)


@mutant(violates="ONV-EVT-14", declaration="onvif")
class NotifyNeverSent(Camera):
    """A base subscription is made and nothing is ever sent."""

    zh = "基本通知的订阅成立但从不发送。"
    onvif_class = face_with(_Silent)


class _Sleepy(EventService):
    async def on_PullMessages(self, call: Call) -> str:
        subscription = self.addressed(call)
        if not subscription.waiting:
            await asyncio.sleep(self.pull_time(call))
        return await super().on_PullMessages(call)


@mutant(violates="ONV-EVT-15", declaration="onvif")
class PullWaitsToItsEnd(Camera):
    """A pull that waits is answered at the end of its time only."""

    zh = "等待中的拉取到超时才应答。"
    onvif_class = face_with(_Sleepy)


class _Talks(EventService):
    def end(self, number: int) -> None:
        ended = self.subscriptions.get(number)
        if ended is None or not ended.consumer:
            super().end(number)


@mutant(violates="ONV-EVT-14", declaration="onvif")
class NotifyAfterUnsubscribe(Camera):
    """Notifications go on after Unsubscribe."""

    zh = "退订后仍继续发送通知。"
    onvif_class = face_with(_Talks)


class _OtherSource(EventService):
    def tell(self, told: Message) -> None:
        super().tell(replace(told, inside=told.inside.replace('Value="vs0"', 'Value="camera"')))


@mutant(violates="ONV-EVT-05", declaration="onvif")
class MotionOfUnknownSource(Camera):
    """A motion message names a source that does not exist."""

    zh = "移动侦测消息的源令牌不存在。"
    onvif_class = face_with(_OtherSource)
