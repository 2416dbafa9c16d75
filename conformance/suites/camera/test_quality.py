"""BIZ-KPI: response time of pan and tilt, frame rate of each picture class, bit rate against the setting."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.camera.stream_measure import deviation, measure, percentile
from specs.declaration import LoadedDeclaration


@verifies("BIZ-KPI-03")
async def test_response_of_pan_and_tilt(province: Province, check: Checks, limits: Limits) -> None:
    """The 95th percentile over many directions and stops."""
    limit = limits("BIZ-KPI-03")
    check.step("s1")
    times = []
    for number in range(int(limit.samples.number)):
        direction = 0 if number % 2 else 1 + number // 2 % 4
        answer = await province.command("VIDEO_PTZ", ChannelNo=0, PtzDirection=direction)
        times.append(answer.seconds * 1000)
    await province.command("VIDEO_PTZ", ChannelNo=0, PtzDirection=0)
    check.step("s2")
    slowest = percentile(times, limit.percentile.number)
    check.within("BIZ-KPI-03", slowest, limit.response, say("应答时间 P95", "95th percentile of the answer time"))


@verifies("BIZ-KPI-07", "BIZ-KPI-07a")
async def test_rates_of_the_streams(
    province: Province, player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Every declared stream is measured over one window."""
    limit = limits("BIZ-KPI-07")
    pairs = declaration.features.get("streams")
    streams = sorted({int(pair[0]) for pair in pairs}) if isinstance(pairs, frozenset) else [1]
    check.step("s1")
    told = {stream: await parameters(province, 0, stream) for stream in streams}
    for stream in streams:
        await province.command("SET_CHANNEL", ChannelNo=0, StreamType=stream, RateType=1)
    check.step("s2")
    found = await measure(player, limit.window.seconds, *streams)
    for stream in streams:
        await province.command("SET_CHANNEL", ChannelNo=0, StreamType=stream, RateType=int(told[stream]["RateType"]))
    check.step("s3")
    for stream, measured in zip(streams, found, strict=True):
        height = measured.size[1]
        large = limit.large_rate if height >= limit.large_height.number else limit.cif_rate
        floor = limit.phone_rate if height < limit.cif_height.number else large
        check.within("BIZ-KPI-07", measured.fps, floor, f"stream {stream}: {measured}")
        kbit_s = province.table.bit_rates[int(told[stream]["BitRate"])]
        off = deviation(measured.kbit_s, kbit_s)
        check.within("BIZ-KPI-07a", off, limits("BIZ-KPI-07a").deviation, f"stream {stream}: {measured}")
