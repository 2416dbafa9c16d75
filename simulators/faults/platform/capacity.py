"""Mutants of a platform that must carry many devices."""

from __future__ import annotations

import zlib

from aiohttp import web

from conformance.protocols.tykd_message import Message
from simulators.faults.registry import mutant
from simulators.platform.access_server import AccessServer
from simulators.platform.device_link import DeviceLink
from simulators.platform.device_steps import Registrar
from simulators.platform.devices import OTHER
from simulators.platform.flv import FlvHub
from simulators.platform.media_server import MediaServer
from simulators.platform.platform import Platform
from simulators.platform.plays import Play
from simulators.platform.presence import Presence
from simulators.platform.refused import Refused

FEW = 100
SEATS = 10


def _one_in(count: int, dev_id: str) -> bool:
    return zlib.crc32(dev_id.encode()) % count == 0


class _SomeLeftOut(Registrar):
    def verdict(self, message: Message) -> int:
        return OTHER if _one_in(100, message.get("DevID")) else super().verdict(message)


@mutant(violates="BIZ-KPI-05")
class OneInAHundredIsNotRegistered(Platform):
    """One registration in a hundred is refused."""

    zh = "每百台设备有一台注册被拒绝。"
    registrar_class = _SomeLeftOut


class _Overloaded(AccessServer):
    async def on_heartbeat(self, link: DeviceLink, sequence: int, message: Message) -> None:
        if len(self.links) <= FEW or not _one_in(20, f"{link.device_id}{sequence}"):
            await super().on_heartbeat(link, sequence, message)


@mutant(violates="BIZ-KPI-06")
class ManyDevicesLoseAnswers(Platform):
    """With more than a hundred devices online one heartbeat in twenty is not answered."""

    zh = "在线设备超过一百台时，每二十个心跳有一个得不到应答。"
    access_class = _Overloaded


class _FullAfterARestart(AccessServer):
    restarted = False

    async def stop(self) -> None:
        self.restarted = True
        await super().stop()

    async def on_login(self, link: DeviceLink, sequence: int, message: Message) -> None:
        if self.restarted and _one_in(50, message.get("DevID")):
            link.drop()
            return
        await super().on_login(link, sequence, message)


@mutant(violates="BIZ-KPI-09")
class SomeStayOutsideAfterARestart(Platform):
    """After a restart one device in fifty is not let in again."""

    zh = "重启后每五十台设备有一台不再被接入。"
    access_class = _FullAfterARestart


class _ShortSweep(Presence):
    def sweep(self, now: float) -> None:
        everybody = self.states
        self.states = dict(list(everybody.items())[:FEW])
        try:
            super().sweep(now)
        finally:
            self.states = everybody


@mutant(violates="BIZ-KPI-10")
class OnlyAHundredAreWatched(Platform):
    """The search for silent devices ends after the first hundred."""

    zh = "静默设备的扫描在前一百台之后结束。"
    presence_class = _ShortSweep


class _TenSeats(MediaServer):
    async def serve_flv(self, request: web.BaseRequest, play: Play, hub: FlvHub) -> web.StreamResponse:
        if len(hub.viewers) >= SEATS:
            raise Refused("device_timeout")
        return await super().serve_flv(request, play, hub)


@mutant(violates="BIZ-KPI-06a")
class TenViewersAtMost(Platform):
    """The eleventh viewer of a stream is turned away."""

    zh = "同一路流的第十一个观看者被拒绝。"
    media_class = _TenSeats
