from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import av
import pytest
from ftp_bench import ftp_server
from raw_rtsp_client import RawRtsp
from scripted_platform import DEVICE, ScriptedPlatform, Stage, play
from scripted_relay import ScriptedRelay

from conformance.protocols.stun import Method
from conformance.protocols.tykd_message import Message
from simulators.camera.firmware import build_image

NEW = "V1.1.0_20140101"
MODEL = "GC-1"
GOOD = build_image(MODEL, NEW, b"payload " * 20_000)


def url(scene: Stage, token: str, port: int = 0) -> str:
    port = port or scene.camera.server.address[1]
    return f"rtsp://127.0.0.1:{port}/realplay?devid={DEVICE}&channelno=0&streamtype=2&hashtoken={token}"


async def describe(scene: Stage, token: str) -> int:
    client = await RawRtsp.connect("127.0.0.1", scene.camera.server.address[1])
    status = (await client.ask("DESCRIBE", url(scene, token), Accept="application/sdp")).status
    client.close()
    return status


def test_each_play_has_its_own_verdict_and_silence_means_no(tmp_path: Path) -> None:
    def judge(message: Message) -> int | None:
        return {"good": 0, "bad": 255, "odd": 7}.get(message["HashToken"])

    async def scenario(scene: Stage) -> None:
        scene.platform.tokens = judge
        scene.camera.timers.reaction["token_wait"] = 0.5
        found = await asyncio.gather(*(describe(scene, token) for token in ("good", "bad", "odd", "mute", "good")))
        assert found == [200, 401, 401, 401, 200]
        asked = scene.platform.of("VIDEO_PLAY")
        assert sorted(message["HashToken"] for message in asked) == ["bad", "good", "good", "mute", "odd"]
        assert {(m["DevID"], m["ChannelNo"], m["StreamType"]) for m in asked} == {(DEVICE, "0", "2")}

    play(scenario, tmp_path)


def test_a_verdict_with_another_sequence_does_not_count(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        scene.camera.timers.reaction["token_wait"] = 0.5
        await scene.platform.count("HEARTBEAT")
        scene.platform.answer_shift = 1
        assert await describe(scene, "good") == 401
        assert len(scene.platform.of("VIDEO_PLAY")) == 1

    play(scenario, tmp_path, scale=0.1)


def test_nothing_plays_while_the_platform_is_gone(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        assert await describe(scene, "good") == 200
        await scene.platform.stop()
        await scene.offline()
        assert await describe(scene, "good") == 401

    play(scenario, tmp_path)


def arm(kind: int, flag: int = 1, number: int = 0) -> dict[str, Any]:
    values = {"ChannelNo": 0, "AlarmType": kind, "AlarmFlag": flag}
    return {**values, "DIDONo": number} if kind == 4 else values


def test_armed_alarms_are_reported_once_in_a_while_and_recorded(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform, notices = scene.platform, scene.camera.notices
        assert notices.raised(0, 1) is False
        assert await platform.result("SET_ALARM", arm(1)) == 0
        assert await platform.result("SET_ALARM", arm(4, number=1)) == 0
        assert await platform.result("SET_ALARM", arm(4, number=2)) == 255
        assert not scene.camera.recorders[0].recording
        assert [notices.raised(0, 1), notices.raised(0, 1), notices.raised(0, 4, 1), notices.raised(0, 4, 0)] == [
            True, False, True, False,
        ]  # fmt: skip
        assert scene.camera.recorders[0].recording
        await platform.count("ALARM_NOTIFY", 2)
        first, second = platform.of("ALARM_NOTIFY")
        assert (first["AlarmType"], first["ChannelNo"], "DIDONo" in first) == ("1", "0", False)
        assert (second["AlarmType"], second["DIDONo"]) == ("4", "1")
        assert await platform.result("SET_ALARM", arm(1, 0)) == 0
        await asyncio.sleep(0.25)
        assert notices.raised(0, 1) is False

    play(scenario, tmp_path)


def test_alarms_raised_offline_come_in_their_order_even_after_a_power_cut(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform, camera = scene.platform, scene.camera
        for kind in (1, 2, 3):
            assert await platform.result("SET_ALARM", arm(kind)) == 0
        await camera.network.down()
        for kind in (3, 1, 2):
            assert camera.notices.raised(0, kind)
        await camera.power_off()
        await camera.power_on()
        assert not camera.client.online
        await camera.network.up()
        await platform.count("ALARM_NOTIFY", 3)
        await asyncio.sleep(0.2)
        assert [message["AlarmType"] for message in platform.of("ALARM_NOTIFY")] == ["3", "1", "2"]
        assert camera.settings.pending == []

    play(scenario, tmp_path)


def test_sensors_without_power_raise_nothing(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform, camera = scene.platform, scene.camera
        assert await platform.result("SET_ALARM", arm(1)) == 0
        await camera.power_off()
        assert camera.notices.raised(0, 1) is False
        assert camera.settings.pending == []
        await camera.power_on()
        await platform.count("ABILITYUP", 2)
        assert camera.notices.raised(0, 1) is True
        await platform.count("ALARM_NOTIFY", 1)

    play(scenario, tmp_path)


def upgrade_values(folder: Path, image: bytes, version: str = NEW) -> dict[str, Any]:
    (folder / "image.bin").write_bytes(image)
    return {"NewDevVer": version, "FtpFileName": "image.bin"}


def test_a_good_image_is_installed_and_logs_in_with_its_version(tmp_path: Path) -> None:
    with ftp_server(tmp_path / "ftp") as account:

        async def scenario(scene: Stage) -> None:
            values = {**upgrade_values(tmp_path / "ftp", GOOD), **account}
            assert await scene.platform.result("UPGRADE", values) == 0
            login = await scene.platform.count("LOGIN", 2)
            assert login["DevVer"] == NEW
            assert scene.camera.settings.slots == {"previous": "V1.0.0_20130601", "active": NEW}
            assert scene.camera.settings.boot_count == 2

        play(scenario, tmp_path)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"no image at all" * 99, "not an image"),
        (GOOD[:-100], "cut off"),
        (GOOD[:-1] + b"!", "changed"),
        (build_image(MODEL, NEW, b"x", key=b"another maker"), "signature"),
        (build_image("GC-9", NEW, b"x"), "GC-9"),
        (build_image(MODEL, "V0.9.0_20120101", b"x"), "not newer"),
        (build_image(MODEL, "V1.2.0_20140202", b"x"), "announced"),
    ],
    ids=["random", "truncated", "changed", "forged", "other-model", "older", "other-version"],
)
def test_a_bad_image_is_reported_until_acknowledged_and_the_old_version_runs_on(
    tmp_path: Path, image: bytes, reason: str
) -> None:
    def silent(platform: ScriptedPlatform) -> None:
        platform.answers["EXCEPTION_NOTIFY"] = None
        platform.register = account

    with ftp_server(tmp_path / "ftp") as account:

        async def scenario(scene: Stage) -> None:
            platform = scene.platform
            assert await platform.result("UPGRADE", upgrade_values(tmp_path / "ftp", image)) == 0
            await platform.count("EXCEPTION_NOTIFY", 3)
            platform.answers["EXCEPTION_NOTIFY"] = {}
            await asyncio.sleep(0.3)
            told = platform.of("EXCEPTION_NOTIFY")
            assert len(told) <= 5
            assert told[0]["ExceptionType"] == "11"
            assert reason in told[0]["ExceptionDesc"]
            assert scene.camera.settings.version == "V1.0.0_20130601"
            assert scene.camera.settings.boot_count == 1
            assert platform.closed == 0

        play(scenario, tmp_path, silent)


def test_a_missing_file_and_an_unreachable_server_are_reported(tmp_path: Path) -> None:
    with ftp_server(tmp_path / "ftp") as account:

        async def scenario(scene: Stage) -> None:
            values = {"NewDevVer": NEW, "FtpFileName": "none.bin", **account}
            assert await scene.platform.result("UPGRADE", values) == 0
            assert (await scene.platform.count("EXCEPTION_NOTIFY"))["ExceptionType"] == "11"
            assert await scene.platform.result("UPGRADE", {**values, "FtpIP": "127.0.0.1", "FtpPort": 9}) == 0
            assert (await scene.platform.count("EXCEPTION_NOTIFY", 2))["ExceptionDesc"] != ""

        play(scenario, tmp_path)


@pytest.mark.parametrize("percent", [10, 50, 90])
def test_power_that_fails_during_an_upgrade_leaves_the_old_version_and_the_next_upgrade_works(
    tmp_path: Path, percent: int
) -> None:
    with ftp_server(tmp_path / "ftp") as account:

        async def scenario(scene: Stage) -> None:
            camera, platform = scene.camera, scene.platform
            values = {**upgrade_values(tmp_path / "ftp", GOOD), **account}
            camera.cut_at = percent
            assert await platform.result("UPGRADE", values) == 0
            async with asyncio.timeout(5):
                while camera.powered:
                    await asyncio.sleep(0.01)
            await camera.power_on()
            assert (await platform.count("LOGIN", 2))["DevVer"] == "V1.0.0_20130601"
            await scene.online()
            assert await platform.result("UPGRADE", values) == 0
            assert (await platform.count("LOGIN", 3))["DevVer"] == NEW

        play(scenario, tmp_path)


def test_a_reboot_for_another_device_is_refused_and_not_carried_out(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        assert await scene.platform.result("REBOOT", {"DevID": "KDN99999999"}) == 1
        await asyncio.sleep(0.5)
        assert scene.camera.settings.boot_count == 1
        assert scene.platform.names.count("LOGIN") == 1

    play(scenario, tmp_path)


def test_several_reboots_at_once_restart_it_once(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        assert [await scene.platform.result("REBOOT") for _ in range(3)] == [0, 0, 0]
        await scene.platform.count("REGISTER", 2)
        await scene.online()
        await asyncio.sleep(0.5)
        assert scene.camera.settings.boot_count == 2

    play(scenario, tmp_path)


def test_reboot_answers_first_and_restarts_once(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        assert await scene.platform.result("REBOOT") == 0
        await scene.platform.count("REGISTER", 2)
        await scene.online()
        await asyncio.sleep(0.5)
        assert scene.camera.settings.boot_count == 2
        assert scene.platform.names.count("REGISTER") == 2

    play(scenario, tmp_path)


def test_a_planned_picture_is_stored_and_then_announced(tmp_path: Path) -> None:
    with ftp_server(tmp_path / "ftp") as account:

        async def scenario(scene: Stage) -> None:
            platform = scene.platform
            entry = {"Interval": 0, "StartTime": "12:00", "EndTime": "12:00"}
            policy = {"ChannelNo": 0, "StoreType": 0, "DayPolicy": [entry]}
            scene.camera.set_clock("20130601115959")
            assert await platform.result("ADD_PICTURE_POLICY", policy) == 0
            notice = await platform.count("NOTIFY_PICTURE")
            assert notice["DevID"] == DEVICE
            found = [path for path in (tmp_path / "ftp").rglob("*") if path.is_file()]
            assert [path.name for path in found] == [f"{DEVICE}_0_20130601120000.jpg"]
            with av.open(io.BytesIO(found[0].read_bytes())) as container:
                frame = next(container.decode(video=0))
                assert (frame.width, frame.height) == (1280, 720)

        def prepare(platform: ScriptedPlatform) -> None:
            platform.register = account
            platform.answers["HEARTBEAT"] = {"Time": ""}

        play(scenario, tmp_path, prepare, snapshot="true", scale=0.1)


def test_a_relay_gets_an_allocation_is_refreshed_and_its_loss_is_told_at_once(tmp_path: Path) -> None:
    async def run(scene: Stage) -> None:
        relay = ScriptedRelay(lifetime=1)
        await relay.start()
        platform = scene.platform
        platform.register = {"TurnIP": "127.0.0.1", "TurnPort": relay.port}
        await scene.camera.network.provision(platform.url, platform.url)
        await platform.until(lambda: any(m["TurnRelayIP"] for m in platform.of("HEARTBEAT") if "TurnRelayIP" in m))
        told = [(m.get("TurnRelayIP"), m["RtspTurnRelayPort"]) for m in platform.of("HEARTBEAT")]
        assert ("127.0.0.1", str(relay.public_port)) in told
        async with asyncio.timeout(5):
            while relay.methods.count(Method.REFRESH) < 2:
                await asyncio.sleep(0.05)
        assert relay.methods.count(Method.ALLOCATE) == 1
        assert Method.CREATE_PERMISSION in relay.methods
        await relay.stop()
        count = len(platform.of("HEARTBEAT"))
        await platform.until(lambda: len(platform.of("HEARTBEAT")) > count)
        assert (platform.of("HEARTBEAT")[count].get("TurnRelayIP"), scene.camera.relay.address) == ("", None)

    play(run, tmp_path, relay="true", scale=0.1)


@pytest.mark.parametrize("strict", [False, True])
def test_a_viewer_through_the_relay_needs_a_token_and_its_connection_ends_with_the_play(
    tmp_path: Path, strict: bool
) -> None:
    async def run(scene: Stage) -> None:
        relay = ScriptedRelay(strict=strict)
        await relay.start()
        platform = scene.platform
        platform.tokens = lambda message: 0 if message["HashToken"] == "good" else 255
        platform.register = {"TurnIP": "127.0.0.1", "TurnPort": relay.port}
        await scene.camera.network.provision(platform.url, platform.url)
        async with asyncio.timeout(5):
            while scene.camera.relay.address is None or not scene.camera.client.online:
                await asyncio.sleep(0.01)
        client = await RawRtsp.connect("127.0.0.1", relay.public_port)
        bad = await client.ask("DESCRIBE", url(scene, "bad", relay.public_port), Accept="application/sdp")
        assert bad.status == 401
        session, base, _ = await client.setup_all(url(scene, "good", relay.public_port))
        assert (await client.ask("PLAY", base, Session=session)).status == 200
        await client.receive(5)
        assert scene.camera.server.viewers == 1
        assert (await client.ask("TEARDOWN", base, Session=session)).status == 200
        async with asyncio.timeout(5):
            while await client.reader.read(4096):
                continue
        assert (relay.bound, scene.camera.server.viewers) == (1, 0)
        await relay.stop()

    play(run, tmp_path, relay="true")


def test_three_failures_lead_to_the_backup_relay(tmp_path: Path) -> None:
    async def run(scene: Stage) -> None:
        relay = ScriptedRelay()
        await relay.start()
        platform = scene.platform
        platform.register = {
            "TurnIP": "127.0.0.1", "TurnPort": 9, "BackupTurnIP": "127.0.0.1", "BackupTurnPort": relay.port,
        }  # fmt: skip
        await scene.camera.network.provision(platform.url, platform.url)
        async with asyncio.timeout(5):
            while scene.camera.relay.address is None:
                await asyncio.sleep(0.01)
        assert scene.camera.relay.address == ("127.0.0.1", relay.public_port)
        await relay.stop()

    play(run, tmp_path, relay="true")
