"""Faults of the relay client."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.protocols.stun import Method
from conformance.protocols.stun_attributes import (
    UDP_TRANSPORT,
    Address,
    Attribute,
    AttributeType,
    number_attribute,
    requested_transport,
)
from simulators.camera.camera import Camera
from simulators.camera.relay import Relay, Server
from simulators.camera.turn_connection import TurnConnection, TurnRefused
from simulators.faults.registry import mutant

UNDERFLOW = (60 - 200) & 0xFFFFFFFF
NEVER = 3600.0


class _ForUdp(Relay):
    async def allocate(self, connection: TurnConnection) -> tuple[Server, float]:
        await connection.request(Method.ALLOCATE, requested_transport(UDP_TRANSPORT))
        raise TurnRefused(0, "no allocation for TCP")


@mutant(violates="IF-MED-09")
class AllocatesForUdp(Camera):
    """ALLOCATE asks for the UDP transport."""

    zh = "ALLOCATE 请求的是 UDP 传输。"
    relay_class = _ForUdp


class _OtherUser(Relay):
    async def _connect(self, server: Server) -> TurnConnection:
        connection = await super()._connect(server)
        connection._user = self.camera.model
        return connection


@mutant(violates="IF-MED-09")
class RelayUserIsTheModel(Camera):
    """The user of the relay is the model, not the DevID."""

    zh = "申请中继的用户名是型号而非 DevID。"
    relay_class = _OtherUser


@mutant(violates="IF-MED-09")
class RelayAddressIsNotReported(Camera):
    """The relayed address is never reported."""

    zh = "从不上报中继地址。"

    def addresses(self) -> dict[str, Any]:
        return {**super().addresses(), "TurnRelayIP": "", "RtspTurnRelayPort": 0}


class _NeverRefreshes(Relay):
    def refresh_after(self, lifetime: float) -> float:
        return NEVER


@mutant(violates="IF-MED-09a")
class AllocationRunsOut(Camera):
    """The allocation is never refreshed."""

    zh = "从不刷新中继分配。"
    relay_class = _NeverRefreshes


class _Underflow(Relay):
    async def _refresh(self, connection: TurnConnection, lifetime: float) -> None:
        while True:
            await asyncio.sleep(self.refresh_after(lifetime))
            wanted: Attribute = number_attribute(AttributeType.LIFETIME, UNDERFLOW)
            lifetime = self._granted(await connection.request(Method.REFRESH, wanted))


@mutant(violates="IF-MED-09a")
class RefreshLifetimeUnderflows(Camera):
    """LIFETIME of REFRESH is 60 minus 200 as an unsigned number."""

    zh = "REFRESH 的 LIFETIME 为 60 减 200 的无符号数。"
    relay_class = _Underflow


class _IgnoresRefusals(Relay):
    async def _refresh(self, connection: TurnConnection, lifetime: float) -> None:
        try:
            await super()._refresh(connection, lifetime)
        except TurnRefused:
            await asyncio.sleep(NEVER)


@mutant(violates="IF-MED-09a")
class RefusedRefreshIsIgnored(Camera):
    """A refused REFRESH is taken for a good one."""

    zh = "REFRESH 被拒绝后不再重新分配。"
    relay_class = _IgnoresRefusals


class _TokenLess(Relay):
    async def _serve_rtsp(self, connection: TurnConnection, peer: Address) -> None:
        rtsp = self.camera.server
        viewer = rtsp.connection_class(rtsp, connection.reader, connection.writer)
        viewer.server = type("Open", (type(rtsp),), {"token_accepted": _accept})(
            rtsp.config, rtsp.source, self.camera.ask_token, clock=rtsp.clock
        )
        await viewer.run()


async def _accept(self: Any, target: Any) -> bool:
    return True


@mutant(violates="IF-MED-09b")
class RelayedViewersNeedNoToken(Camera):
    """The token of a viewer by relay is not verified, as its connection looks local."""

    zh = "经中继的观看者不验证令牌。"
    relay_class = _TokenLess


class _StaysOpen(Relay):
    async def _end_after_play(self, viewer: Any) -> None:
        await asyncio.sleep(NEVER)


@mutant(violates="IF-MED-09b")
class DataConnectionStaysOpen(Camera):
    """After the play the data connection stays open."""

    zh = "播放结束后不关闭数据连接。"
    relay_class = _StaysOpen


class _PrimaryOnly(Relay):
    def switch_due(self, failures: int) -> bool:
        return False


@mutant(violates="IF-MED-09c")
class BackupRelayIsNeverUsed(Camera):
    """Only the primary relay is tried."""

    zh = "从不使用备用中继。"
    relay_class = _PrimaryOnly


class _NoHeartbeat(Relay):
    def moved(self, address: Server | None) -> None:
        self.address = address


@mutant(violates="IF-LOG-06")
class RelayChangeWaitsForHeartbeat(Camera):
    """A changed relay address is told by the next regular heartbeat, and only if the address stands long enough."""

    zh = "中继地址变化后不立即发送心跳。"
    relay_class = _NoHeartbeat

    def addresses(self) -> dict[str, Any]:
        found = super().addresses()
        kept: dict[str, Any] = getattr(self, "_kept", None) or found
        self._kept = kept if found["TurnRelayIP"] == "" else found
        return self._kept


class _BindsWithoutServing(Relay):
    async def _serve_rtsp(self, connection: TurnConnection, peer: Address) -> None:
        await asyncio.sleep(NEVER)


@mutant(violates="BIZ-LIV-01")
class RelayedBytesGoNowhere(Camera):
    """Data connections are bound, but their bytes never reach the RTSP server."""

    zh = "数据连接建立后，RTSP 数据未转交给 RTSP 服务。"
    relay_class = _BindsWithoutServing


class _ReportsItsServer(Relay):
    async def allocate(self, connection: TurnConnection) -> tuple[Server, float]:
        _, lifetime = await super().allocate(connection)
        host, port = connection.writer.get_extra_info("peername")[:2]
        return (str(host), int(port)), lifetime


@mutant(violates="IF-MED-08a")
class RelayServerForRelayedAddress(Camera):
    """The address of the relay server itself is reported in place of the relayed address."""

    zh = "上报中继服务器自身的地址而非所分配的中继地址。"
    relay_class = _ReportsItsServer
