from __future__ import annotations

import re
from pathlib import Path

import pytest
from platform_bench import DEVICE, play

from simulators.platform.platform import Platform
from simulators.platform.refused import Refused


def refused(platform: Platform, target: str) -> bool:
    try:
        platform.plays.admit(target)
    except Refused as refusal:
        return refusal.code == "forbidden"
    return False


def test_only_the_target_that_was_signed_is_admitted(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        plays = platform.plays
        mine = plays.open("live", "owner", "s1", DEVICE, 0, stream=1)
        other = plays.open("live", "other", "s2", "KDN00000011", 0, stream=1)
        target = plays.sign(mine, "index.m3u8")
        assert plays.admit(target) == (mine, "index.m3u8")
        path, query = target.split("?")
        time = re.search(r"auth_key=(\d+)-", query)
        assert time is not None
        later = query.replace(time[1], str(int(time[1]) + 3600))
        flipped = target[:-1] + ("0" if target[-1] != "0" else "1")
        wrong = [
            path, flipped, f"{path}?{later}", target.replace(mine.id, other.id), target.replace(".m3u8", ".flv"),
            target.replace("index", "0"), target.replace("/live/", "/record/"), "/" + target, target + "&auth_key=1",
            f"{path}?auth_key=1&{query}", target.replace("/live/", "/./live/"), target.replace("/live/", "//live/"),
            target.replace("live", "%6cive"), f"{path}/?{query}", f"{path};a?{query}", target + "#x", target.upper(),
            target.replace("auth_key", "AUTH_KEY"), target[:-1], target + "0", target + "%00", target + "\n", "", "/",
            "*", f"http://127.0.0.1{target}", f"{path}?auth_key=", f"{path}?auth_key=0-0-0-0",
        ]  # fmt: skip
        assert [one for one in wrong if not refused(platform, one)] == []
        assert plays.admit(target) == (mine, "index.m3u8")

    play(scenario, tmp_path)


@pytest.mark.parametrize(("offset", "good"), [(299, True), (301, False), (-4, True), (-6, False), (86400, False)])
def test_a_target_dies_on_time_and_is_not_good_before_its_birth(tmp_path: Path, offset: float, good: bool) -> None:
    async def scenario(platform: Platform) -> None:
        target = platform.plays.sign(platform.plays.open("live", "owner", "s", DEVICE, 0, stream=1), "index.m3u8")
        platform.clock.offset += offset
        assert refused(platform, target) is not good

    play(scenario, tmp_path)


def test_plays_end_with_user_device_session_and_password(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        plays = platform.plays
        opened = [plays.open("live", "owner", session, DEVICE, 0, stream=1) for session in ("s1", "s2")]
        targets = [plays.sign(one, "stream.flv") for one in opened]
        plays.move("s1", "s3")
        platform.accounts.close_session("s3")
        assert [refused(platform, target) for target in targets] == [True, False]
        platform.accounts.suspend("owner", suspended=True)
        assert [refused(platform, target) for target in targets] == [True, True]
        assert all(one.ended.is_set() for one in opened)
        assert len(plays) == 0

    play(scenario, tmp_path)
