"""Settings of video encoders: any combination that is offered, read back and proven on the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hypothesis import strategies as st

from conformance.model.checks import say
from conformance.peers.faults import DeviceFault
from conformance.plugin.fixtures import Limits
from conformance.plugin.run import Run
from conformance.protocols.onvif_media import CODECS, Encoder, Options, Setting, current
from conformance.protocols.onvif_xml import Span
from conformance.protocols.violation import CodecError
from conformance.suites.camera.onvif.media_steps import Face, player_of, streaming
from conformance.suites.camera.stream_measure import Measured, judge_track
from conformance.suites.exploration import Finding, explore
from specs.model import Limit

#: Frame rates below this cannot be measured in the window.
MEASURABLE = 5.0
#: Parts of a range that are tried.
PARTS = (0.0, 0.25, 0.5, 1.0)
PROFILE = "onvif"


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """An encoder with its options, and the profile that streams it (empty for none)."""

    encoder: Encoder
    options: tuple[Options, ...]
    profile: str


async def benches(face: Face) -> list[Bench]:
    """Every encoder whose options can be read; what is set will be put back after the test."""
    users = {encoder.token: profile.token for profile, encoder in streaming(await face.profiles())}
    found = []
    for encoder in await face.encoders():
        options = tuple(one for one in await face.options(encoder) if one.sizes and one.rates)
        if options:
            face.restore(encoder)
            found.append(Bench(encoder, options, users.get(encoder.token, "")))
    return found


# combinations


def _points(span: Span | None, *, whole: bool = True) -> list[float | None]:
    if span is None:
        return [None]
    points = {span.low + (span.high - span.low) * part for part in PARTS}
    return [float(round(point)) if whole else point for point in sorted(points)]


def settings_of(options: Options) -> st.SearchStrategy[Setting]:
    """Any combination of what is offered for one encoding."""
    gov = st.sampled_from(_points(options.gov_length)).map(lambda value: None if value is None else int(value))
    return st.builds(
        Setting,
        st.just(options.encoding),
        st.sampled_from(options.sizes),
        st.sampled_from(options.rates),
        st.sampled_from(_points(options.quality)),
        st.sampled_from(_points(options.bit_rate)),
        gov,
        st.sampled_from(options.profiles or ("",)),
    )


def judge_combinations(run: Run, face: Face) -> None:
    """-05: Hypothesis looks for a combination of options that is not taken or not read back."""
    requirement = face.requirement("05")
    if not face.offered(requirement):
        return
    check = face.check
    check.step("s1")
    there = run.run(benches(face))
    pairs = [(bench, options) for bench in there for options in bench.options]
    if not check.control(bool(pairs), say("有可读的编码选项", "there are options that can be read")):
        return

    def tries(pair: tuple[Bench, Options]) -> st.SearchStrategy[tuple[Bench, Options, Setting]]:
        return settings_of(pair[1]).map(lambda setting: (*pair, setting))

    async def ready() -> None:
        if not (await face.call("GetVideoEncoderConfigurations")).ok:
            raise DeviceFault("读取配置失败", "the configurations cannot be read")

    strategy = st.sampled_from(pairs).flatmap(tries)
    explore(run, check, requirement, strategy, partial(_trial, face), ready, PROFILE)


async def _trial(face: Face, tried: tuple[Bench, Options, Setting]) -> Finding | None:
    bench, options, setting = tried
    answer = await face.set(bench.encoder, setting)
    if not answer.ok:
        expected = say(f"接受 {setting}", f"{setting} is taken")
        return Finding(expected, say(answer.summary, answer.summary), answer.sent, answer.raw)
    again = await face.ask_encoder(bench.encoder.token)
    encoder = await face.encoder(bench.encoder.token)
    wrong = differences(setting, options, encoder)
    if not wrong:
        return None
    told = "; ".join(wrong)
    expected = say(f"读回 {setting}", f"{setting} is read back")
    return Finding(expected, say(told, told), answer.sent, again.raw)


def differences(setting: Setting, options: Options, encoder: Encoder | None) -> list[str]:
    """What is read back otherwise than it was set, without adaptations that lie within the options."""
    if encoder is None:
        return ["no configuration is told"]
    found, wrong = current(encoder), []
    if found.encoding != setting.encoding:
        wrong.append(f"Encoding {found.encoding}")
    if found.size != setting.size:
        wrong.append(f"Resolution {found.size[0]}x{found.size[1]}")
    if found.frame_rate != setting.frame_rate and found.frame_rate not in options.rates:
        wrong.append(f"FrameRateLimit {found.frame_rate:g}")
    ranges = (
        ("BitrateLimit", setting.bit_rate, found.bit_rate, options.bit_rate),
        ("Quality", setting.quality, found.quality, options.quality),
        ("GovLength", setting.gov_length, found.gov_length, options.gov_length),
    )
    for name, wanted, told, span in ranges:
        if wanted is not None and told != wanted and (told is None or span is None or told not in span):
            wrong.append(f"{name} {told}")
    return wrong


# the stream


def far_apart(options: Options) -> list[Setting]:
    """Two settings of an encoding that lie far apart: largest and slow, smallest and fast."""
    sizes = sorted(options.sizes, key=lambda size: size[0] * size[1])
    rates = [rate for rate in options.rates if rate >= MEASURABLE] or list(options.rates)
    slow, fast = min(rates), max(rates)
    profile = options.profiles[0] if options.profiles else ""
    large = Setting(options.encoding, sizes[-1], slow, profile=profile)
    small = Setting(options.encoding, sizes[0], fast, profile=profile)
    return [large] if large == small else [large, small]


async def judge_stream(face: Face, limits: Limits) -> None:
    """-06: what was set is what the stream is."""
    requirement = face.requirement("06")
    if not face.offered(requirement):
        return
    rows = {
        bench: [setting for one in bench.options if one.encoding in CODECS for setting in far_apart(one)]
        for bench in await benches(face)
        if bench.profile
    }
    if not any(rows.values()):
        reason = say("没有 H.264 或 H.265 编码", "there is no encoder for H.264 or H.265")
        face.check.not_applicable(requirement, reason)
        return

    async def judge_row(bench: Bench, settings: list[Setting]) -> None:
        for setting in settings:
            await _judge_setting(face, limits, requirement, bench, setting)

    await asyncio.gather(*(judge_row(bench, settings) for bench, settings in rows.items()))


async def _judge_setting(face: Face, limits: Limits, requirement: str, bench: Bench, setting: Setting) -> None:
    check, limit = face.check, limits(requirement)
    check.step("s1")
    if not check.control((await face.set(bench.encoder, setting)).ok, say(f"设置 {setting}", f"set {setting}")):
        return
    told = await face.encoder(bench.encoder.token)
    bound = told.frame_rate if told is not None and told.frame_rate else setting.frame_rate
    check.step("s2")
    shown = partial(_shows, setting=setting, bound=bound, tolerance=limit.frame_rate_tolerance)
    window, within = limit.measure_window.seconds, limit.effect_within.seconds
    measured = await measured_until(face, bench.profile, window, within, shown)
    if measured is None:
        check.fail(requirement, say("码流可播放", "the stream plays"), say("没有媒体", "no media come"), str(setting))
        return
    codec, found = measured
    check.equal(requirement, (codec, *found.size), (CODECS[setting.encoding], *setting.size), str(setting))
    above = max(0.0, (found.fps - bound) / bound * 100) if bound else 0.0
    about = f"{setting}: {found}"
    if bound >= MEASURABLE:
        check.within(requirement, above, limit.frame_rate_tolerance, about)


def _shows(codec: str, found: Measured, *, setting: Setting, bound: float, tolerance: Limit) -> bool:
    above = (found.fps - bound) / bound * 100 if bound else 0.0
    return (codec, found.size) == (CODECS[setting.encoding], setting.size) and tolerance.holds(max(0.0, above))


async def measured_until(
    face: Face, profile: str, window: float, within: float, good: Callable[[str, Measured], bool]
) -> tuple[str, Measured] | None:
    """Codec and measurement of a profile's stream, played again until ``good`` or ``within`` seconds are over. None
    when it does not play."""
    wire = face.onvif.wire
    ends = wire.now() + within
    found: tuple[str, Measured] | None = None
    while True:
        found = await measured(face, profile, window) or found
        if (found is not None and good(*found)) or wire.now() >= ends:
            return found


async def measured(face: Face, profile: str, window: float) -> tuple[str, Measured] | None:
    """One play of a profile's stream; None when it does not play."""
    player = player_of(face.onvif, face.uri(await face.ask_uri(profile)))
    try:
        await player.start("tcp", kinds=("video",))
        track = player.video
        if track is None or not await player.wait_packets(track, 1, player.answer_wait):
            return None
        await player.watch(window)
        return track.codec, judge_track(player)
    except (DeviceFault, CodecError):
        return None
    finally:
        await player.close()
