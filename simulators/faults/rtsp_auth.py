"""Faults of RTSP authentication."""

from __future__ import annotations

from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.rtsp_auth import Authenticator
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_server import RtspServer
from simulators.faults.registry import mutant


@mutant(violates="IF-RTSP-45")
class BareUnauthorized(Camera):
    """401 comes without a challenge to the first request of a client."""

    zh = "首次 401 不带质询。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if answer.status == 401 and request.header("cseq") == "1":
                answer.headers.pop("WWW-Authenticate", None)
            return answer


class _AnyNonce(Authenticator):
    def accepts(self, request: Request) -> bool:
        text = request.header("authorization")
        nonce = text.partition('nonce="')[2].partition('"')[0]
        if nonce:
            self._nonces.setdefault(nonce, self._clock())
        return super().accepts(request)


@mutant(violates="IF-RTSP-46")
class AnyNonceWillDo(Camera):
    """The nonce of a response is not compared with those that were given out."""

    zh = "不核对应答中的 nonce 是否由设备签发。"

    class server_class(RtspServer):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            config = self.config
            if config.auth != "none":
                self.authenticator = _AnyNonce(config.auth, config.user, config.password, config.dev_id)


class _DescribeOnly(RtspServer):
    async def credentials_accepted(self, request: Request) -> bool:
        return request.method != "DESCRIBE" or await super().credentials_accepted(request)


@mutant(violates="IF-RTSP-48")
class OnlyDescribeIsProtected(Camera):
    """Credentials are asked for at DESCRIBE and nowhere else."""

    zh = "只在 DESCRIBE 时要求认证。"
    server_class = _DescribeOnly
