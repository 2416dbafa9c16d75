"""IF-PAR: queries, refusals, what survives a restart, and the counting of channels."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.players import Players
from conformance.peers.province import Exchanged, Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.play_steps import plays
from conformance.suites.camera.signalling_steps import other_frame_rate, parameters
from conformance.suites.camera.stream_measure import deviation, measure
from specs.declaration import LoadedDeclaration

NOT_ZERO = say("结果非 0", "a result other than 0")
KEPT = say("参数不变", "the parameters are what they were")


def _channels(declaration: LoadedDeclaration) -> int:
    value = declaration.features.get("channels")
    return value if isinstance(value, int) else 1


def _pairs(declaration: LoadedDeclaration) -> list[tuple[int, int]]:
    pairs = declaration.features.get("streams")
    return sorted((int(p[0]), int(p[2])) for p in pairs) if isinstance(pairs, frozenset) else [(1, 1)]


async def _set(province: Province, within: float, channel: Any = 0, stream: Any = 1, **codes: Any) -> Exchanged:
    values = {"ChannelNo": channel, "StreamType": stream, **codes}
    return await province.command("SET_CHANNEL", within=within, breaking=True, **values)


async def _get(province: Province, within: float, channel: int = 0, stream: int = 1) -> Exchanged:
    return await province.command("GET_CHANNEL", within=within, breaking=True, ChannelNo=channel, StreamType=stream)


@verifies("IF-PAR-01")
async def test_query(province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration) -> None:
    """Each channel and stream is answered with all five parameters, each legal."""
    limit = limits("IF-PAR-01").answer_within
    streams = sorted({stream for stream, _ in _pairs(declaration)})
    for channel in range(_channels(declaration)):
        for stream in streams:
            about = f"channel {channel}, stream {stream}"
            check.step("s1")
            answer = await province.command("GET_CHANNEL", ChannelNo=channel, StreamType=stream, within=limit.seconds)
            check.equal("IF-PAR-01", answer.result, 0, about)
            check.within("IF-PAR-01", answer.seconds, limit, about)
            check.step("s2")
            wrong = [f"{v.rule} {v.explain}" for v in answer.message.faults]
            check.true("IF-PAR-01", not wrong, say("五个参数齐全合法", "all five there and legal"), wrong, about)
            size = int(answer.message.get("FrameSize") or 0)
            expected = say("已声明的分辨率", "a declared size")
            check.true("IF-PAR-01", (stream, size) in _pairs(declaration), expected, f"{stream}/{size}", about)


@verifies("IF-PAR-02f")
async def test_absent_elements_keep_their_value(province: Province, check: Checks, limits: Limits) -> None:
    """One element set at a time; all others stay."""
    within = limits("IF-PAR-02f").answer_within.seconds
    check.step("s1")
    before = await parameters(province)
    rate_type = 2 if before["RateType"] == "1" else 1
    bit_rate = max(province.table.bit_rates) - int(before["BitRate"])
    try:
        for name, code in (("FrameRate", other_frame_rate(before)), ("RateType", rate_type), ("BitRate", bit_rate)):
            present = await parameters(province)
            check.step("s2")
            answer = await _set(province, within, **{name: code})
            check.step("s3")
            found = await parameters(province)
            check.equal("IF-PAR-02f", (answer.result, found), (0, {**present, name: str(code)}), name)
    finally:
        await _set(province, within, **before)


@verifies("IF-PAR-05", "IF-PAR-05a")
async def test_illegal_settings(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """A legal frame rate beside an illegal element, and wrong pairs: refused as a whole."""
    within = limits("IF-PAR-05").answer_within.seconds
    before = await parameters(province)
    rate = other_frame_rate(before)
    check.step("s1")
    good = await _set(province, within, FrameRate=rate)
    changed = (await parameters(province))["FrameRate"] == str(rate)
    await _set(province, within, **before)
    check.control(good.result == 0 and changed, say("合法设置生效", "a legal setting works"))
    beyond = max(province.table.bit_rates) + 1
    broken: list[dict[str, Any]] = [
        {"BitRate": beyond}, {"BitRate": 0}, {"RateType": 3}, {"AudioInput": 2}, {"FrameSize": 9},
        {"FrameSize": "big"}, {"BitRate": ""}, {"RateType": "x1"},
    ]  # fmt: skip
    for element in broken:
        check.step("s2")
        answer = await _set(province, within, FrameRate=rate, **element)
        check.step("s3")
        check.true("IF-PAR-05", answer.result != 0, NOT_ZERO, answer.result, str(element))
    found = await parameters(province)
    check.equal("IF-PAR-05", found, before, KEPT)
    await _wrong_pairs(province, check, within, _pairs(declaration), rate)
    check.equal("IF-PAR-05a", await parameters(province), before, KEPT)
    await _set(province, within, **before)


async def _wrong_pairs(
    province: Province, check: Checks, within: float, declared: list[tuple[int, int]], rate: int
) -> None:
    sizes = sorted(province.table.frame_sizes)
    pairs = [(s, f) for s in (0, 1, 2, 3) for f in sizes if (s, f) not in declared]
    streams = sorted({stream for stream, _ in pairs} - {stream for stream, _ in declared})
    for stream, size in pairs:
        answer = await _set(province, within, 0, stream, FrameSize=size, FrameRate=rate)
        check.true("IF-PAR-05a", answer.result != 0, NOT_ZERO, answer.result, f"set {stream}/{size}")
    for stream in streams:
        answer = await _get(province, within, 0, stream)
        check.true("IF-PAR-05a", answer.result != 0, NOT_ZERO, answer.result, f"get {stream}")


@verifies("IF-PAR-06")
async def test_settings_survive_a_reboot(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A frame rate set before REBOOT is in force afterwards, in the query and in the stream."""
    limit = limits("IF-PAR-06")
    before = await parameters(province)
    rate = other_frame_rate(before)
    check.step("s1")
    control = await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=rate)
    check.control(control.result == 0, say("设置成功", "the setting works"))
    try:
        check.step("s2")
        link = await province.online()
        await province.command("REBOOT")
        await link.ended(limit.back_online_within.seconds)
        await province.online(within=limit.back_online_within.seconds)
        check.step("s3")
        found = await parameters(province)
        check.equal("IF-PAR-06", found, {**before, "FrameRate": str(rate)}, say("重启后", "after the reboot"))
        (measured,) = await measure(player, limit.measure_window.seconds, 1)
        check.within("IF-PAR-06", deviation(measured.fps, rate), limit.frame_rate_tolerance, str(measured))
    finally:
        await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=int(before["FrameRate"]))


@verifies("IF-PAR-06a")
async def test_settings_survive_a_power_cut(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """A frame rate set a moment before the supply is cut is in force afterwards."""
    limit = limits("IF-PAR-06a")
    before = await parameters(province)
    rate = other_frame_rate(before)
    check.step("s1")
    answer = await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=rate)
    check.control(answer.result == 0, say("设置成功", "the setting works"))
    await province.wire.sleep(limit.sync_within.seconds)
    check.step("s2")
    await control.do("power", state="off")
    await control.do("power", state="on")
    await province.online(within=limit.back_online_within.seconds)
    check.step("s3")
    found = await parameters(province)
    check.equal("IF-PAR-06a", found, {**before, "FrameRate": str(rate)}, say("掉电后", "after the cut"))
    await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=int(before["FrameRate"]))


@verifies("IF-PAR-07a")
async def test_channels_are_apart(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Each channel set in turn; the queries of the others stay."""
    count = _channels(declaration)
    if count == 1:
        check.not_applicable("IF-PAR-07a", say("设备只有一个通道", "the device has one channel"))
        return
    within = limits("IF-PAR-07a").answer_within.seconds
    check.step("s1")
    before = [await parameters(province, channel) for channel in range(count)]
    for channel in range(count):
        check.step("s2")
        rate = other_frame_rate(before[channel])
        answer = await _set(province, within, channel, FrameRate=rate)
        found = [await parameters(province, n) for n in range(count)]
        await _set(province, within, channel, FrameRate=before[channel]["FrameRate"])
        check.step("s3")
        expected = [{**b, "FrameRate": str(rate)} if n == channel else b for n, b in enumerate(before)]
        check.equal("IF-PAR-07a", (answer.result, found), (0, expected), f"channel {channel}")


@verifies("IF-PAR-08")
async def test_channels_count_from_zero(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """0 to N-1 are channels, everything else is refused and touches nothing."""
    limit = limits("IF-PAR-08")
    within, refused, count = limit.answer_within.seconds, int(limit.refused.number), _channels(declaration)
    check.step("s1")
    good = [await _get(province, within, channel) for channel in range(count)]
    check.equal("IF-PAR-08", [answer.result for answer in good], [0] * count, say("有效通道", "valid channels"))
    before = [await parameters(province, channel) for channel in range(count)]
    check.step("s2")
    for channel in (-1, count, count + 1, 254):
        got = await _get(province, within, channel)
        put = await _set(province, within, channel, FrameRate=other_frame_rate(before[0]))
        check.equal("IF-PAR-08", (got.result, put.result), (refused, refused), f"ChannelNo {channel}")
    check.step("s3")
    check.equal("IF-PAR-08", [await parameters(province, n) for n in range(count)], before, KEPT)


@verifies("IF-PAR-08a")
async def test_channels_of_the_play_url(
    province: Province, player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """0 to N-1 play; any other channel is refused though the platform accepts the token."""
    limit = limits("IF-PAR-08a")
    check.step("s1")
    for channel in range(_channels(declaration)):
        viewer = player(channel=channel)
        await plays(viewer, check, limit.media_within.seconds)
        await viewer.close()
    check.step("s2")
    count = _channels(declaration)
    viewers = {channel: player(channel=channel) for channel in (-1, count, count + 1)}
    attempts = await asyncio.gather(*(v.attempt(limit.observe_window.seconds) for v in viewers.values()))
    check.step("s3")
    for channel, attempt in zip(viewers, attempts, strict=True):
        held = attempt.status == int(limit.status.number) and attempt.packets == 0
        expected = say("404 且没有媒体包", "404 and not one media packet")
        check.true("IF-PAR-08a", held, expected, attempt, f"channelno {channel}")
        check.within("IF-PAR-08a", attempt.refused_after, limit.refusal_within)
