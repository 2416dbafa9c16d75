"""BIZ-KPI-01 and BIZ-KPI-02: how old a live picture is, and how soon the first one comes."""

from __future__ import annotations

import math

from conformance.media.decoding import decode_units
from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.clock_offset import device_offset
from conformance.suites.camera.observed_play import listen_until
from conformance.suites.camera.relay_steps import latest
from conformance.suites.camera.stream_measure import percentile
from conformance.wire import Wire
from specs.model import Limit


@verifies("BIZ-KPI-01")
async def test_live_delay(player: Players, bench: Bench, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """The burned-in time of each picture against the arrival of its last packet."""
    limit = limits("BIZ-KPI-01")
    check.step("s1")
    one = player()
    await one.start(kinds=("video",))
    video, wanted = one.video, int(limit.samples.number)
    if video is None:
        check.control(False, say("没有视频轨", "there is no video track"))
        return
    await listen_until(player, one, lambda: _frames(video) > wanted, limit.picture_wait.seconds * wanted)
    shown = _shown(video, bench, wanted)
    check.step("s2")
    offset = await device_offset(video, control, bench, limit.delay.uncertainty)
    await one.close()
    readable = len(shown) >= wanted
    if not check.control(
        readable, say(f"可识别 {len(shown)} 个叠加时间", f"{len(shown)} burned-in times are readable")
    ):
        return
    if not check.control(offset is not None, say("已知设备时钟之差", "the offset of the device clock is known")):
        return
    check.step("s3")
    delays = [received - (burned - (offset or 0.0)) for burned, received in shown]
    begin = shown[0][1]
    check.figures["live_delay"] = [
        [round(at - begin, 3), round(delay * 1000, 1)] for (_, at), delay in zip(shown, delays, strict=True)
    ]
    about = say(f"{len(delays)} 个画面的时延", f"delay of {len(delays)} pictures")
    check.within("BIZ-KPI-01", percentile(delays, limit.percentile.number), limit.delay, about)


def _frames(video: Track) -> int:
    return len({arrived.packet.timestamp for arrived in video.packets})


def _shown(video: Track, bench: Bench, wanted: int) -> list[tuple[float, float]]:
    """Burned-in time and time of arrival of pictures from the first key frame on, both in epoch seconds."""
    units = [(at, unit) for at, unit in video.access_units() if unit.complete]
    begin = next((n for n, (_, unit) in enumerate(units) if video.is_random_access(unit)), len(units))
    taken = units[begin : begin + wanted]
    if video.codec not in ("h264", "h265") or not taken:
        return []
    shift = bench.wire.epoch() - bench.wire.now()
    pictures = decode_units(video.codec, [unit.annex_b() for _, unit in taken]).pictures
    return [(p.label.time_ms / 1000, taken[p.index][0] + shift) for p in pictures if p.label and p.index < len(taken)]


@verifies("BIZ-KPI-02")
async def test_first_frames(player: Players, wire: Wire, check: Checks, limits: Limits) -> None:
    """A series of plays, each until its first key frame; it ends early when the outcome can no longer change."""
    limit = limits("BIZ-KPI-02")
    wanted = int(limit.samples.number)
    spare = wanted - math.ceil(wanted * limit.percentile.number / 100)
    check.step("s1")
    times: list[float] = []
    curve: list[list[float]] = []
    began = wire.now()
    while len(times) < wanted and sum(not limit.first_frame.holds(seconds) for seconds in times) <= spare:
        at = wire.now() - began
        times.append(await _first_frame(player(), wire, limit.first_frame))
        curve.append([round(at, 3), round(times[-1] * 1000, 1)])
    check.step("s2")
    check.figures["first_frame"] = curve
    about = say(f"{len(times)} 次播放的首帧时间", f"first frame time of {len(times)} plays")
    worst = percentile(times, limit.percentile.number)
    check.within("BIZ-KPI-02", worst, limit.first_frame, about)


async def _first_frame(one: Player, wire: Wire, limit: Limit) -> float:
    """Seconds from opening the connection to the first key frame; the platform of the bench answers in no time, so
    there is nothing to deduct. A play without a key frame counts as long as it was waited for."""
    started = wire.now()
    await one.start(kinds=("video",))
    key = await one.wait_idr(one.video, latest(limit)) if one.video is not None else None
    ended = wire.now() if key is None else key
    await one.close()
    return ended - started
