"""A TCP access server: takes connections of devices, answers what they ask (tykd 2 and 3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from conformance.protocols.tykd_frame import Frame
from conformance.protocols.tykd_message import Message
from simulators.platform.answer_forms import AnswerForms
from simulators.platform.device_link import DeviceLink
from simulators.platform.devices import OK, OTHER, UNKNOWN_DEVICE

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

_LOG = logging.getLogger(__name__)
LOGIN_WAIT = 20.0
Answering = Callable[[DeviceLink, int, Message], Awaitable[None]]


class AccessServer:
    """Primary or backup."""

    link_class: type[DeviceLink] = DeviceLink

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.name = name
        self.address = ("127.0.0.1", 0)
        self.links: set[DeviceLink] = set()
        self._forms = AnswerForms(platform.table)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; after a stop on the same port again."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, *self.address, backlog=1024)
            self.address = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Refuse connections and drop those that are there, as a dead server does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self.links):
            link.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self.link_class(self.platform.table, self.name, reader, writer, self.on_request, self.on_unreadable)
        link.forms = self._forms
        self.links.add(link)
        watch = asyncio.get_running_loop().call_later(LOGIN_WAIT, self._drop_stranger, link)
        try:
            await link.run()
        except asyncio.CancelledError:
            pass
        except Exception:  # noqa: BLE001 - one device must not stop the others
            _LOG.exception("the link of %s failed", link.device_id or link.peer)
        finally:
            watch.cancel()
            link.close()
            self.links.discard(link)
            self.platform.presence.link_ended(link)

    @staticmethod
    def _drop_stranger(link: DeviceLink) -> None:
        if not link.device_id:
            link.drop()

    def on_unreadable(self, link: DeviceLink, frame: Frame) -> None:
        """A request that cannot be read is refused; anything else is dropped."""
        command = self.platform.table.by_code.get(frame.command)
        if command is not None and command.direction == "device-to-platform" and command.has_result:
            link.answer(command.name, frame.sequence, {"Result": OTHER, "DevID": link.device_id})

    async def on_request(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """Answer one request of a device."""
        refusal = self.refusal(link, message)
        if refusal is not None:
            if self.platform.table.command(message.name).has_result:
                link.answer(message.name, sequence, {"Result": refusal, "DevID": message.get("DevID")})
            return
        handler: Answering = getattr(self, f"on_{message.name.lower()}", self.on_other)
        await handler(link, sequence, message)

    def refusal(self, link: DeviceLink, message: Message) -> int | None:
        """Why a request is not carried out: broken, before LOGIN, or in the name of another device."""
        if message.name == "LOGIN":
            return OTHER if message.faults else None
        if not link.device_id:
            return OTHER
        if message.get("DevID") != link.device_id:
            return UNKNOWN_DEVICE
        return OTHER if message.faults else None

    async def on_login(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """LOGIN."""
        platform, dev_id = self.platform, message.get("DevID")
        result = platform.devices.verdict(dev_id, message.get("DevKey"), version=message.get("DevVer"))
        if result == OK and link.device_id not in ("", dev_id):
            result = OTHER
        if result != OK:
            platform.audit.note("device", "login", dev_id[:31], f"result-{result}", address=link.peer)
            link.answer("LOGIN", sequence, {"Result": result, "DevID": dev_id})
            return
        link.device_id, link.login = dev_id, message
        platform.devices.logged_in(dev_id, message.get("DevVer"))
        platform.presence.logged_in(link)
        account = platform.recorder.device_account(dev_id)
        link.answer("LOGIN", sequence, {"Result": OK, "DevID": dev_id, **account, "Time": platform.clock.device_text()})

    async def on_abilityup(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """ABILITYUP: the device is online with the answer."""
        link.abilities = message
        link.answer("ABILITYUP", sequence, {"Result": OK, "DevID": link.device_id})
        link.online = True
        self.platform.presence.came_online(link)

    async def on_heartbeat(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """HEARTBEAT."""
        link.beat = message
        link.answer("HEARTBEAT", sequence, {"DevID": link.device_id, "Time": self.platform.clock.device_text()})

    async def on_video_play(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """VIDEO_PLAY: is this token good for this live stream?"""
        await self._on_play(link, sequence, message, message.get("StreamType"))

    async def on_record_play(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """RECORD_PLAY: is this token good for this recording?"""
        await self._on_play(link, sequence, message, message.get("FileName"))

    async def _on_play(self, link: DeviceLink, sequence: int, message: Message, target: str) -> None:
        purpose = "live" if message.name == "VIDEO_PLAY" else "playback"
        good = self.platform.tokens.use(
            message.get("HashToken"), link.device_id, message.get("ChannelNo"), target, purpose
        )
        link.answer(message.name, sequence, {"Result": OK if good else UNKNOWN_DEVICE, "DevID": link.device_id})

    async def on_alarm_notify(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """ALARM_NOTIFY."""
        link.answer(message.name, sequence, {"Result": OK, "DevID": link.device_id})
        self.platform.alarms.raised(link.device_id, message)

    async def on_exception_notify(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """EXCEPTION_NOTIFY: a firmware download failed."""
        link.answer(message.name, sequence, {"Result": OK, "DevID": link.device_id})
        self.platform.upgrades.failed(link.device_id, message.get("ExceptionDesc"))

    async def on_other(self, link: DeviceLink, sequence: int, message: Message) -> None:
        """Noted only."""
        if self.platform.table.command(message.name).has_result:
            link.answer(message.name, sequence, {"Result": OK, "DevID": link.device_id})
