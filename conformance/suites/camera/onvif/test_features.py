"""ONV-DEV-08: what the device has, found out by asking."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.onvif.features import FeatureSearch
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.marks import verifies
from conformance.suites.camera.onvif.device_steps import good
from specs.onvif_features import load_onvif_features

DEFINITE = say("支持或不支持", "supported or unsupported")


@verifies("ONV-DEV-08")
async def test_features(onvif: Onvif, check: Checks) -> None:
    """Every feature of the table; the states go into the results."""
    check.step("s1")
    if not good(check, await onvif.client.find_services()):
        return
    check.step("s2")
    found = await FeatureSearch(onvif).all()
    check.step("s3")
    check.figures["features"] = {name: feature.state for name, feature in found.items()}
    for name, feature in found.items():
        text = load_onvif_features()[name]
        observed = f"{feature.state} ({feature.why})"
        check.true("ONV-DEV-08", feature.state != "undefined", DEFINITE, observed, say(text.zh, text.en))
