"""Faults of a recorder that links cameras."""

from __future__ import annotations

from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.refusal import Refusal
from simulators.faults.registry import mutant


class _CountsFromOne(Commands):
    async def on_NVR_QUERY_IPCAM(self, message: Message) -> dict[str, Any]:
        found = await super().on_NVR_QUERY_IPCAM(message)
        return {"Channel": [{**entry, "ChannelNo": int(entry["ChannelNo"]) + 1} for entry in found["Channel"]]}


@mutant(violates="IF-NVR-01", declaration="nvr")
class LinksCountedFromOne(Camera):
    """The query of linked cameras counts channels from 1."""

    zh = "绑定查询的通道号从 1 起。"
    commands_class = _CountsFromOne


class _ModifyMoves(Commands):
    async def on_NVR_MODIFY_IPCAM(self, message: Message) -> dict[str, Any]:
        found = await super().on_NVR_MODIFY_IPCAM(message)
        linked = self.camera.settings.linked
        channel = next(n for n, c in linked.items() if c.dev_id == message["IpcamDevID"])
        linked[str(self.camera.channels - 1)] = linked.pop(channel)
        return found


@mutant(violates="IF-NVR-01a", declaration="nvr")
class ModifyMovesToLastChannel(Camera):
    """A modified camera is removed and linked again to the last channel."""

    zh = "修改以先解除再绑定实现，通道变为最后一个。"
    commands_class = _ModifyMoves


class _RemovesAll(Commands):
    async def on_NVR_DEL_IPCAM(self, message: Message) -> dict[str, Any]:
        found = await super().on_NVR_DEL_IPCAM(message)
        self.camera.settings.linked.clear()
        return found


@mutant(violates="IF-NVR-01b", declaration="nvr")
class RemoveClearsEveryChannel(Camera):
    """The removal of one link clears all of them."""

    zh = "解除一个绑定时清除全部绑定。"
    commands_class = _RemovesAll


class _Overwrites(Commands):
    async def on_NVR_LINK_IPCAM(self, message: Message) -> dict[str, Any]:
        self.camera.settings.linked[str(self.channel(message))] = self._camera(message)
        return {}


@mutant(violates="IF-NVR-02", declaration="nvr")
class LinkOverwritesUsedChannel(Camera):
    """A link to a used channel replaces what is there."""

    zh = "对已占用通道的绑定覆盖原绑定。"
    commands_class = _Overwrites


@mutant(violates="IF-NVR-02d", declaration="nvr")
class CameraLinkedTwice(Camera):
    """One camera can be linked to two channels."""

    zh = "同一摄像机可绑定到两个通道。"
    commands_class = _Overwrites


class _WrapsChannels(Commands):
    def channel(self, message: Message) -> int:
        return message.integer("ChannelNo", 0) % self.camera.channels

    async def on_NVR_LINK_IPCAM(self, message: Message) -> dict[str, Any]:
        if message.integer("ChannelNo", 0) < self.camera.channels:
            return await super().on_NVR_LINK_IPCAM(message)
        self.camera.settings.linked[str(self.channel(message))] = self._camera(message)
        return {}


@mutant(violates="IF-NVR-02a", declaration="nvr")
class LinkChannelWrapsAround(Camera):
    """A link to a channel that does not exist is stored modulo the number of channels."""

    zh = "不存在的通道按通道数取模后绑定。"
    commands_class = _WrapsChannels


class _AnswersZero(Commands):
    async def on_NVR_MODIFY_IPCAM(self, message: Message) -> dict[str, Any]:
        try:
            return await super().on_NVR_MODIFY_IPCAM(message)
        except Refusal:
            return {}

    async def on_NVR_DEL_IPCAM(self, message: Message) -> dict[str, Any]:
        try:
            return await super().on_NVR_DEL_IPCAM(message)
        except Refusal:
            return {}


@mutant(violates="IF-NVR-02b", declaration="nvr")
class ModifyOfUnknownAccepted(Camera):
    """The modification of a camera that is not linked is answered 0."""

    zh = "修改未绑定的摄像机被应答 0。"
    commands_class = _AnswersZero


@mutant(violates="IF-NVR-02c", declaration="nvr")
class RemovalOfUnusedAccepted(Camera):
    """The removal of an unused channel is answered 0."""

    zh = "解除未使用的通道被应答 0。"
    commands_class = _AnswersZero
