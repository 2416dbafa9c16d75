"""Profiles, references and tokens of a media service; the same for ver10 and ver20."""

from __future__ import annotations

from conformance.model.checks import say
from conformance.plugin.fixtures import Limits
from conformance.protocols.onvif_media import Encoder, Profile, dangling, read_profiles
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.service_steps import (
    CONFIG_MODIFY,
    NO_CONFIG,
    NO_PROFILE,
    control_answer,
    judge_fault,
    judge_ok,
    unknown_token,
)

SOURCE, ENCODER = "VideoSourceConfiguration", "VideoEncoderConfiguration"


async def judge_ready(face: Face, limits: Limits) -> None:
    """-01: profiles that are ready for use."""
    requirement = face.requirement("01")
    if not face.offered(requirement):
        return
    check, token_length = face.check, limits(requirement).token_length
    check.step("s1")
    answer = await face.ask_profiles()
    if not judge_ok(check, requirement, answer) or answer.body is None:
        return
    check.step("s2")
    profiles = read_profiles(answer.body)
    whole = [profile for profile in profiles if profile.part(SOURCE) and profile.part(ENCODER)]
    expected = say("至少一个含视频源与视频编码配置的配置集", "at least one profile with video source and video encoder")
    check.true(requirement, bool(whole), expected, f"{len(profiles)} profiles, {len(whole)} with video")
    tokens = [profile.token for profile in profiles]
    check.equal(requirement, len(set(tokens)), len(tokens), say("互不相同的令牌", "different tokens"))
    for token in tokens:
        held = bool(token) and token_length.holds(len(token))
        check.true(requirement, held, say(f"1 至 {token_length} 个字符", f"1 to {token_length} characters"), token)


async def judge_references(face: Face) -> None:
    """-02: what profiles refer to exists."""
    requirement = face.requirement("02")
    if not face.offered(requirement):
        return
    check = face.check
    check.step("s1")
    profiles, known = await face.profiles(), {}
    for kind in (SOURCE, ENCODER):
        answer = await face.call(f"Get{kind}s")
        if judge_ok(check, requirement, answer):
            known[kind] = {node.attribute("token") or "" for node in answer.all("Configurations")}
    if face.onvif.has("media"):
        sources = await face.onvif.call("media", "GetVideoSources")
        if sources.ok:
            known["VideoSource"] = {node.attribute("token") or "" for node in sources.all("VideoSources")}
    check.step("s2")
    loose = dangling(profiles, known)
    check.true(requirement, not loose, say("每个引用均存在", "every reference exists"), "; ".join(loose) or "-")
    check.step("s3")
    for profile in profiles:
        answer = await face.ask_profile(profile.token)
        if judge_ok(check, requirement, answer, profile.token) and answer.body is not None:
            told = [_shown(one) for one in read_profiles(answer.body)]
            check.equal(requirement, told, [_shown(profile)], profile.token)


def _shown(profile: Profile) -> str:
    parts = ", ".join(f"{kind} {profile.part(kind)}" for kind in sorted(profile.configurations))
    return f"{profile.token} {profile.name!r}: {parts}"


async def judge_no_profile(face: Face) -> None:
    """-03: the fault for an unknown profile token."""
    requirement = face.requirement("03")
    if not face.offered(requirement):
        return
    check = face.check
    check.step("s1")
    profiles = await face.profiles()
    if not profiles:
        check.control(False, say("没有配置集", "there is no profile"))
        return
    control_answer(check, await face.ask_profile(profiles[0].token))
    has_stream = control_answer(check, await face.ask_uri(profiles[0].token))
    has_pictures = (await face.ask_snapshot(profiles[0].token)).ok
    check.step("s2")
    token = unknown_token(profile.token for profile in profiles)
    judge_fault(check, requirement, await face.ask_profile(token), NO_PROFILE, "GetProfile")
    if has_stream:
        judge_fault(check, requirement, await face.ask_uri(token), NO_PROFILE, "GetStreamUri")
    if has_pictures:
        judge_fault(check, requirement, await face.ask_snapshot(token), NO_PROFILE, "GetSnapshotUri")


async def judge_options(face: Face) -> None:
    """-04: the options hold what is set."""
    requirement = face.requirement("04")
    if not face.offered(requirement):
        return
    check = face.check
    for encoder in await face.encoders():
        check.step("s1")
        answer = await face.ask_options(encoder.token)
        if not judge_ok(check, requirement, answer, encoder.token) or answer.body is None:
            continue
        check.step("s2")
        every = await face.options(encoder)
        options = next((one for one in every if one.encoding == encoder.encoding), None)
        encodings = sorted({one.encoding for one in every})
        expected = say(f"选项含编码 {encoder.encoding}", f"options for the encoding {encoder.encoding}")
        if not check.true(requirement, options is not None, expected, encodings, encoder.token) or options is None:
            continue
        sizes = ", ".join(f"{width}x{height}" for width, height in options.sizes)
        told = f"{encoder.size[0]}x{encoder.size[1]}"
        expected = say(f"选项含分辨率 {told}", f"options hold the resolution {told}")
        check.true(requirement, encoder.size in options.sizes, expected, sizes or "-", encoder.token)
        pairs = (("Quality", encoder.quality, options.quality), ("GovLength", encoder.gov_length, options.gov_length))
        for name, value, there in pairs:
            if value is not None and there is not None:
                check.true(requirement, value in there, f"{name} {there}", value, encoder.token)


async def judge_refused_settings(face: Face) -> None:
    """-07: invalid settings are refused and change nothing."""
    requirement = face.requirement("07")
    if not face.offered(requirement):
        return
    check, judged = face.check, False
    for encoder in await face.encoders():
        every = await face.options(encoder)
        options = next((one for one in every if one.encoding == encoder.encoding), None)
        if options is None or not options.sizes:
            continue
        judged = True
        check.step("s1")
        face.restore(encoder)
        control_answer(check, await face.set_node(encoder))
        before = await face.encoder(encoder.token)
        check.step("s2")
        for about, changes in _bad_settings(face, encoder, {size for one in every for size in one.sizes}).items():
            judge_fault(check, requirement, await face.set_node(encoder, changes), CONFIG_MODIFY, about)
            after = await face.encoder(encoder.token)
            check.equal(requirement, _settings(after), _settings(before), say(f"{about} 之后", f"after {about}"))
    if not judged:
        check.inconclusive(requirement, say("没有可读的编码选项", "there are no options that can be read"))


def _settings(encoder: Encoder | None) -> str:
    if encoder is None:
        return "-"
    told = (encoder.encoding, encoder.size, encoder.frame_rate, encoder.bit_rate, encoder.quality, encoder.gov_length)
    return ", ".join(map(str, told))


def _bad_settings(face: Face, encoder: Encoder, sizes: set[tuple[int, int]]) -> dict[str, dict[str, str | None]]:
    """Changes that no options allow, by what they are."""
    between = encoder.size[0] - 8, encoder.size[1] - 8
    beyond = max(width for width, _ in sizes) * 2, max(height for _, height in sizes) * 2
    wrong = [size for size in (between, beyond, (0, 0)) if size not in sizes and min(size) >= 0]
    bad: dict[str, dict[str, str | None]] = {
        f"{width}x{height}": {"Resolution/Width": str(width), "Resolution/Height": str(height)}
        for width, height in wrong
    }
    if face.version == "media2":
        bad["Encoding"] = {"Encoding": "KANDIAN-NONE"}
    return bad


async def judge_no_configuration(face: Face) -> None:
    """-08: the fault for an unknown configuration token."""
    requirement = face.requirement("08")
    if not face.offered(requirement):
        return
    check = face.check
    check.step("s1")
    encoders = await face.encoders()
    if not check.control(bool(encoders), say("有视频编码配置", "there is a video encoder configuration")):
        return
    control_answer(check, await face.ask_encoder(encoders[0].token))
    control_answer(check, await face.ask_options(encoders[0].token))
    check.step("s2")
    token = unknown_token(encoder.token for encoder in encoders)
    judge_fault(check, requirement, await face.ask_encoder(token), NO_CONFIG, "GetVideoEncoderConfiguration")
    judge_fault(check, requirement, await face.ask_options(token), NO_CONFIG, "GetVideoEncoderConfigurationOptions")
    changed = await face.set_node(encoders[0], {"@token": token})
    judge_fault(check, requirement, changed, NO_CONFIG, "SetVideoEncoderConfiguration")
