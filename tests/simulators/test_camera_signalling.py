from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scripted_platform import DEVICE, KEY, TABLE, ScriptedPlatform, Stage, play, stage

from conformance.protocols.tykd_samples import Samples
from simulators.camera.declarations import DEFAULT, NVR


def test_it_redirects_registers_logs_in_and_reports_in_this_order(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform = scene.platform
        await platform.count("HEARTBEAT")
        assert platform.names[:5] == ["REDIRECT", "REGISTER", "LOGIN", "ABILITYUP", "HEARTBEAT"]
        assert [frame.sequence for frame in platform.frames[:3]] == [1, 2, 3]
        redirect, login, ability = (platform.of(name)[0] for name in ("REDIRECT", "LOGIN", "ABILITYUP"))
        assert [redirect[name] for name in ("ManufacturerNo", "Mode", "DevType", "DevID", "DevKey")] == [
            "KDN", "GC-1", "1", DEVICE, KEY,
        ]  # fmt: skip
        assert (login["DevVer"], login["LocalIP"], login["NetType"]) == ("V1.0.0_20130601", "127.0.0.1", "0")
        assert login.integer("RtspLocalPort") == scene.camera.server.address[1]
        assert (ability["ChannelNum"], ability["PTZFlag"], ability["DIDOAlarmFlag"], ability["DIDONum"]) == (
            "1", "1", "1", "2",
        )  # fmt: skip
        pairs = [(video["StreamType"], video["FrameSize"]) for video in ability.items("Video")]
        assert pairs == [("1", "1"), ("2", "2"), ("2", "3")]
        assert platform.of("HEARTBEAT")[0]["CurVideoNum"] == "0"
        assert all(not message.faults for _, message in platform.log)

    play(scenario, tmp_path)


def test_the_province_is_remembered_over_a_restart_and_the_boot_counted(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        await scene.camera.power_off()
        await scene.camera.power_on()
        await scene.online()
        assert scene.platform.names.count("REDIRECT") == 1
        assert scene.platform.names.count("REGISTER") == 2
        assert scene.camera.settings.boot_count == 2

    play(scenario, tmp_path)


def test_the_backup_serves_while_the_primary_is_gone_and_the_primary_is_tried_first_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, lambda platform: platform.primary.close()) as scene:
            platform = scene.platform
            await scene.online()
            assert [which for which, _ in platform.links] == ["backup"]
            await platform.restart_primary()
            platform.links[-1][1].transport.abort()
            await platform.until(lambda: len(platform.links) == 2)
            await scene.online()
            assert [which for which, _ in platform.links] == ["backup", "primary"]

    asyncio.run(run())


@pytest.mark.parametrize("result", [1, 2, 3, 7, 255])
def test_a_refused_login_is_not_online_and_waits_long_before_the_next(tmp_path: Path, result: int) -> None:
    async def run() -> None:
        def refuse(platform: ScriptedPlatform) -> None:
            platform.answers["LOGIN"] = {"Result": result}

        async with stage(tmp_path, refuse) as scene:
            await scene.platform.count("LOGIN")
            await scene.platform.until(lambda: scene.platform.closed == 1)
            await asyncio.sleep(0.5)
            assert scene.platform.names.count("LOGIN") == 1
            assert "ABILITYUP" not in scene.platform.names
            assert not scene.camera.client.online

    asyncio.run(run())


def test_an_unanswered_login_is_tried_three_times_on_a_connection(tmp_path: Path) -> None:
    async def run() -> None:
        def silent(platform: ScriptedPlatform) -> None:
            platform.answers["LOGIN"] = None

        async with stage(tmp_path, silent) as scene:
            await scene.platform.until(lambda: scene.platform.closed == 1)
            assert scene.platform.names.count("LOGIN") == 3
            assert [frame.sequence for frame in scene.platform.frames] == [1, 2, 3]
            scene.platform.answers["LOGIN"] = {}
            await scene.online()

    asyncio.run(run())


def test_answers_are_matched_by_sequence_so_shifted_ones_count_as_none(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform = scene.platform
        await platform.count("HEARTBEAT")
        platform.answer_shift = 1
        await platform.until(lambda: platform.closed == 1)
        lost = len(platform.of("HEARTBEAT"))
        assert 4 <= lost <= 6
        platform.answer_shift = 0
        await platform.count("LOGIN", 2)
        await scene.online()

    play(scenario, tmp_path)


def test_commands_before_the_ability_report_is_answered_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        def silent(platform: ScriptedPlatform) -> None:
            platform.answers["ABILITYUP"] = None

        async with stage(tmp_path, silent) as scene:
            await scene.platform.count("ABILITYUP")
            assert await scene.platform.result("STORE_QUERY") == 255
            scene.platform.answers["ABILITYUP"] = {}
            await scene.online()
            assert await scene.platform.result("STORE_QUERY") == 0

    asyncio.run(run())


def test_foreign_devices_unknown_channels_and_missing_abilities_are_refused(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        ask = scene.platform.result
        stream = {"ChannelNo": 0, "StreamType": 1}
        assert await ask("GET_CHANNEL", stream) == 0
        assert await ask("GET_CHANNEL", stream, dev_id="KDN00000099") == 1
        assert await ask("REBOOT", dev_id="KDN00000099") == 1
        assert await ask("GET_CHANNEL", {**stream, "ChannelNo": 1}) == 255
        assert await ask("GET_CHANNEL", {**stream, "StreamType": 3}) == 255
        assert await ask("GET_CHANNEL", {"StreamType": 1}) == 255
        assert await ask("NVR_QUERY_IPCAM") == 255
        assert await ask("NVR_QUERY_IPCAM") == 255
        assert await ask("VIDEO_PTZ", {"ChannelNo": 0, "PtzDirection": 9}) == 255
        assert scene.camera.settings.boot_count == 1

    play(scenario, tmp_path)


def test_unknown_commands_get_no_answer_and_the_link_stays(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await scene.platform.ask_raw(0x6A, b'<?xml version="1.0" encoding="utf-8"?><A><DevID>x</DevID></A>')
        assert await scene.platform.result("STORE_QUERY") == 0
        assert scene.platform.closed == 0

    play(scenario, tmp_path)


@pytest.mark.parametrize("fault", ["digest", "oversize", "start"])
def test_broken_frames_end_the_link_without_answer_and_action(tmp_path: Path, fault: str) -> None:
    async def scenario(scene: Stage) -> None:
        platform = scene.platform
        xml = f'<?xml version="1.0" encoding="utf-8"?><REBOOT_REQ><DevID>{DEVICE}</DevID></REBOOT_REQ>'.encode()
        writer = platform.links[-1][1]
        if fault == "digest":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await platform.ask_raw(0x6C, xml, wrong_digest=True)
        else:
            length = 4073 if fault == "oversize" else 16
            start = b"\xfa\xf5" if fault == "oversize" else b"\xfa\xf6"
            writer.write(start + b"\x6c\x00\x01\x00" + length.to_bytes(2, "big") + bytes(8192))
        await platform.until(lambda: platform.closed == 1)
        await scene.online()
        assert scene.camera.settings.boot_count == 1
        assert platform.names.count("REGISTER") == 1

    play(scenario, tmp_path)


def test_settings_are_in_force_whole_or_not_at_all_and_survive_a_power_cut(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform, camera = scene.platform, scene.camera
        sub = {"ChannelNo": 0, "StreamType": 2}
        assert await platform.result("SET_CHANNEL", {**sub, "FrameSize": 2, "FrameRate": 10, "BitRate": 5}) == 0
        settings = camera.bank.encoders[0, 2].settings
        assert (settings.width, settings.height, settings.fps, settings.kbit_s) == (704, 576, 10, 384)
        assert await platform.result("SET_CHANNEL", {**sub, "FrameRate": 20, "FrameSize": 1}) == 255
        assert await platform.result("SET_CHANNEL", {**sub, "FrameRate": 20, "BitRate": 14}) == 255
        await camera.power_off()
        await camera.power_on()
        await scene.online()
        found = await platform.ask("GET_CHANNEL", sub)
        names = ("FrameSize", "FrameRate", "RateType", "BitRate", "AudioInput")
        assert [found[name] for name in names] == ["2", "10", "1", "5", "1"]
        main = await platform.ask("GET_CHANNEL", {**sub, "StreamType": 1})
        assert [main[name] for name in names] == ["1", "15", "1", "6", "1"]

    play(scenario, tmp_path)


def test_unsaved_state_is_lost_and_a_torn_draft_does_no_harm(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        scene.camera.settings.record_loop = 0
        (tmp_path / "state" / "settings.new").write_bytes(b'{"version":')
        await scene.camera.power_off()
        await scene.camera.power_on()
        assert scene.camera.settings.record_loop == 1

    play(scenario, tmp_path)


def test_the_clock_follows_login_and_heartbeat(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        await scene.platform.count("HEARTBEAT")
        await asyncio.sleep(0.1)
        assert scene.camera.time_text().startswith("20130601120")
        scene.platform.answers["HEARTBEAT"] = {"Time": "20140101000000"}
        scene.camera.client.beat_now.set()
        await scene.platform.count("HEARTBEAT", 2)
        await asyncio.sleep(0.1)
        assert scene.camera.time_text().startswith("20140101000")

    play(scenario, tmp_path, lambda p: p.answers.update(LOGIN={"Time": "20130601120000"}))


def test_a_record_plan_has_stable_ids_and_four_entries_a_day(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        platform = scene.platform

        def entries(*starts: int, week: int = 7) -> dict[str, object]:
            plan = [
                {"StoreType": 0, "StreamType": 1, "Week": week, "StartTime": f"{hour}:05", "EndTime": "24:00"}
                for hour in starts
            ]
            return {"ChannelNo": 0, "WeekPolicy": plan}

        assert await platform.result("ADD_RECORD_POLICY", entries(1, 2, 3, 4)) == 0
        assert await platform.result("ADD_RECORD_POLICY", entries(5)) == 255
        assert await platform.result("ADD_RECORD_POLICY", entries(5, week=0)) == 255
        found = (await platform.ask("QUERY_RECORD_POLICY", {"ChannelNo": 0})).items("WeekPolicy")
        assert [(entry["Week"], entry["StartTime"], entry["EndTime"]) for entry in found] == [
            ("7", "01:05", "24:00"), ("7", "02:05", "24:00"), ("7", "03:05", "24:00"), ("7", "04:05", "24:00"),
        ]  # fmt: skip
        ids = [entry["PolicyID"] for entry in found]
        assert len(set(ids)) == 4
        assert await platform.result("DEL_RECORD_POLICY", {"ChannelNo": 0, "PolicyID": 999}) == 255
        assert await platform.result("DEL_RECORD_POLICY", {"ChannelNo": 0, "PolicyID": ids[1]}) == 0
        assert await platform.result("ADD_RECORD_POLICY", entries(6)) == 0
        after = (await platform.ask("QUERY_RECORD_POLICY", {"ChannelNo": 0})).items("WeekPolicy")
        kept = [entry["PolicyID"] for entry in after]
        assert [kept[0], kept[1], kept[2]] == [ids[0], ids[2], ids[3]]
        assert kept[3] not in ids

    play(scenario, tmp_path)


def test_a_recorder_binds_each_camera_once_and_each_channel_once(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        ask = scene.platform
        linked = {"IpcamLocalIP": "127.0.0.9", "OnvifPort": "80", "OnvifAccount": "", "OnvifPassword": ""}
        nvr = "KDN00000002"

        async def link(channel: int, camera: str) -> int:
            values = {"ChannelNo": channel, "IpcamDevID": camera, **linked}
            return await ask.result("NVR_LINK_IPCAM", values, dev_id=nvr)

        assert await link(2, "KDN00000051") == 0
        assert await link(2, "KDN00000052") == 255
        assert await link(3, "KDN00000051") == 255
        assert await link(4, "KDN00000053") == 255
        modified = {"IpcamDevID": "KDN00000059", **linked}
        assert await ask.result("NVR_MODIFY_IPCAM", modified, dev_id=nvr) == 255
        found = (await ask.ask("NVR_QUERY_IPCAM", dev_id=nvr)).items("Channel")
        assert [(entry["ChannelNo"], entry["IpcamDevID"]) for entry in found] == [("2", "KDN00000051")]
        assert await ask.result("NVR_DEL_IPCAM", {"ChannelNo": 0}, dev_id=nvr) == 255
        assert await ask.result("NVR_DEL_IPCAM", {"ChannelNo": 2}, dev_id=nvr) == 0

    play(scenario, tmp_path, source=NVR)


CARRIED_OUT_LAST = ("REBOOT",)
NEEDS_MORE = {"UPGRADE", "SET_WIFI", "DEL_RECORD_POLICY", "DEL_PICTURE_POLICY", "NVR_MODIFY_IPCAM", "NVR_DEL_IPCAM"}


@pytest.mark.parametrize("source", [DEFAULT, NVR], ids=["camera", "nvr"])
def test_every_command_of_the_table_is_answered_in_a_form_that_fits_it(tmp_path: Path, source: Path) -> None:
    async def scenario(scene: Stage) -> None:
        camera = scene.camera
        samples = Samples(TABLE, camera.features, camera.dev_id)
        commands = [c for c in TABLE.by_code.values() if c.direction == "platform-to-device" and not c.undefined_body]
        assert len(commands) >= 27
        for command in sorted(commands, key=lambda c: c.name in CARRIED_OUT_LAST):
            values = samples.request(command)
            answer = await scene.platform.ask(command.name, values, dev_id=camera.dev_id)
            assert (command.name, answer.violations) == (command.name, ())
            assert answer["DevID"] == camera.dev_id
            if not samples.has(command.when):
                assert (command.name, answer.result) == (command.name, 255)
            elif command.name not in NEEDS_MORE:
                assert (command.name, answer.result) == (command.name, 0)

    play(scenario, tmp_path, source=source, snapshot="true")


def test_a_failing_handler_is_answered_255_and_the_next_command_works(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        camera = scene.camera
        (tmp_path / "state").rename(tmp_path / "gone")
        assert await scene.platform.result("SET_RECORD_LOOP", {"RecordLoop": 0}) == 255
        (tmp_path / "gone").rename(tmp_path / "state")
        assert await scene.platform.result("SET_RECORD_LOOP", {"RecordLoop": 0}) == 0
        assert scene.platform.closed == 0
        assert camera.client.online

    play(scenario, tmp_path)
