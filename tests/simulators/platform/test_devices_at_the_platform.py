from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from platform_bench import DEVICE, KEY, play, play_with_camera, until

from conformance.protocols.tykd_frame import Frame, FrameParser, encode_frame
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from simulators.camera.camera import Camera
from simulators.camera.registration import StepRefused, post
from simulators.platform.platform import Platform
from simulators.platform.tokens import Grant
from specs.messages import load_message_table

TABLE = load_message_table()
IDENTITY = {"ManufacturerNo": "KDN", "Mode": "GC-1", "DevType": 1, "DevID": DEVICE, "DevKey": KEY}
ADDRESSES = {
    "UpnpIP": "", "RtspUpnpPort": 0, "LocalIP": "127.0.0.1", "RtspLocalPort": 1554, "TurnRelayIP": "",
    "RtspTurnRelayPort": 0,
}  # fmt: skip
LOGIN = {"DevVer": "V1.0.0_20130601", "DevID": DEVICE, "DevKey": KEY, **ADDRESSES, "NetType": 0, "NatType": 6}
ABILITY = {
    "DevID": DEVICE, "ChannelNum": 1, "PTZFlag": 0, "EStoreFlag": 0, "LocalStoreFlag": 0, "MotionDetectionFlag": 0,
    "InfraredDetectionFlag": 0, "ManualAlarmFlag": 0, "DIDOAlarmFlag": 0, "DIDONum": 0,
    "Video": [{"StreamType": 1, "FrameSize": 1}], "Onvif": {"Port": 80, "Account": "", "Password": ""},
}  # fmt: skip


class RawDevice:
    """A device that does what the test says, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._parser = FrameParser()
        self._sequence = 0

    @classmethod
    async def at(cls, address: tuple[str, int]) -> RawDevice:
        return cls(*await asyncio.open_connection(*address))

    async def next(self) -> tuple[Frame, Message] | None:
        """The next frame, None at the end of the connection."""
        async with asyncio.timeout(5):
            while data := await self.reader.read(65536):
                if frames := self._parser.feed(data):
                    frame = frames[0].frame
                    return frame, decode_message(TABLE, frame.command, "platform-to-device", frame.xml)
        return None

    async def ask(self, name: str, values: dict[str, Any], digest: bytes | None = None) -> Message | None:
        self._sequence += 1
        code = TABLE.command(name).code
        assert code is not None
        xml = encode_message(TABLE, name, "request", values, check=False)
        self.writer.write(encode_frame(Frame(code, self._sequence, xml, digest=digest)))
        found = await self.next()
        if found is None:
            return None
        assert (found[0].command, found[0].sequence) == (code, self._sequence)
        return found[1]


async def register(platform: Platform, name: str, **changed: Any) -> Message:
    url = platform.group.url if name == "REDIRECT" else platform.registrar.url
    return await post(TABLE, name, url, {**IDENTITY, **changed}, connect=3, answer=3)


def test_the_golden_camera_comes_online_by_group_and_province(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        assert camera.settings.province_url == platform.registrar.url
        state = platform.presence.state(DEVICE)
        assert state.link is not None
        assert state.link.server == "primary"
        await until(lambda: state.link and state.link.beat is not None, "a heartbeat")
        device = platform.devices.find(DEVICE)
        assert device is not None
        assert device["version"] == "V1.0.0_20130601"

    play_with_camera(scenario, tmp_path)


@pytest.mark.parametrize("name", ["REDIRECT", "REGISTER"])
@pytest.mark.parametrize(
    ("changed", "result"),
    [({"DevID": "KDN99999999"}, 1), ({"DevKey": "0000000000000000"}, 2), ({"Mode": "XX-9"}, 255)],
)
def test_a_refused_step_tells_its_code_and_no_address(
    tmp_path: Path, name: str, changed: dict[str, str], result: int
) -> None:
    async def scenario(platform: Platform) -> None:
        with pytest.raises(StepRefused) as refused:
            await register(platform, name, **changed)
        assert refused.value.result == result
        url = platform.group if name == "REDIRECT" else platform.registrar
        reader, writer = await asyncio.open_connection(*url.address)
        xml = encode_message(TABLE, name, "request", {**IDENTITY, **changed})
        writer.write(f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(xml)}\r\n\r\n".encode() + xml)
        raw = await reader.read()
        assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
        assert len(raw) <= 512
        assert b"127.0.0.1" not in raw
        assert b"Port" not in raw

    play(scenario, tmp_path)


def test_both_steps_answer_within_the_sizes_that_devices_take(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        for step, limit in ((platform.group, 512), (platform.registrar, 1024)):
            reader, writer = await asyncio.open_connection(*step.address)
            xml = encode_message(TABLE, step.command, "request", IDENTITY)
            writer.write(f"POST {step.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(xml)}\r\n\r\n".encode() + xml)
            assert len(await reader.read()) <= limit
        answer = await register(platform, "REGISTER")
        assert answer["NatPort"] == str(platform.primary.address[1])
        assert answer["BackupNatPort"] == str(platform.backup.address[1])

    play(scenario, tmp_path)


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({"DevID": "KDN99999999"}, 1),
        ({"DevKey": "0000000000000000"}, 2),
        ({"DevVer": "V0.9.0_20120101"}, 3),
        ({"NetType": 7}, 255),
    ],
)
def test_a_refused_login_holds_nothing_but_its_code(tmp_path: Path, changed: dict[str, Any], result: int) -> None:
    async def scenario(platform: Platform) -> None:
        device = await RawDevice.at(platform.primary.address)
        answer = await device.ask("LOGIN", {**LOGIN, **changed})
        assert answer is not None
        assert answer.result == result
        assert set(answer.values) == {"Result", "DevID"}
        beat = await device.ask("ABILITYUP", ABILITY)
        assert beat is not None
        assert beat.result == 255
        assert not platform.presence.online(DEVICE)

    play(scenario, tmp_path)


def test_a_wrong_digest_ends_the_connection_without_an_answer(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        device = await RawDevice.at(platform.primary.address)
        assert await device.ask("LOGIN", LOGIN, digest=b"\0" * 16) is None
        good = await RawDevice.at(platform.primary.address)
        answer = await good.ask("LOGIN", LOGIN)
        assert answer is not None
        assert answer.result == 0

    play(scenario, tmp_path)


def test_a_device_asks_in_its_own_name_only(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        device = await RawDevice.at(platform.backup.address)
        await device.ask("LOGIN", LOGIN)
        token, _ = platform.tokens.issue(Grant("owner", "KDN00000004", "0", "1", "live"))
        values = {"DevID": "KDN00000004", "ChannelNo": "0", "StreamType": "1", "HashToken": token}
        answer = await device.ask("VIDEO_PLAY", values)
        assert answer is not None
        assert answer.result == 1
        assert platform.tokens.use(token, "KDN00000004", "0", "1", "live")

    play(scenario, tmp_path)


def test_a_silent_device_is_found_although_its_connection_never_ended(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        platform.presence.offline_within = 0.4
        device = await RawDevice.at(platform.primary.address)
        await device.ask("LOGIN", LOGIN)
        await device.ask("ABILITYUP", ABILITY)
        link = platform.presence.link(DEVICE)
        assert link is not None
        platform.presence.sweep(link.heard_at + 0.37)
        assert platform.presence.online(DEVICE)
        platform.presence.sweep(link.heard_at + 0.39)
        assert not platform.presence.online(DEVICE)
        await until(lambda: [m for m in platform.messages.listed("owner", 9, 0)[0] if m["kind"] == "offline"])
        again = await RawDevice.at(platform.primary.address)
        await again.ask("LOGIN", LOGIN)
        await again.ask("ABILITYUP", ABILITY)
        kinds = [m["kind"] for m in platform.messages.listed("owner", 9, 0)[0]]
        assert kinds == ["online", "offline"]

    play(scenario, tmp_path)


def test_two_living_devices_of_one_identity_are_a_clone_and_the_later_is_kept(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        later = await RawDevice.at(platform.primary.address)
        await later.ask("LOGIN", LOGIN)
        await later.ask("ABILITYUP", ABILITY)
        await until(lambda: platform.audit.entries(action="clone"), "the clone event")
        assert platform.audit.entries(action="clone")[0]["device"] == DEVICE

    play_with_camera(scenario, tmp_path)


def test_a_token_is_good_once_and_for_what_it_was_made(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        tokens = platform.tokens
        grant = Grant("owner", DEVICE, "0", "1", "live")
        token, _ = tokens.issue(grant)
        for wrong in (
            (token, "KDN00000004", "0", "1", "live"), (token, DEVICE, "1", "1", "live"),
            (token, DEVICE, "0", "2", "live"), (token, DEVICE, "0", "1", "playback"),
            (token.upper(), DEVICE, "0", "1", "live"), (token + "0", DEVICE, "0", "1", "live"),
            (token[:-1], DEVICE, "0", "1", "live"), ("", DEVICE, "0", "1", "live"), (token, DEVICE, "00", "1", "live"),
        ):  # fmt: skip
            assert not tokens.use(*wrong)
        assert tokens.use(token, DEVICE, "0", "1", "live")
        assert not tokens.use(token, DEVICE, "0", "1", "live")
        late, _ = tokens.issue(grant)
        platform.clock.offset = 60.5
        assert not tokens.use(late, DEVICE, "0", "1", "live")
        revoked, _ = tokens.issue(grant)
        assert tokens.revoke(user="owner", device=DEVICE) >= 1
        assert not tokens.use(revoked, DEVICE, "0", "1", "live")

    play(scenario, tmp_path)


def test_the_camera_plays_with_a_token_of_the_platform_and_once_only(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        token, _ = platform.tokens.issue(Grant("owner", DEVICE, "0", "1", "live"))
        assert await camera.ask_token("live", "0", "1", token)
        assert not await camera.ask_token("live", "0", "1", token)

    play_with_camera(scenario, tmp_path)


def test_commands_reach_the_camera_and_take_effect(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        await platform.commands.set_video(DEVICE, 0, 1, {"FrameSize": 1, "FrameRate": 10, "RateType": 2, "BitRate": 8})
        found = await platform.commands.video(DEVICE, 0, 1)
        assert found == {"FrameSize": 1, "FrameRate": 10, "RateType": 2, "BitRate": 8, "AudioInput": 1}
        await platform.commands.move(DEVICE, 0, 3)
        assert camera.ptz.state() != {}
        boots = camera.settings.boot_count
        await platform.commands.reboot(DEVICE)
        await until(lambda: camera.settings.boot_count == boots + 1, "the restart")
        await until(lambda: platform.presence.online(DEVICE), "the camera coming back")

    play_with_camera(scenario, tmp_path)


def test_an_alarm_is_stored_once_and_told_to_those_who_may_know(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        await platform.commands.set_alarm(DEVICE, 0, 1, armed=True)
        assert camera.notices.raised(0, 1, 0)
        await until(lambda: platform.alarms.search([DEVICE], 0, 1e12, 9, 0)[1] == 1, "the alarm")
        assert [m["kind"] for m in platform.messages.listed("owner", 9, 0)[0]] == ["alarm"]
        assert [m["kind"] for m in platform.messages.listed("clerk", 9, 0)[0]] == ["alarm"]
        assert platform.messages.listed("other", 9, 0)[1] == 0
        alarm = platform.alarms.search([DEVICE], 0, 1e12, 9, 0)[0][0]
        again = decode_message(
            TABLE, "ALARM_NOTIFY", "device-to-platform",
            encode_message(TABLE, "ALARM_NOTIFY", "request",
                           {"DevID": DEVICE, "ChannelNo": 0, "AlarmType": 1, "AlarmDesc": alarm["text"]}),
        )  # fmt: skip
        platform.clock.offset = alarm["at"] - platform.clock.now()
        platform.alarms.raised(DEVICE, again)
        assert platform.alarms.search([DEVICE], 0, 1e12, 9, 0)[1] == 1

    play_with_camera(scenario, tmp_path)


def test_devices_come_back_after_a_restart_of_the_access_servers(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        first = platform.presence.link(DEVICE)
        await platform.restart_access()
        await until(lambda: platform.presence.link(DEVICE) not in (None, first), "the camera coming back")
        await platform.primary.stop()
        found = lambda: (link := platform.presence.link(DEVICE)) is not None and link.server == "backup"  # noqa: E731
        await until(found, "the camera going to the backup")

    play_with_camera(scenario, tmp_path)
