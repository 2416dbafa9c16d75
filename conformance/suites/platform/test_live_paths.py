"""BIZ-LIV-01a: every address that the platform gives opens the right picture; settings show in it."""

from __future__ import annotations

from functools import partial

from conformance.media.burned_in_label import device_code
from conformance.media.decoding import Picture, decode_units
from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device_media import HOST, DeviceMedia
from conformance.peers.platform.phone import Phone
from conformance.peers.player import Player
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.violation import CodecError
from conformance.suites.platform.client_steps import accepted
from conformance.suites.platform.device_steps import a_device, online
from conformance.suites.platform.token_steps import PATHS

SUB = 2
SIZES = {2: (704, 576), 3: (320, 192)}


async def picture(platform: PlatformBench, url: str, within: float) -> Picture | None:
    """The first picture of a play address, None where none comes."""
    waits = [platform.limits[name].seconds for name in ("answer_wait", "connect_wait")]
    player = Player(platform.wire, url, answer_wait=waits[0], connect_wait=waits[1])
    try:
        await player.start("tcp", kinds=("video",))
        track = player.video
        if track is None or await player.wait_idr(track, within) is None:
            return None
        units = [unit.annex_b() for _, unit in track.access_units(0.0)]
        decoded = await platform.wire.compute("picture", partial(decode_units, track.codec, units))
        return decoded.pictures[0] if decoded.pictures else None
    except (DeviceFault, CodecError):
        return None
    finally:
        await player.close()


@verifies("BIZ-LIV-01a")
async def test_every_path(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The same camera by its local, its mapped and its relay address, each with a token of its own."""
    within = limits("BIZ-LIV-01a").first_picture.seconds
    device = a_device(platform, check, "BIZ-LIV-01a", owner=owner.user.name if owner.user else "")
    if device is None:
        return
    media = await DeviceMedia(device).start()
    port = device.identity.port
    device.identity = device.identity.but(outside=(HOST, port), relay=(HOST, port))
    try:
        if not await online(platform, check, device):
            return
        dev_id = device.identity.dev_id
        for step, size in (("s1", 3), ("s2", 2)):
            check.step(step)
            query = {"channel": 0, "stream": SUB}
            accepted(
                check, "BIZ-LIV-01a", await owner.call("setVideo", {"frameSize": size}, query=query, terminal=dev_id)
            )
            reply = await owner.call("play", {"channel": 0, "stream": SUB}, terminal=dev_id)
            for path in PATHS:
                found = await picture(platform, str(reply.at(path) or "rtsp://127.0.0.1:9/"), within)
                label = found.label if found else None
                told = (label.device, label.channel, label.stream) if label else None
                expected = device_code(dev_id), 0, SUB
                about = say(
                    f"{path} 画面的标记（设备、通道、码流）", f"label by the path {path}: device, channel, stream"
                )
                check.equal("BIZ-LIV-01a", told, expected, about)
                shape = (found.luma.shape[1], found.luma.shape[0]) if found else None
                check.equal("BIZ-LIV-01a", shape, SIZES[size], say("所设的画面尺寸", "the picture size that was set"))
    finally:
        media.stop()
