"""One camera with two faces: what is set through one shows in the other and on the stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from conformance.protocols.http_message import HttpRequest
from conformance.protocols.soap import element, envelope
from conformance.protocols.tykd_message import Message
from conformance.protocols.ws_security import digest_token, moment, security_header
from simulators.camera.camera import Camera
from simulators.camera.declarations import ONVIF
from specs.declaration import load_declaration
from specs.loader import load_catalogue

PASSWORD = "Wq7-kandian-onvif"


class Client:
    """Asks the ONVIF face as its administrator."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.count = 0

    async def ask(self, operation: str, body: str = "") -> str:
        """The answer as text; it has to be a success."""
        self.count += 1
        token = digest_token("admin", PASSWORD, b"%d" % self.count, moment(self.camera.now()))
        data = envelope(element(operation, body), security_header(token))
        answer = await self.camera.onvif.answer(HttpRequest.build("POST", "/onvif/device_service", {}, data))
        assert answer.status == 200, answer.body
        return answer.body.decode()


def with_camera(folder: Path, scenario: Callable[[Camera, Client], Awaitable[None]]) -> None:
    """Run a scenario with the shipped ONVIF camera."""

    async def main() -> None:
        camera = Camera(load_declaration(ONVIF, load_catalogue().vocabulary), folder)
        await camera.start()
        try:
            await scenario(camera, Client(camera))
        finally:
            await camera.stop()

    asyncio.run(main())


def configuration(answer: str) -> str:
    """The Configuration element as a request takes it back."""
    found = re.search(r"<trt:Configuration .*</trt:Configuration>", answer)
    assert found is not None
    return found[0]


def test_an_encoder_set_by_onvif_is_set_for_the_platform_and_on_the_stream(tmp_path: Path) -> None:
    async def scenario(camera: Camera, client: Client) -> None:
        told = configuration(
            await client.ask("trt:GetVideoEncoderConfiguration", element("trt:ConfigurationToken", "ve01"))
        )
        wanted = re.sub(r"(<tt:FrameRateLimit>)\d+", r"\g<1>12", told)
        await client.ask("trt:SetVideoEncoderConfiguration", wanted + element("trt:ForcePersistence", "true"))
        asked = Message("GET_CHANNEL", "GET_CHANNEL", None, "request", {"ChannelNo": "0", "StreamType": "1"})
        answered = await camera.commands.on_GET_CHANNEL(asked)
        assert answered["FrameRate"] == 12
        assert camera.bank.encoders[0, 1].settings.fps == 12

    with_camera(tmp_path, scenario)


def test_parameters_set_by_the_platform_are_told_by_onvif(tmp_path: Path) -> None:
    async def scenario(camera: Camera, client: Client) -> None:
        camera.set_parameters(0, 1, msgspec.structs.replace(camera.parameters(0, 1), frame_rate=7))
        told = await client.ask("trt:GetVideoEncoderConfiguration", element("trt:ConfigurationToken", "ve01"))
        assert "<tt:FrameRateLimit>7</tt:FrameRateLimit>" in told

    with_camera(tmp_path, scenario)


def test_one_head_for_both(tmp_path: Path) -> None:
    async def scenario(camera: Camera, client: Client) -> None:
        camera.ptz.move(4)
        status = await client.ask("tptz:GetStatus", element("tptz:ProfileToken", "p01"))
        assert "<tt:PanTilt>MOVING</tt:PanTilt>" in status
        await client.ask("tptz:Stop", element("tptz:ProfileToken", "p01"))
        assert camera.ptz.state()["moving"] is False

    with_camera(tmp_path, scenario)
