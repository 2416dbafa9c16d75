"""Profiles that a client makes: made, given a source and an encoder, played, deleted; the same for ver10 and ver20."""

from __future__ import annotations

from conformance.model.checks import say
from conformance.peers.onvif.answer import Answer
from conformance.plugin.fixtures import Limits
from conformance.protocols.onvif_media import Profile, read_profiles
from conformance.protocols.soap import element
from conformance.suites.camera.onvif.media_steps import Face, player_of, plays, streaming
from conformance.suites.camera.onvif.profile_steps import ENCODER, SOURCE
from conformance.suites.camera.onvif.service_steps import NO_PROFILE, judge_fault, judge_ok

#: What ver20 calls the two parts.
TYPES = {SOURCE: "VideoSource", ENCODER: "VideoEncoder"}
FULL = "ter:MaxNVTProfiles"
FIXED = ("env:Sender", "ter:Action", "ter:DeletionOfFixedProfile")


async def create(face: Face, name: str) -> tuple[Answer, str]:
    """Make an empty profile; the answer and the token, which is empty where none was made."""
    answer = await face.call("CreateProfile", element(f"{face.prefix}:Name", name))
    node = answer.body.find("Profile") if answer.ok and answer.body is not None else None
    token = (node.attribute("token") if node is not None else answer.value("Token")) or ""
    if token:
        face.onvif.undo(lambda: delete(face, token))
    return answer, token


async def delete(face: Face, token: str) -> Answer:
    """Delete a profile."""
    return await face.call("DeleteProfile", face.token("ProfileToken" if face.version == "media" else "Token", token))


async def add(face: Face, profile: str, kind: str, token: str) -> Answer:
    """Put a configuration into a profile."""
    named = face.token("ProfileToken", profile)
    if face.version == "media":
        return await face.call(f"Add{kind}", named + face.token("ConfigurationToken", token))
    part = element("tr2:Configuration", element("tr2:Type", TYPES[kind]) + face.token("Token", token))
    return await face.call("AddConfiguration", named + part)


async def told(face: Face, token: str) -> Profile | None:
    """The profile as it is told by its token."""
    answer = await face.ask_profile(token)
    found = read_profiles(answer.body) if answer.ok and answer.body is not None else []
    return found[0] if found else None


async def judge_made_profile(face: Face, limits: Limits, number: str) -> None:
    """A profile is made, filled, played and deleted."""
    requirement = face.requirement(number)
    if not face.offered(requirement):
        return
    check = face.check
    models = streaming(await face.profiles())
    if not models:
        check.not_applicable(requirement, say("没有 H.264 或 H.265 配置集", "no profile streams H.264 or H.265"))
        return
    check.step("s1")
    answer, token = await create(face, f"kandian-{face.onvif.wire.random.getrandbits(24):06x}")
    if answer.has_fault(FULL):
        check.not_applicable(requirement, say("配置集数量已达上限", "there are as many profiles as there may be"))
        return
    if not judge_ok(check, requirement, answer):
        return
    made = await told(face, token)
    expected = say("列表中有该配置集，且非固定", "the profile is told, and it is not fixed")
    held = made is not None and not made.fixed
    check.true(requirement, held, expected, token if made is not None else "-", "CreateProfile")
    check.step("s2")
    await _judge_filled(face, limits, requirement, token, models[0][0])
    check.step("s3")
    judge_ok(check, requirement, await delete(face, token))
    judge_fault(check, requirement, await face.ask_profile(token), NO_PROFILE, "DeleteProfile")
    judge_fault(check, requirement, await delete(face, token), NO_PROFILE, "DeleteProfile 2")


async def judge_fixed_profile(face: Face, number: str) -> None:
    """A fixed profile is not deleted and stays as it is."""
    requirement, check = face.requirement(number), face.check
    if not face.offered(requirement):
        return
    check.step("s1")
    fixed = next((profile for profile in await face.profiles() if profile.fixed), None)
    if fixed is None:
        check.not_applicable(requirement, say("没有固定配置集", "no profile is fixed"))
        return
    check.step("s2")
    judge_fault(check, requirement, await delete(face, fixed.token), FIXED, f"DeleteProfile {fixed.token}")
    check.step("s3")
    after = await told(face, fixed.token)
    check.equal(requirement, _parts(after), _parts(fixed), fixed.token)


def _parts(profile: Profile | None) -> dict[str, str]:
    """Name and mark of a profile, and the token of each part; empty for none."""
    if profile is None:
        return {}
    return {"name": profile.name, "fixed": str(profile.fixed), **{k: profile.part(k) for k in profile.configurations}}


async def _judge_filled(face: Face, limits: Limits, requirement: str, token: str, model: Profile) -> None:
    """The parts of another profile are put in, told and played."""
    check = face.check
    for kind in (SOURCE, ENCODER):
        if not judge_ok(check, requirement, await add(face, token, kind, model.part(kind)), f"Add {kind}"):
            return
    filled = await told(face, token)
    observed = [filled.part(kind) for kind in (SOURCE, ENCODER)] if filled is not None else []
    check.equal(requirement, observed, [model.part(kind) for kind in (SOURCE, ENCODER)], token)
    answer = await face.ask_uri(token)
    if judge_ok(check, requirement, answer):
        why = await plays(player_of(face.onvif, face.uri(answer)), "tcp", limits(requirement).media_within)
        check.true(requirement, not why, say("播放并收到视频", "plays and video comes"), why or "-", token)
