from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from phone import Phone
from platform_bench import DEVICE, a_camera, a_platform, play, until
from scripted_ftp import ScriptedFtp

from simulators.camera.firmware import build_image
from simulators.platform.devices import version_order
from simulators.platform.platform import Platform
from simulators.platform.upgrades import source

NEW = "V1.1.0_20140101"
SECOND, THIRD = "KDN00000003", "KDN00000004"


def test_versions_are_compared_by_their_numbers() -> None:
    assert version_order("V1.10.0_20140101") > version_order("V1.9.0_20150101")
    assert version_order("V1.9.0_20150101") > version_order("V1.9.0_20140101")
    with pytest.raises(ValueError, match="not a version"):
        version_order("latest")


def test_the_source_of_an_image_is_an_ftp_url() -> None:
    assert source("ftp://up:p%40ss@10.0.0.1:2121/dir/image.bin") == {
        "FtpIP": "10.0.0.1", "FtpPort": 2121, "FtpAccount": "up", "FtpPassword": "p@ss", "FtpFileName": "dir/image.bin",
    }  # fmt: skip
    for wrong in ("http://10.0.0.1/image.bin", "ftp:///image.bin", "ftp://10.0.0.1/"):
        with pytest.raises(ValueError, match="ftp"):
            source(wrong)


def test_a_job_is_done_when_the_camera_is_back_with_the_new_version(tmp_path: Path) -> None:
    async def run() -> None:
        ftp = ScriptedFtp(data=build_image("GC-1", NEW, b"payload " * 3000))
        await ftp.start()
        async with a_platform(tmp_path) as platform, a_camera(tmp_path, platform) as camera:
            owner = await Phone.of(platform.client_url, "owner")
            job = {
                "version": NEW,
                "source": f"ftp://up:up-secret@127.0.0.1:{ftp.port}/image.bin",
                "terminals": [DEVICE],
            }
            status, found = await owner.post("/upgrade-jobs", job)
            assert (status, found["state"], found["stages"]) == (201, "running", [100])
            assert "up-secret" not in str(found)
            state = lambda: (platform.upgrades.job(found["id"]) or {})["state"]  # noqa: E731
            await until(lambda: state() == "done", "the end of the job")
            assert camera.settings.version == NEW
            _, done = await owner.get(f"/upgrade-jobs/{found['id']}")
            assert done["terminals"] == [{"terminal": DEVICE, "stage": 0, "state": "done", "reason": ""}]
            older = {**job, "version": "V1.0.0_20130601"}
            assert (await owner.post("/upgrade-jobs", older))[1]["name"] == "downgrade"
            other = await Phone.of(platform.client_url, "other")
            assert (await other.get(f"/upgrade-jobs/{found['id']}"))[0] == 404
            assert (await other.post("/upgrade-jobs", job))[0] == 404
        await ftp.stop()

    asyncio.run(run())


def test_a_job_stops_by_itself_when_too_many_devices_of_a_stage_fail(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        owner = await Phone.of(platform.client_url, "owner")
        job = {
            "version": NEW, "source": "ftp://up:up@127.0.0.1:2121/image.bin", "terminals": [DEVICE, SECOND, THIRD],
            "stages": [34, 100], "highestFailure": 0.4,
        }  # fmt: skip
        _, found = await owner.post("/upgrade-jobs", job)
        await until(lambda: (platform.upgrades.job(found["id"]) or {})["state"] == "stopped", "the stop of the job")
        _, stopped = await owner.get(f"/upgrade-jobs/{found['id']}")
        assert [(t["terminal"], t["stage"], t["state"]) for t in stopped["terminals"]] == [
            (DEVICE, 0, "failed"), (SECOND, 0, "failed"), (THIRD, 1, "skipped"),
        ]  # fmt: skip
        assert stopped["terminals"][0]["reason"] == "device_offline"
        for wrong in ([50], [100, 50], [0, 100], [50, 50, 100]):
            assert (await owner.post("/upgrade-jobs", {**job, "stages": wrong}))[0] == 400

    play(scenario, tmp_path)
