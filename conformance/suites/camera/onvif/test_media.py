"""ONV-MED: profiles and video encoders of the media service (ver10)."""

from __future__ import annotations

from conformance.model.checks import Checks
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.suites.camera.onvif import encoder_steps, made_profile_steps, profile_steps
from conformance.suites.camera.onvif.media_steps import Face


@verifies("ONV-MED-01")
async def test_ready_profiles(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A profile with video is there from the start."""
    await profile_steps.judge_ready(Face(onvif, check, "media"), limits)


@verifies("ONV-MED-02")
async def test_references(onvif: Onvif, check: Checks) -> None:
    """What profiles refer to exists."""
    await profile_steps.judge_references(Face(onvif, check, "media"))


@verifies("ONV-MED-03")
async def test_unknown_profile(onvif: Onvif, check: Checks) -> None:
    """The fault for a profile that does not exist."""
    await profile_steps.judge_no_profile(Face(onvif, check, "media"))


@verifies("ONV-MED-04")
async def test_options_hold_settings(onvif: Onvif, check: Checks) -> None:
    """What is set is among the options."""
    await profile_steps.judge_options(Face(onvif, check, "media"))


@verifies("ONV-MED-05")
def test_any_combination(run: Run, onvif: Onvif, check: Checks) -> None:
    """Any combination of the options is taken and read back."""
    encoder_steps.judge_combinations(run, Face(onvif, check, "media"))


@verifies("ONV-MED-06")
async def test_stream_is_what_was_set(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Codec, size and frame rate of the stream follow the setting."""
    await encoder_steps.judge_stream(Face(onvif, check, "media"), limits)


@verifies("ONV-MED-07")
async def test_invalid_settings(onvif: Onvif, check: Checks) -> None:
    """What is not offered is refused and changes nothing."""
    await profile_steps.judge_refused_settings(Face(onvif, check, "media"))


@verifies("ONV-MED-08")
async def test_unknown_configuration(onvif: Onvif, check: Checks) -> None:
    """The fault for a configuration that does not exist."""
    await profile_steps.judge_no_configuration(Face(onvif, check, "media"))


@verifies("ONV-MED-09")
async def test_made_profile(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A client makes a profile, plays and deletes it."""
    await made_profile_steps.judge_made_profile(Face(onvif, check, "media"), limits, "09")


@verifies("ONV-MED-10")
async def test_fixed_profile(onvif: Onvif, check: Checks) -> None:
    """What is fixed stays."""
    await made_profile_steps.judge_fixed_profile(Face(onvif, check, "media"), "10")
