from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import av
import pytest
from phone import PASSWORDS, Phone, a_gateway, third_party
from platform_bench import DEVICE, a_camera, a_platform, play, play_with_camera, until

from simulators.camera.camera import Camera
from simulators.platform.platform import Platform


def test_login_renewal_expiry_and_logout(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone = Phone(platform.client_url)
        assert (await phone.get("/terminals"))[1]["name"] == "no_session"
        number, password = PASSWORDS["owner"]
        for wrong in ({"phone": number, "password": "no"}, {"phone": "13999999999", "password": password}):
            status, found = await phone.post("/sessions", wrong)
            assert (status, found["name"], found["code"]) == (401, "bad_credentials", 40101)
        status, found = await phone.post("/sessions", {"phone": number, "password": password})
        assert (status, found["account"]) == (
            201, {"id": "owner", "name": "owner", "phone": number, "role": "owner"},
        )  # fmt: skip
        phone.use(found)
        assert (await phone.get("/terminals"))[0] == 200
        platform.clock.offset += 1801
        assert (await phone.get("/terminals"))[1]["name"] == "session_expired"
        status, renewed = await phone.post("/sessions/renewal", {"refresh": phone.refresh})
        assert status == 201
        old, phone.refresh = phone.refresh, ""
        phone.use(renewed)
        assert (await phone.get("/terminals"))[0] == 200
        assert (await phone.post("/sessions/renewal", {"refresh": old}))[1]["name"] == "session_invalid"
        assert (await phone.call("DELETE", "/sessions/current"))[0] == 204
        assert (await phone.get("/terminals"))[1]["name"] == "session_invalid"

    play(scenario, tmp_path)


def test_an_sms_code_is_good_once_and_for_three_tries(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone, number = Phone(platform.client_url), PASSWORDS["owner"][0]
        assert (await phone.post("/sms-codes", {"phone": number}))[0] == 202
        assert (await phone.post("/sms-codes", {"phone": "13999999999"}))[0] == 202
        assert (await phone.post("/sms-codes", {"phone": number}))[1]["name"] == "locked"
        code = platform.accounts.last_codes[number]
        assert (await phone.post("/sessions/sms", {"phone": number, "code": code}))[0] == 201
        assert (await phone.post("/sessions/sms", {"phone": number, "code": code}))[0] == 401
        platform.clock.offset += 61
        await phone.post("/sms-codes", {"phone": number})
        code = platform.accounts.last_codes[number]
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        for _ in range(3):
            assert (await phone.post("/sessions/sms", {"phone": number, "code": wrong}))[0] == 401
        assert (await phone.post("/sessions/sms", {"phone": number, "code": code}))[0] == 401

    play(scenario, tmp_path)


def test_the_list_is_paged_and_another_users_devices_do_not_exist(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        owner, other = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "other")
        _, first = await owner.get("/terminals?page=1&size=3")
        _, second = await owner.get("/terminals?page=2&size=3")
        assert [item["id"] for item in first["items"] + second["items"]] == [
            "KDN00000001", "KDN00000002", "KDN00000003", "KDN00000004",
        ]  # fmt: skip
        assert (first["total"], second["total"], second["page"]) == (4, 4, 2)
        for query in ("page=0", "size=0", "size=101", "page=x", "size=5&size=6", "colour=red"):
            assert (await owner.get(f"/terminals?{query}"))[0] == 400
        _, mine = await other.get("/terminals")
        assert {item["id"] for item in mine["items"]} == {"KDN00000011", "KDN00000012", "YST00000031"}
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("GET", "/shares", None),
            ("POST", "/play", {}), ("POST", "/ptz", {"direction": "up"}), ("GET", "/video", None),
            ("POST", "/reboot", {}), ("POST", "/format", {}), ("GET", "/record-plan", None), ("GET", "/arming", None),
            ("PUT", "/arming", {"items": []}), ("POST", "/playback", {"file": "x.mp4"}),
        ):  # fmt: skip
            status, found = await other.call(method, f"/terminals/{DEVICE}{path}", body)
            unknown = await other.call(method, f"/terminals/KDN99999999{path}", body)
            assert (status, found["name"]) == (404, "not_found"), (method, path)
            assert unknown == (status, found)

    play(scenario, tmp_path)


def test_every_error_is_coded_whatever_goes_wrong(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone = await Phone.of(platform.client_url, "owner")
        assert (await phone.get("/nothing"))[1]["code"] == 40400
        assert (await phone.call("PUT", "/terminals"))[1]["code"] == 40500
        assert (await phone.post("/sessions", {"phone": "x"}))[1]["code"] == 40000
        assert (await phone.call("POST", "/sessions"))[1]["code"] == 41500
        assert (await phone.post("/sessions", {"phone": "1" * 70_000}))[1]["code"] == 41300
        assert (await phone.post(f"/terminals/{DEVICE}/play"))[1]["code"] == 40901
        status, old = await phone.call("GET", "/terminals", **{"X-Client-Version": "0.9"})
        assert (status, old["name"], old["upgradeUrl"] != "") == (426, "client_too_old", True)
        assert (await phone.call("GET", "/terminals", **{"X-Client-Version": "1.0.0"}))[0] == 200

    play(scenario, tmp_path)


def test_a_third_party_signs_and_a_nonce_is_good_once(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone, now = Phone(platform.client_url), int(time.time())
        secret, key = "7c1e9a4f5b20d836partner", "KDNAPP0001"

        async def name(**headers: str) -> str:
            status, found = await phone.call("GET", "/terminals", **headers)
            return "ok" if status == 200 else str(found["name"])

        good = third_party(secret, key, "nonce-1", now)
        assert await name(**good) == "ok"
        assert await name(**good) == "replay"
        assert await name(**third_party(secret, key, "nonce-2", now - 310)) == "skew"
        assert await name(**third_party(secret, key, "nonce-3", now - 280)) == "ok"
        assert await name(**third_party("wrong", key, "nonce-4", now)) == "bad_signature"
        upper = third_party(secret, key, "nonce-5", now)
        assert await name(**{**upper, "CheckSum": upper["CheckSum"].upper()}) == "bad_signature"

    play(scenario, tmp_path)


def test_a_device_is_bound_by_its_key_and_stays_taken_until_released(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        owner, other = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "other")
        right = {"deviceId": "KDN00000021", "key": "1b7f60c3d94e8a25", "shop": "North Street"}
        assert (await owner.post("/terminals", {**right, "key": "0" * 16}))[1]["name"] == "wrong_key"
        status, found = await owner.post("/terminals", {"qr": "KDN00000021,1b7f60c3d94e8a25", "shop": "North Street"})
        assert (status, found["id"], found["shop"]) == (201, "KDN00000021", "North Street")
        assert (await other.post("/terminals", right))[1]["name"] == "device_taken"
        assert (await owner.call("DELETE", "/terminals/KDN00000021"))[0] == 204
        assert (await other.post("/terminals", right))[0] == 201
        for _ in range(5):
            await other.post("/terminals", {**right, "deviceId": "KDN00000022", "key": "0"})
        assert (await other.post("/terminals", {**right, "deviceId": "KDN00000022"}))[1]["name"] == "locked"

    play(scenario, tmp_path)


def test_a_share_goes_as_far_as_its_rights_and_ends_with_its_withdrawal(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        owner, sharee = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "sharee")
        path = f"/terminals/{DEVICE}"
        assert (await sharee.get(path))[0] == 404
        body = {"phone": PASSWORDS["sharee"][0], "rights": ["view"]}
        status, share = await owner.post(f"{path}/shares", body)
        assert (status, share["rights"]) == (201, ["view"])
        assert (await sharee.get("/terminals"))[1]["items"][0]["shared"] is True
        status, addresses = await sharee.post(f"{path}/play", {})
        assert status == 200
        assert (await sharee.post(f"{path}/ptz", {"direction": "up"}))[1]["name"] == "forbidden"
        assert (await sharee.post(f"{path}/reboot"))[1]["name"] == "forbidden"
        token = addresses["local"].rpartition("=")[2]
        assert (await owner.call("DELETE", f"{path}/shares/{share['id']}"))[0] == 204
        assert not await camera.ask_token("live", "0", "1", token)
        assert (await sharee.get(path))[0] == 404
        assert [entry["action"] for entry in platform.audit.entries(device=DEVICE)[:2]] == ["get", "unshare"]

    play_with_camera(scenario, tmp_path)


def look(url: str) -> tuple[str, int, int]:
    with av.open(url, options={"rtsp_transport": "tcp", "analyzeduration": "500000"}, timeout=5) as container:
        frame = next(container.decode(video=0))
        return container.streams.video[0].codec_context.name, frame.width, frame.height


def test_from_login_to_the_first_picture_by_rtsp(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        owner = await Phone.of(platform.client_url, "owner")
        _, terminal = await owner.get(f"/terminals/{DEVICE}")
        assert (terminal["online"], terminal["version"]) == (True, "V1.0.0_20130601")
        status, found = await owner.post(f"/terminals/{DEVICE}/play", {"channel": 0, "stream": 2})
        assert (status, found["streamType"]) == (200, 2)
        assert found["local"].startswith(f"rtsp://127.0.0.1:{camera.rtsp_port}/realplay?devid={DEVICE}&channelno=0")
        assert await asyncio.to_thread(look, found["local"]) == ("h264", 320, 192)
        with pytest.raises(av.error.HTTPUnauthorizedError):
            await asyncio.to_thread(look, found["local"])

    play_with_camera(scenario, tmp_path)


def test_control_reaches_the_camera_and_stands_in_the_audit_log(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        owner, clerk = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "clerk")
        path = f"/terminals/{DEVICE}"
        assert (await owner.post(f"{path}/ptz", {"direction": "left"}))[0] == 204
        assert (await clerk.post(f"{path}/ptz", {"direction": "left"}))[1]["name"] == "forbidden"
        wanted = {"frameSize": 1, "frameRate": 12, "rateType": 1, "bitRate": 7, "audio": False}
        assert (await owner.call("PUT", f"{path}/video?channel=0&stream=1", wanted))[0] == 204
        assert (await owner.get(f"{path}/video?channel=0&stream=1"))[1] == wanted
        assert camera.parameters(0, 1).frame_rate == 12
        _, disk = await clerk.get(f"{path}/storage")
        assert 0 < disk["free"] <= disk["total"]
        boots = camera.settings.boot_count
        assert (await clerk.post(f"{path}/reboot"))[0] == 403
        assert (await owner.post(f"{path}/reboot"))[0] == 202
        await until(lambda: camera.settings.boot_count == boots + 1, "the restart")
        operator = await Phone.of(platform.client_url, "operator")
        _, log = await operator.get(f"/audit?terminal={DEVICE}&action=reboot")
        found = sorted((entry["who"], entry["outcome"]) for entry in log["items"])
        assert found == [("clerk", "forbidden"), ("owner", "ok")]
        assert (await owner.get("/audit"))[1]["name"] == "forbidden"

    play_with_camera(scenario, tmp_path)


def test_windows_of_a_week_are_checked_and_come_back(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        owner = await Phone.of(platform.client_url, "owner")
        for path in (f"/terminals/{DEVICE}/record-plan?channel=0", f"/terminals/{DEVICE}/arming?channel=0&type=1"):
            good = [{"week": 1, "start": "08:00", "end": "12:00"}, {"week": 7, "start": "12:00", "end": "24:00"}]
            assert (await owner.call("PUT", path, {"items": good}))[0] == 204
            assert (await owner.get(path))[1] == {"items": good}
            over = [*good, {"week": 1, "start": "11:59", "end": "13:00"}]
            for wrong in (over, [{**good[0], "week": 0}], [{**good[0], "end": "08:00"}], [{**good[0], "end": "8:5"}]):
                assert (await owner.call("PUT", path, {"items": wrong}))[0] == 400
            assert (await owner.get(path))[1] == {"items": good}

    play(scenario, tmp_path)


def test_an_alarm_is_pushed_to_the_phones_that_are_registered(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_gateway() as (url, told):

            async def scenario(platform: Platform, camera: Camera) -> None:
                owner, other = (
                    await Phone.of(platform.client_url, "owner"),
                    await Phone.of(platform.client_url, "other"),
                )
                for phone, token in ((owner, "phone-1"), (other, "phone-2")):
                    assert (await phone.call("PUT", "/push", {"token": token, "url": url}))[0] == 204
                switch = f"/terminals/{DEVICE}/alarm-switch?channel=0&type=1"
                for armed in (False, True):
                    assert (await owner.call("PUT", switch, {"armed": armed}))[0] == 204
                    assert (await owner.get(switch))[1] == {"armed": armed}
                camera.notices.raised(0, 1, 0)
                await until(lambda: told, "the push")
                _, alarms = await owner.get(f"/alarms?terminal={DEVICE}")
                alarm = alarms["items"][0]
                expected: dict[str, Any] = {
                    "token": "phone-1", "kind": "alarm", "terminal": DEVICE, "channel": 0, "alarmType": 1,
                    "subject": alarm["id"],
                }  # fmt: skip
                assert expected.items() <= told[0].items()
                assert told[0]["link"].endswith(f"/alarms/{alarm['id']}/clip")
                assert (await other.get(f"/alarms/{alarm['id']}"))[0] == 404
                _, box = await owner.get("/messages")
                assert [m["kind"] for m in box["items"]] == ["alarm"]
                assert (await owner.post(f"/messages/{box['items'][0]['id']}/read"))[0] == 204
                assert (await other.post(f"/messages/{box['items'][0]['id']}/read"))[0] == 404
                assert len(told) == 1

            async with a_platform(tmp_path) as platform, a_camera(tmp_path, platform) as camera:
                await scenario(platform, camera)

    asyncio.run(run())
