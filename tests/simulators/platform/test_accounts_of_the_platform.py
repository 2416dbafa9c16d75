from __future__ import annotations

from pathlib import Path

from phone import PASSWORDS, Phone, a_gateway
from platform_bench import DEVICE, play, until

from simulators.platform.platform import Platform
from simulators.platform.tokens import Grant


def test_versions_and_shops(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        assert (await Phone(platform.client_url).get("/version"))[1]["minimumClient"] == "1.0.0"
        owner = await Phone.of(platform.client_url, "owner")
        _, shops = await owner.get("/shops")
        assert [(shop["name"], shop["devices"]) for shop in shops["items"]] == [("East Street", 2), ("West Street", 2)]
        _, east = await owner.get(f"/terminals?shop={shops['items'][0]['id']}")
        assert [item["id"] for item in east["items"]] == ["KDN00000001", "KDN00000002"]
        _, moved = await owner.call("PATCH", f"/terminals/{DEVICE}", {"name": "Till", "shop": "West Street"})
        assert (moved["name"], moved["shop"]) == ("Till", "West Street")

    play(scenario, tmp_path)


def test_a_new_password_ends_sessions_and_tokens(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        first, second = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "owner")
        token, _ = platform.tokens.issue(Grant("owner", DEVICE, "0", "1", "live"))
        wanted = {"old": "wrong", "new": "Better-12345"}
        assert (await first.call("PUT", "/account/password", wanted))[1]["name"] == "bad_credentials"
        assert (await first.get("/shops"))[0] == 200
        wanted["old"] = PASSWORDS["owner"][1]
        assert (await first.call("PUT", "/account/password", {**wanted, "new": "short"}))[0] == 400
        assert (await first.call("PUT", "/account/password", wanted))[0] == 204
        assert [(await phone.get("/shops"))[1]["name"] for phone in (first, second)] == ["session_invalid"] * 2
        assert not platform.tokens.use(token, DEVICE, "0", "1", "live")
        number = PASSWORDS["owner"][0]
        assert (await first.post("/sessions", {"phone": number, "password": wanted["old"]}))[0] == 401
        assert (await first.post("/sessions", {"phone": number, "password": wanted["new"]}))[0] == 201

    play(scenario, tmp_path)


def test_five_wrong_passwords_lock_an_account_for_a_while_even_for_the_right_one(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone, (number, password) = Phone(platform.client_url), PASSWORDS["other"]
        for _ in range(5):
            assert (await phone.post("/sessions", {"phone": number, "password": "no"}))[1]["name"] == "bad_credentials"
        assert (await phone.post("/sessions", {"phone": number, "password": password}))[1]["name"] == "locked"
        platform.clock.offset += platform.clock.long(301)
        assert (await phone.post("/sessions", {"phone": number, "password": password}))[0] == 201

    play(scenario, tmp_path)


def test_a_phone_gets_no_push_after_logout_or_when_it_asked_for_none(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        async with a_gateway() as (url, told):
            phones = [await Phone.of(platform.client_url, "owner") for _ in range(3)]
            for number, phone in enumerate(phones):
                await phone.call("PUT", "/push", {"token": f"phone-{number}", "url": url})
            await phones[0].call("DELETE", "/sessions/current")
            await phones[1].call("DELETE", "/push")
            platform.messages.device_event(DEVICE, "offline")
            await until(lambda: platform.push.sent == 1, "the push")
            assert [message["token"] for message in told] == ["phone-2"]
            platform.push.down = True
            platform.messages.device_event(DEVICE, "online")
            platform.push.down = False
            await until(lambda: platform.push.sent == 2, "the second push")

    play(scenario, tmp_path)


def test_jobs_are_listed_and_stopped_by_their_owner(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        owner, operator = [await Phone.of(platform.client_url, name) for name in ("owner", "operator")]
        other = await Phone.of(platform.client_url, "other")
        job = {"version": "V1.1.0_20140101", "source": "ftp://a:b@127.0.0.1:21/x.bin", "terminals": [DEVICE]}
        _, found = await owner.post("/upgrade-jobs", job)
        for phone, total in ((owner, 1), (operator, 1), (other, 0)):
            assert (await phone.get("/upgrade-jobs"))[1]["total"] == total
        assert (await other.call("DELETE", f"/upgrade-jobs/{found['id']}"))[0] == 404
        assert (await owner.call("DELETE", f"/upgrade-jobs/{found['id']}"))[0] == 204
        assert (await operator.get(f"/upgrade-jobs/{found['id']}"))[1]["state"] == "stopped"

    play(scenario, tmp_path)


def test_what_matters_survives_a_restart_of_the_servers_and_of_the_whole(tmp_path: Path) -> None:
    async def first(platform: Platform) -> None:
        owner = await Phone.of(platform.client_url, "owner")
        binding = {"deviceId": "KDN00000021", "key": "1b7f60c3d94e8a25", "shop": "North Street"}
        await owner.post("/terminals", binding)
        grant = Grant("owner", DEVICE, "0", "1", "live")
        kept["spent"], kept["fresh"] = platform.tokens.issue(grant)[0], platform.tokens.issue(grant)[0]
        assert platform.tokens.use(kept["spent"], DEVICE, "0", "1", "live")
        play = platform.plays.open("live", "owner", "s", DEVICE, 0, stream=1)
        base = platform.client_url
        await platform.restart_all()
        assert play.ended.is_set()
        assert platform.client_url == base
        assert (await owner.get("/terminals"))[1]["total"] == 5
        kept["session"] = owner.headers["Authorization"]

    async def second(platform: Platform) -> None:
        phone = Phone(platform.client_url)
        phone.headers = {"Authorization": kept["session"]}
        assert (await phone.get("/terminals"))[1]["total"] == 5
        assert not platform.tokens.use(kept["spent"], DEVICE, "0", "1", "live")
        assert platform.tokens.use(kept["fresh"], DEVICE, "0", "1", "live")

    kept: dict[str, str] = {}
    play(first, tmp_path)
    play(second, tmp_path)
