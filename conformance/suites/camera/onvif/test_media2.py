"""ONV-MD2: profiles and video encoders of media service 2 (ver20)."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.protocols.onvif_media import read_profiles
from conformance.protocols.onvif_xml import plain
from conformance.suites.camera.onvif import encoder_steps, made_profile_steps, profile_steps
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.profile_steps import ENCODER
from conformance.suites.camera.onvif.service_steps import judge_ok


@verifies("ONV-MD2-01")
async def test_ready_profiles(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A profile with video is there from the start."""
    await profile_steps.judge_ready(Face(onvif, check, "media2"), limits)


@verifies("ONV-MD2-02")
async def test_references(onvif: Onvif, check: Checks) -> None:
    """What profiles refer to exists."""
    await profile_steps.judge_references(Face(onvif, check, "media2"))


@verifies("ONV-MD2-03")
async def test_unknown_profile(onvif: Onvif, check: Checks) -> None:
    """The fault for a profile that does not exist."""
    await profile_steps.judge_no_profile(Face(onvif, check, "media2"))


@verifies("ONV-MD2-04")
async def test_options_hold_settings(onvif: Onvif, check: Checks) -> None:
    """What is set is among the options."""
    await profile_steps.judge_options(Face(onvif, check, "media2"))


@verifies("ONV-MD2-05")
def test_any_combination(run: Run, onvif: Onvif, check: Checks) -> None:
    """Any combination of the options is taken and read back."""
    encoder_steps.judge_combinations(run, Face(onvif, check, "media2"))


@verifies("ONV-MD2-06")
async def test_stream_is_what_was_set(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Codec, size and frame rate of the stream follow the setting."""
    await encoder_steps.judge_stream(Face(onvif, check, "media2"), limits)


@verifies("ONV-MD2-07")
async def test_invalid_settings(onvif: Onvif, check: Checks) -> None:
    """What is not offered is refused and changes nothing."""
    await profile_steps.judge_refused_settings(Face(onvif, check, "media2"))


@verifies("ONV-MD2-08")
async def test_unknown_configuration(onvif: Onvif, check: Checks) -> None:
    """The fault for a configuration that does not exist."""
    await profile_steps.judge_no_configuration(Face(onvif, check, "media2"))


@verifies("ONV-MD2-09")
async def test_profile_types(onvif: Onvif, check: Checks) -> None:
    """Only the wanted types of configurations are told."""
    face = Face(onvif, check, "media2")
    if not face.offered("ONV-MD2-09"):
        return
    check.step("s1")
    whole, bare = await face.profiles(), await face.ask_profiles(())
    one = await face.ask_profiles(("VideoEncoder",))
    check.control(any(profile.encoder for profile in whole), say("有含编码器的配置集", "a profile has an encoder"))
    for answer, about in ((bare, "-"), (one, "VideoEncoder")):
        if not judge_ok(check, "ONV-MD2-09", answer, f"Type {about}") or answer.body is None:
            continue
        found = {profile.token: sorted(profile.configurations) for profile in read_profiles(answer.body)}
        expected = {
            profile.token: [ENCODER] if answer is one and ENCODER in profile.configurations else [] for profile in whole
        }
        check.equal("ONV-MD2-09", found, expected, f"Type {about}")


@verifies("ONV-MD2-10")
async def test_both_services_agree(onvif: Onvif, check: Checks) -> None:
    """The profiles of the one service are those of the other."""
    first, second = Face(onvif, check, "media"), Face(onvif, check, "media2")
    if not second.offered("ONV-MD2-10") or not first.offered("ONV-MD2-10"):
        return
    check.step("s1")
    older, newer = await first.profiles(), {profile.token: profile for profile in await second.profiles()}
    check.control(bool(older), say("ver10 有配置集", "ver10 has profiles"))
    check.step("s2")
    for profile in older:
        twin, encoder = newer.get(profile.token), profile.encoder
        expected = say("两版均有该配置集", "both services have it")
        check.true("ONV-MD2-10", twin is not None, expected, sorted(newer), profile.token)
        if twin is not None and encoder is not None and twin.encoder is not None and twin.encoder.encoding == "H264":
            told = twin.encoder.encoding, twin.encoder.size
            check.equal("ONV-MD2-10", (encoder.encoding, encoder.size), told, profile.token)


@verifies("ONV-MD2-11")
async def test_bit_rate_is_adapted(onvif: Onvif, check: Checks) -> None:
    """A bit rate above the range becomes one within it."""
    face, judged = Face(onvif, check, "media2"), False
    if not face.offered("ONV-MD2-11"):
        return
    for encoder in await face.encoders():
        options = next((one for one in await face.options(encoder) if one.encoding == encoder.encoding), None)
        if options is None or options.bit_rate is None or encoder.bit_rate is None:
            continue
        judged = True
        face.restore(encoder)
        check.step("s1")
        beyond = plain(options.bit_rate.high * 4)
        answer = await face.set_node(encoder, {"RateControl/BitrateLimit": beyond})
        check.step("s2")
        if judge_ok(check, "ONV-MD2-11", answer, f"BitrateLimit {beyond}"):
            after = await face.encoder(encoder.token)
            rate = after.bit_rate if after is not None else None
            held = rate is not None and rate in options.bit_rate
            check.true("ONV-MD2-11", held, f"BitrateLimit {options.bit_rate}", rate, encoder.token)
    if not judged:
        check.not_applicable("ONV-MD2-11", say("选项未给出码率范围", "the options give no range of bit rates"))


@verifies("ONV-MD2-12")
async def test_made_profile(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A client makes a profile, plays and deletes it."""
    await made_profile_steps.judge_made_profile(Face(onvif, check, "media2"), limits, "12")


@verifies("ONV-MD2-13")
async def test_fixed_profile(onvif: Onvif, check: Checks) -> None:
    """What is fixed stays."""
    await made_profile_steps.judge_fixed_profile(Face(onvif, check, "media2"), "13")
