"""ONV-IMG: settings of video sources."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.protocols.onvif_imaging import imaging_settings, read_imaging, read_imaging_options
from conformance.suites.camera.onvif.encoder_steps import PROFILE
from conformance.suites.camera.onvif.imaging_steps import (
    Source,
    Values,
    ask,
    put,
    put_again,
    settings,
    shown,
    source_tokens,
    sources,
    wrong_values,
)
from conformance.suites.camera.onvif.service_steps import (
    NO_SOURCE,
    SETTINGS_INVALID,
    control_answer,
    judge_fault,
    judge_ok,
    offered,
    unknown_token,
)
from conformance.suites.exploration import Finding, explore
from specs.model import Limit


@verifies("ONV-IMG-01")
async def test_settings_and_options(onvif: Onvif, check: Checks) -> None:
    """What is set lies within the options."""
    if not offered(onvif, check, "imaging", "ONV-IMG-01"):
        return
    tokens = await source_tokens(onvif, check)
    check.control(bool(tokens), say("有视频源", "there is a video source"))
    for token in tokens:
        check.step("s1")
        one, other = await ask(onvif, "GetImagingSettings", token), await ask(onvif, "GetOptions", token)
        both = [judge_ok(check, "ONV-IMG-01", answer, token) for answer in (one, other)]
        if not all(both) or one.body is None or other.body is None:
            continue
        now, options = read_imaging(one.body), read_imaging_options(other.body)
        told = say("应答含设置与选项", "the answers hold settings and options")
        if not check.true("ONV-IMG-01", now is not None and options is not None, told) or not now or not options:
            continue
        check.step("s2")
        for name, span in options.ranges.items():
            if name in now.levels:
                check.true("ONV-IMG-01", now.levels[name] in span, f"{name} {span}", now.levels[name], token)
        for name, modes in options.modes.items():
            if name in now.choices:
                check.true("ONV-IMG-01", now.choices[name] in modes, f"{name} {modes}", now.choices[name], token)


def values_of(source: Source) -> st.SearchStrategy[tuple[Source, dict[str, float | str]]]:
    """Any combination of settings within the options, each there or not. Numbers are whole where the ends are."""
    levels: dict[str, st.SearchStrategy[float | str]] = {}
    for name, span in source.options.ranges.items():
        whole = span.low == int(span.low) and span.high == int(span.high) and span.high - span.low > 1
        between = st.integers(int(span.low), int(span.high)).map(float) if whole else st.floats(span.low, span.high)
        levels[name] = between.map(lambda value: round(value, 3))
    for name, modes in source.options.modes.items():
        levels[name] = st.sampled_from(modes)
    drawn = st.fixed_dictionaries({}, optional=levels).filter(bool)
    return drawn.map(lambda values: (source, values))


@verifies("ONV-IMG-02")
def test_any_combination(run: Run, onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Whatever lies within the options is taken and read back."""
    there = run.run(sources(onvif, check, "ONV-IMG-02"))
    settable = [source for source in there if source.options.ranges or source.options.modes]
    if not settable:
        if there:
            check.not_applicable("ONV-IMG-02", say("没有可设的项目", "there is nothing to set"))
        return
    check.step("s1")

    async def ready() -> None:
        if await settings(onvif, settable[0].token) is None:
            raise DeviceFault("读取图像设置失败", "the imaging settings cannot be read")

    trial = partial(_trial, onvif, limits("ONV-IMG-02").tolerance)
    explore(run, check, "ONV-IMG-02", st.sampled_from(settable).flatmap(values_of), trial, ready, PROFILE)


async def _trial(onvif: Onvif, tolerance: Limit, tried: tuple[Source, Values]) -> Finding | None:
    source, values = tried
    answer = await put(onvif, source.token, values)
    if not answer.ok:
        expected = say(f"接受 {shown(values)}", f"{shown(values)} is taken")
        return Finding(expected, say(answer.summary, answer.summary), answer.sent, answer.raw)
    again = await ask(onvif, "GetImagingSettings", source.token)
    found = read_imaging(again.body) if again.ok and again.body is not None else None
    wrong = "; ".join(wrong_values(values, found, source.options, tolerance))
    if not wrong:
        return None
    expected = say(f"读回 {shown(values)}", f"{shown(values)} is read back")
    return Finding(expected, say(wrong, wrong), answer.sent, again.raw)


@verifies("ONV-IMG-03")
async def test_ends_of_ranges(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Minimum and maximum are values like any other."""
    found, judged = await sources(onvif, check, "ONV-IMG-03"), False
    for source in found:
        ranges = source.options.ranges
        for values in ({n: span.low for n, span in ranges.items()}, {n: span.high for n, span in ranges.items()}):
            if not values:
                continue
            judged = True
            check.step("s1")
            if not judge_ok(check, "ONV-IMG-03", await put(onvif, source.token, values), shown(values)):
                continue
            check.step("s2")
            now = await settings(onvif, source.token)
            wrong = "; ".join(wrong_values(values, now, source.options, limits("ONV-IMG-03").tolerance))
            check.true("ONV-IMG-03", not wrong, shown(values), wrong or shown(now.values if now else {}), source.token)
    if found and not judged:
        check.not_applicable("ONV-IMG-03", say("选项没有范围", "the options hold no ranges"))


@verifies("ONV-IMG-04")
async def test_out_of_range(onvif: Onvif, check: Checks) -> None:
    """A value out of range is refused, and the good one beside it is not taken either."""
    found, judged = await sources(onvif, check, "ONV-IMG-04"), False
    for source in found:
        ranges = source.options.ranges
        check.step("s1")
        if ranges:
            control_answer(check, await put_again(onvif, source))
        for name, span in ranges.items():
            judged = True
            width = max(1.0, span.high - span.low)
            beside = {n: s.low if source.found.levels.get(n) != s.low else s.high for n, s in ranges.items()}
            for value in (span.high + width, span.low - width):
                check.step("s2")
                bad = {**beside, name: value}
                judge_fault(check, "ONV-IMG-04", await put(onvif, source.token, bad), SETTINGS_INVALID, shown(bad))
                check.step("s3")
                now = await settings(onvif, source.token)
                observed = shown(now.values) if now else "-"
                about = say(f"{name} 之后", f"after {name}")
                check.equal("ONV-IMG-04", observed, shown(source.found.values), about)
    if found and not judged:
        check.not_applicable("ONV-IMG-04", say("选项没有范围", "the options hold no ranges"))


@verifies("ONV-IMG-05")
async def test_unknown_source(onvif: Onvif, check: Checks) -> None:
    """The fault for a video source that does not exist."""
    found = await sources(onvif, check, "ONV-IMG-05")
    if not found:
        return
    check.step("s1")
    control_answer(check, await ask(onvif, "GetImagingSettings", found[0].token))
    check.step("s2")
    token, levels = unknown_token(await source_tokens(onvif, check)), found[0].found.levels
    rest = {"SetImagingSettings": imaging_settings(dict(list(levels.items())[:1]))}
    for operation in ("GetImagingSettings", "GetOptions", "SetImagingSettings"):
        answer = await ask(onvif, operation, token, rest.get(operation, ""))
        judge_fault(check, "ONV-IMG-05", answer, NO_SOURCE, operation)


@verifies("ONV-IMG-06")
async def test_others_stay(onvif: Onvif, check: Checks) -> None:
    """What is not named in a setting keeps its value."""
    found, judged = await sources(onvif, check, "ONV-IMG-06"), False
    for source in found:
        names = [name for name in source.options.ranges if name in source.found.levels]
        if len(source.found.values) < 2 or not names:
            continue
        judged = True
        check.step("s1")
        ranges = source.options.ranges
        control_answer(check, await put(onvif, source.token, {name: ranges[name].low for name in names}))
        before = await settings(onvif, source.token)
        control_answer(check, await put(onvif, source.token, {names[0]: ranges[names[0]].high}))
        check.step("s2")
        after = await settings(onvif, source.token)
        others = {name: value for name, value in (before.values if before else {}).items() if name != names[0]}
        observed = {name: value for name, value in (after.values if after else {}).items() if name != names[0]}
        check.equal("ONV-IMG-06", shown(observed), shown(others), names[0])
    if found and not judged:
        check.not_applicable("ONV-IMG-06", say("只有一项设置", "there is one setting only"))
