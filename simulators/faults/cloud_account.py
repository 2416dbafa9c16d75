"""Faults of the cloud account."""

from __future__ import annotations

from typing import Any

from conformance.protocols.tykd_frame import ReceivedFrame
from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.stream_commands import ACCOUNT
from simulators.faults.registry import mutant
from specs.messages import Command


@mutant(violates="CS-CRE-01")
class AccountOfLoginIgnored(Camera):
    """The cloud account in the login answer is not taken over."""

    zh = "未采用登录应答中的云存储参数。"

    async def logged_in(self, answer: Message) -> None:
        await self.time_told(answer)


class _SetsNoBuckets(Commands):
    async def on_SET_ESTORE(self, message: Message) -> dict[str, Any]:
        kept = dict(self.camera.settings.account)
        await super().on_SET_ESTORE(message)
        self.camera.settings.account.pop("EPictureBucket", None)
        if "EPictureBucket" in kept:
            self.camera.settings.account["EPictureBucket"] = kept["EPictureBucket"]
        return {}


@mutant(violates="CS-CRE-01a")
class PictureBucketNotSet(Camera):
    """A new picture bucket is answered 0 and forgotten."""

    zh = "新的图片存储桶回 0 但未保存。"
    commands_class = _SetsNoBuckets


class _SpaceAsInRequest(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        xml = await super().respond(link, command, frame)
        return xml.replace(b"StorgeSpace>", b"EStorgeSpace>") if xml and command.name == "GET_ESTORE" else xml


@mutant(violates="CS-CRE-01b")
class SpaceUnderRequestName(Camera):
    """The query answers the space as EStorgeSpace."""

    zh = "查询以 EStorgeSpace 应答空间。"
    commands_class = _SpaceAsInRequest


class _EmptyClears(Commands):
    async def on_SET_ESTORE(self, message: Message) -> dict[str, Any]:
        account = self.camera.settings.account
        account.update({name: message.get(name) for name in ACCOUNT if name in message})
        self.camera.save()
        return {}


@mutant(violates="CS-CRE-01c")
class EmptyTextClears(Camera):
    """An empty text clears the parameter."""

    zh = "空文本会清除原参数。"
    commands_class = _EmptyClears


class _TellsThePassword(Commands):
    async def on_GET_ESTORE(self, message: Message) -> dict[str, Any]:
        found = await super().on_GET_ESTORE(message)
        return {**found, "Password": self.camera.settings.account.get("Password", "")}


@mutant(violates="CS-CRE-03")
class PasswordInTheAnswer(Camera):
    """The cloud query returns the password, in the secure profile too."""

    zh = "云存储查询返回口令，安全模式下也不例外。"
    commands_class = _TellsThePassword
