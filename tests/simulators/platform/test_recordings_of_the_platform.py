from __future__ import annotations

import asyncio
import datetime as dt
import io
import re
from pathlib import Path

import av
import requests
from phone import Phone
from platform_bench import DEVICE, a_camera, a_platform, until

from simulators.camera.camera import Camera
from simulators.platform.own_storage import own_storage
from simulators.platform.platform import Platform
from simulators.platform.recorder import Clip, object_key

ALL_WEEK = [(week, 0, 1440) for week in range(1, 8)]


def test_names_of_objects_sort_as_their_times() -> None:
    start = dt.datetime(2013, 6, 1, 9, 5, 7, tzinfo=dt.UTC).timestamp()
    clip = Clip(DEVICE, 0, start, start + 10.4, b"")
    assert object_key("owner", clip) == "owner/KDN00000001/0/20130601/090507-090517.ts"
    event = Clip(DEVICE, 3, start, start + 6, b"", "ab12")
    assert object_key("owner", event) == "owner/KDN00000001/3/20130601/090507-090513-ab12.ts"


async def recorded(platform: Platform, clips: int) -> None:
    platform.recorder.set_plan(DEVICE, 0, ALL_WEEK)
    device = platform.devices.find(DEVICE)
    assert device is not None
    await until(lambda: len(platform.recorder.search(device, 0, 0, 1e11)) >= clips, f"{clips} clips in the cloud")
    platform.recorder.set_plan(DEVICE, 0, [])
    await until(lambda: not platform.recorder.running, "the end of recording")


def seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data), format="mpegts") as container:
        frames = list(container.decode(video=0))
        assert frames[0].key_frame
        return float(len(frames)) / 15


async def follow(platform: Platform, camera: Camera) -> None:
    owner, other = await Phone.of(platform.client_url, "owner"), await Phone.of(platform.client_url, "other")
    await recorded(platform, 2)
    span = "start=2013-01-01T00:00:00Z&end=2013-01-02T00:00:00Z"
    assert (await owner.get(f"/terminals/{DEVICE}/history?channel=0&{span}"))[1]["total"] == 0
    now = platform.clock.now()
    start, end = platform.clock.text(now - 600), platform.clock.text(now + 600)
    _, found = await owner.get(f"/terminals/{DEVICE}/history?channel=0&start={start}&end={end}")
    clips = found["items"]
    assert found["total"] >= 2
    assert clips[0]["end"] == clips[1]["start"]
    assert (await other.get(f"/terminals/{DEVICE}/history?channel=0&start={start}&end={end}"))[0] == 404

    status, replay = await owner.post(f"/terminals/{DEVICE}/playback", {"channel": 0, "start": start, "end": end})
    assert status == 200
    playlist = await asyncio.to_thread(requests.get, replay["hls"], timeout=10)
    addresses = [line for line in playlist.text.splitlines() if line and not line.startswith("#")]
    assert len(addresses) == found["total"]
    assert "#EXT-X-ENDLIST" in playlist.text
    assert re.search(r"#EXT-X-PROGRAM-DATE-TIME:\d{4}-\d\d-\d\dT", playlist.text)
    clip = await asyncio.to_thread(requests.get, platform.media.url + addresses[0], timeout=10)
    assert abs(seconds(clip.content) - 2.0) < 0.2

    platform.recorder.store.down = True
    assert (await asyncio.to_thread(requests.get, platform.media.url + addresses[0], timeout=10)).status_code == 503
    platform.recorder.store.down = False

    objects = [row["object"] for row in platform.recorder.search(platform.devices.find(DEVICE) or {}, 0, 0, 1e11)]
    platform.clock.offset += 7 * 86400 + 60
    owner = await Phone.of(platform.client_url, "owner")
    _, late = await owner.get(f"/terminals/{DEVICE}/history?channel=0&start={start}&end={end}")
    assert late["total"] == 0
    await until(lambda: len(platform.audit.entries(action="record-removed")) == len(objects), "the removal")


def test_recording_by_plan_search_playback_and_retention(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            own_storage(tmp_path / "storage") as addresses,
            a_platform(tmp_path, addresses) as platform,
            a_camera(tmp_path, platform) as camera,
        ):
            await follow(platform, camera)

    asyncio.run(run())


def test_an_outage_of_the_storage_delays_clips_and_an_event_gets_one(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            own_storage(tmp_path / "storage") as addresses,
            a_platform(tmp_path, addresses) as platform,
            a_camera(tmp_path, platform) as camera,
        ):
            platform.recorder.store.down = True
            await platform.commands.set_alarm(DEVICE, 0, 1, armed=True)
            camera.notices.raised(0, 1, 0)
            await until(lambda: platform.recorder.waiting, "a clip that waits")
            alarm = platform.alarms.search([DEVICE], 0, 1e11, 9, 0)[0][0]
            owner = await Phone.of(platform.client_url, "owner")
            assert (await owner.get(f"/alarms/{alarm['id']}/clip"))[1]["name"] == "not_found"
            platform.recorder.store.down = False
            found = lambda: (platform.alarms.find(alarm["id"]) or {})["recording"]  # noqa: E731
            await until(found, "the clip of the alarm")
            status, clip = await owner.get(f"/alarms/{alarm['id']}/clip")
            assert status == 200
            assert (await asyncio.to_thread(requests.get, clip["hls"], timeout=10)).text.count(".ts?") == 1

    asyncio.run(run())
