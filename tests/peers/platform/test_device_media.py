"""The stream of a device peer: a token that the platform finds good opens it, once; settings show in the picture."""

from __future__ import annotations

from pathlib import Path

from test_device import DEV_ID, KEY, before_a_platform

from conformance.media.burned_in_label import device_code, read_label
from conformance.media.decoding import decode_units
from conformance.media.labelled_video import LabelledVideo
from conformance.peers.platform.device import DevicePeers
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.device_media import DeviceMedia, fragments
from conformance.peers.player import Player
from simulators.platform.platform import Platform
from simulators.platform.tokens import Grant

MOMENT = 1_375_315_200.25


def test_pictures_carry_their_label() -> None:
    video = LabelledVideo((320, 192), 10, DEV_ID, 0, 2)
    units = [b"".join(b"\0\0\0\1" + nal for nal in video.encode(MOMENT + number / 10)) for number in range(3)]
    pictures = decode_units("h264", units, strict=True).pictures
    labels = [read_label(picture.luma) for picture in pictures]
    assert [(label.channel, label.stream, label.device) for label in labels] == [(0, 2, device_code(DEV_ID))] * 3
    assert [label.time_ms for label in labels] == [1375315200250, 1375315200350, 1375315200450]


def test_fragments_join_to_the_unit() -> None:
    nal = b"\x65" + bytes(range(256)) * 12
    found = fragments(nal)
    assert [payload[1] for payload in found] == [0x85, 0x05, 0x45]
    assert bytes([found[0][0] & 0xE0 | found[0][1] & 0x1F]) + b"".join(payload[2:] for payload in found) == nal
    assert fragments(b"\x67\x42") == [b"\x67\x42"]


def test_one_token_one_play(tmp_path: Path) -> None:
    async def scenario(platform: Platform, peers: DevicePeers) -> None:
        device = peers.new(DeviceIdentity(DEV_ID, KEY))
        device.state.video[0, 2] = {"FrameSize": 3, "FrameRate": 10}
        media = await DeviceMedia(device).start()
        assert await device.come_online()
        token, _ = platform.tokens.issue(Grant("owner", DEV_ID, "0", "2", "live"))
        address = f"{device.identity.host}:{device.identity.port}"
        url = f"rtsp://{address}/realplay?devid={DEV_ID}&channelno=0&streamtype=2&hashtoken={token}"
        first = Player(device.wire, url, answer_wait=2.0, connect_wait=2.0)
        played = await first.attempt(0.5)
        assert (played.refused, played.packets > 0) == (False, True)
        again = Player(device.wire, url, answer_wait=2.0, connect_wait=2.0)
        refused = await again.attempt(0.2)
        assert (refused.refused, refused.packets, refused.status) == (True, 0, 403)
        assert [viewer.asked for viewer in media.viewers] == [[0], [1]]
        await first.close()
        await again.close()
        media.stop()

    before_a_platform(tmp_path, scenario)
