"""Faults that make live view slow."""

from __future__ import annotations

import asyncio

from simulators.camera.camera import Camera
from simulators.camera.play_url import Target
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_server import RtspServer
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

QUEUE_SECONDS = 3.6
POLL_SECONDS = 3.4


class _Queue(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        asyncio.get_running_loop().call_later(QUEUE_SECONDS, super().deliver, packets)


@mutant(violates="BIZ-KPI-01")
class LongSendQueue(Camera):
    """Pictures wait in the send queue for more than three seconds."""

    zh = "画面在发送队列中停留三秒以上。"
    server_class = server_with(_Queue)


class _SlowVerdict(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        accepted = await super().token_accepted(target)
        await asyncio.sleep(POLL_SECONDS)
        return accepted


@mutant(violates="BIZ-KPI-02")
class TokenResultIsPolled(Camera):
    """The outcome of the token check is looked at every few seconds only."""

    zh = "每隔数秒才查看一次令牌验证结果。"
    server_class = _SlowVerdict
