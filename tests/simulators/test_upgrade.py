"""The camera's download of an image over FTP: what it sends, what it survives, what a power cut leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted_ftp import ScriptedFtp
from scripted_platform import Stage, play

from simulators.camera.firmware import build_image, releases_from, write_images
from simulators.camera.ftp_download import FtpError, FtpSession

OLD, NEW = "V1.0.0_20130601", "V1.1.0_20140101"
GOOD = build_image("GC-1", NEW, b"payload " * 3000)


@asynccontextmanager
async def serving(**bent: Any) -> AsyncIterator[ScriptedFtp]:
    ftp = ScriptedFtp(**bent)
    await ftp.start()
    try:
        yield ftp
    finally:
        await ftp.stop()


def session(ftp: ScriptedFtp, user: str = "up") -> FtpSession:
    return FtpSession("127.0.0.1", ftp.port, user, "up-secret", 0.3)


def with_ftp(tmp_path: Path, scenario: Callable[[Stage, ScriptedFtp], Awaitable[None]], **bent: Any) -> None:
    async def run(scene: Stage) -> None:
        async with serving(**bent) as ftp:
            await scenario(scene, ftp)

    play(run, tmp_path)


def request(ftp: ScriptedFtp) -> dict[str, str]:
    return {"NewDevVer": NEW, "FtpFileName": "image.bin", **ftp.account}


def test_one_session_in_binary_and_passive_mode() -> None:
    heard: list[float] = []

    async def run() -> None:
        async with serving(data=b"abcd" * 25) as ftp:
            async with session(ftp) as opened:
                assert await opened.size("image.bin") == 100
                assert await opened.retrieve("image.bin", 100, heard.append) == b"abcd" * 25
            await ftp.seen(ftp.lines, 7)
            assert ftp.lines == [
                "USER up",
                "PASS up-secret",
                "TYPE I",
                "SIZE image.bin",
                "PASV",
                "RETR image.bin",
                "QUIT",
            ]

    asyncio.run(run())
    assert heard == sorted(heard)
    assert heard[0] == 2.0
    assert heard[-1] == 100.0


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"greeting": "421 too busy"}, "421 too busy"),
        ({"mute": ("USER",)}, "^$"),
        ({"mute": ("PASV",)}, "^$"),
        ({"stall": True, "sent": 50}, "^$"),
        ({"greeting": "220 " + "x" * 9000}, "closed the control connection"),
    ],
    ids=["refused", "silent", "silent-later", "stalled", "endless-line"],
)
def test_a_server_that_does_not_play_along_ends_the_session(bent: dict[str, Any], error: str) -> None:
    async def run() -> None:
        async with serving(**bent) as ftp:
            with pytest.raises((FtpError, TimeoutError), match=error):
                async with session(ftp) as opened:
                    await opened.retrieve("image.bin", 12_000, lambda percent: None)

    asyncio.run(run())


def test_no_more_is_read_than_was_announced_and_one_byte() -> None:
    async def run() -> None:
        async with serving(told=100) as ftp, session(ftp) as opened:
            assert len(await opened.retrieve("image.bin", 100, lambda percent: None)) == 101

    asyncio.run(run())


def test_a_line_break_in_an_account_is_not_sent() -> None:
    async def run() -> None:
        async with serving() as ftp:
            with pytest.raises(FtpError, match="line break"):
                async with session(ftp, "up\r\nDELE image.bin"):
                    pass
            assert ftp.lines == []

    asyncio.run(run())


@pytest.mark.parametrize("cut", [False, True], ids=["plug", "armed"])
def test_power_that_fails_resets_the_transfer_without_a_word(tmp_path: Path, cut: bool) -> None:
    async def scenario(scene: Stage, ftp: ScriptedFtp) -> None:
        camera = scene.camera
        camera.cut_at = 40.0 if cut else None
        assert await scene.platform.result("UPGRADE", request(ftp)) == 0
        await ftp.seen(ftp.lines, 6)
        if not cut:
            await camera.power_off()
        await ftp.seen(ftp.ends, 2)
        assert sorted(ftp.ends) == ["control reset", "data reset"]
        assert ftp.lines[-1].startswith("RETR")
        await scene.offline()
        assert not camera.powered
        await camera.power_on()
        await scene.online()
        assert (camera.settings.version, camera.upgrade.state) == (OLD, "idle")

    with_ftp(tmp_path, scenario, data=GOOD, sent=len(GOOD) * 6 // 10, stall=True)


def test_an_armed_cut_outlives_a_restart(tmp_path: Path) -> None:
    async def scenario(scene: Stage, ftp: ScriptedFtp) -> None:
        scene.camera.cut_at = 90.0
        assert await scene.platform.result("REBOOT") == 0
        await scene.platform.count("REGISTER", 2)
        await scene.online()
        assert await scene.platform.result("UPGRADE", request(ftp)) == 0
        await scene.offline()
        assert not scene.camera.powered
        assert scene.camera.cut_at is None
        assert scene.camera.settings.version == OLD

    with_ftp(tmp_path, scenario, data=GOOD)


def test_a_second_upgrade_is_refused_while_one_is_at_work(tmp_path: Path) -> None:
    async def scenario(scene: Stage, ftp: ScriptedFtp) -> None:
        assert await scene.platform.result("UPGRADE", request(ftp)) == 0
        assert await scene.platform.result("UPGRADE", request(ftp)) == 255
        assert (await scene.platform.count("LOGIN", 2))["DevVer"] == NEW
        assert ftp.lines.count("RETR image.bin") == 1
        assert scene.camera.settings.boot_count == 2

    with_ftp(tmp_path, scenario, data=GOOD)


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"sent": 5000}, "5000 of"),
        ({"sent": 5000, "break_off": True}, "5000 of"),
        ({"told": 100}, "longer than announced"),
        ({"told": 0}, "an image of 0 bytes"),
        ({"told": 1 << 40}, "an image of 1099511627776 bytes"),
        ({"mute": ("RETR",)}, "silent"),
    ],
    ids=["short", "broken", "long", "empty", "huge", "silent"],
)
def test_a_download_that_fails_is_reported_with_its_reason(tmp_path: Path, bent: dict[str, Any], reason: str) -> None:
    async def scenario(scene: Stage, ftp: ScriptedFtp) -> None:
        assert await scene.platform.result("UPGRADE", request(ftp)) == 0
        assert reason in (await scene.platform.count("EXCEPTION_NOTIFY"))["ExceptionDesc"]
        assert (scene.camera.settings.version, scene.camera.upgrade.busy) == (OLD, False)

    with_ftp(tmp_path, scenario, data=GOOD, **bent)


def test_the_account_of_an_upgrade_is_not_kept(tmp_path: Path) -> None:
    async def scenario(scene: Stage, ftp: ScriptedFtp) -> None:
        before = dict(scene.camera.ftp_account)
        assert await scene.platform.result("UPGRADE", request(ftp)) == 0
        await scene.platform.count("EXCEPTION_NOTIFY")
        assert scene.camera.ftp_account == before

    with_ftp(tmp_path, scenario, data=b"no image")


def test_the_images_of_a_maker_begin_with_the_present_version(tmp_path: Path) -> None:
    found = write_images(tmp_path, "GC-1", "V1.8.0_20140801")
    assert [image["version"] for image in found["good"]] == ["V1.8.0_20140801", "V1.9.0_20140901"]
    assert all(Path(found[kind]).stat().st_size > 20_000 for kind in ("older", "foreign_model", "bad_signature"))
    assert releases_from("unknown")[0] == "V1.1.0_20140101"
