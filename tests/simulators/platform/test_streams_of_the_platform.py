from __future__ import annotations

import asyncio
import io
import itertools
from pathlib import Path

import av
import requests
from platform_bench import DEVICE, play_with_camera, until

from conformance.protocols.hls import parse_playlist
from simulators.camera.camera import Camera
from simulators.platform.platform import Platform
from simulators.platform.sound import adts


def test_an_adts_header_is_as_the_standard_says() -> None:
    assert adts(44100, 2, bytes(100))[:7] == bytes.fromhex("fff150800d7ffc")
    assert adts(8000, 1, bytes(50))[:7] == bytes.fromhex("fff16c40073ffc")


def sound(data: bytes) -> tuple[str, int, float]:
    """Codec, rate and seconds of the sound."""
    with av.open(io.BytesIO(data), format="mpegts") as container:
        frames = list(container.decode(audio=0))
        return (
            container.streams.audio[0].codec_context.name,
            frames[0].sample_rate,
            sum(f.samples for f in frames) / 8000,
        )


async def fetch(url: str, method: str = "GET") -> requests.Response:
    return await asyncio.to_thread(requests.request, method, url, timeout=20)


def pictures(data: bytes, form: str) -> tuple[str, int, int, int, bool]:
    """Codec, width, height, number of pictures, whether the first is a key picture."""
    with av.open(io.BytesIO(data), format=form) as container:
        frames = list(container.decode(video=0))
        context = container.streams.video[0].codec_context
        return context.name, frames[0].width, frames[0].height, len(frames), bool(frames[0].key_frame)


def counters(data: bytes) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for at in range(0, len(data), 188):
        assert data[at] == 0x47
        if data[at + 3] & 0x10:
            found.setdefault((data[at + 1] & 0x1F) << 8 | data[at + 2], []).append(data[at + 3] & 0x0F)
    return found


def test_live_hls_and_flv_show_the_camera_and_end_with_the_play(tmp_path: Path) -> None:
    async def scenario(platform: Platform, camera: Camera) -> None:
        play = platform.plays.open("live", "owner", "s1", DEVICE, 0, stream=2)
        url = platform.media.url + platform.plays.sign(play, "index.m3u8")
        answer = await fetch(url)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
        assert answer.text.count("#EXTINF:") == 1
        await until(lambda: platform.live.streams[DEVICE, 0, 2].hls.next_number > 2, "three segments")
        lines = (await fetch(url)).text.splitlines()
        addresses = [line for line in lines if not line.startswith("#")]
        durations = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF:")]
        assert len(addresses) >= 3
        assert lines[0] == "#EXTM3U"
        assert all(duration >= 1.9 for duration in durations[1:])
        segments = [await fetch(platform.media.url + address) for address in addresses]
        assert {segment.status_code for segment in segments} == {200}
        codec, width, height, count, key = pictures(b"".join(s.content for s in segments[1:3]), "mpegts")
        assert (codec, width, height, key) == ("h264", 320, 192, True)
        assert count >= 2 * 15
        codec, rate, seconds = sound(b"".join(s.content for s in segments[1:3]))
        assert (codec, rate) == ("aac", 8000)
        assert abs(seconds - sum(durations[1:3])) < 0.3
        for numbers in counters(b"".join(s.content for s in segments)).values():
            assert all((after - before) & 15 == 1 for before, after in itertools.pairwise(numbers))

        platform.live.refetch(DEVICE, 0, 2)
        last = parse_playlist((await fetch(url)).content).segments[-1].sequence
        await until(lambda: platform.live.streams[DEVICE, 0, 2].hls.next_number > last + 2, "further segments")
        again = parse_playlist((await fetch(url)).content)
        assert (again.violations, again.target_duration, again.ended) == ([], 3, False)
        assert [segment.sequence - again.media_sequence for segment in again.segments] == [0, 1, 2, 3, 4]
        assert [segment.discontinuity for segment in again.segments].count(True) == 1

        flv = platform.media.url + platform.plays.sign(play, "stream.flv")
        got = await asyncio.to_thread(read_some, flv, 60_000)
        assert pictures(got, "flv")[:3] == ("h264", 320, 192)

        watching = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, flv))
        await asyncio.sleep(0.3)
        platform.plays.end(user="owner", device=DEVICE)
        assert await watching > 0
        assert (await fetch(url)).status_code == 403
        assert (await fetch(platform.media.url + addresses[0])).status_code == 403

    play_with_camera(scenario, tmp_path)


def read_some(url: str, size: int) -> bytes:
    with requests.get(url, stream=True, timeout=20) as answer:
        assert answer.headers["Content-Type"] == "video/x-flv"
        return next(answer.iter_content(size), b"")


def read_to_the_end(url: str) -> int:
    with requests.get(url, stream=True, timeout=20) as answer:
        return sum(len(block) for block in answer.iter_content(4096))
