"""The table of features that a run finds out: one criterion each, about services and operations that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.peers.onvif.services import SERVICES
from specs.onvif_features import CapabilityCriterion, OperationCriterion, load_onvif_features
from specs.onvif_operations import load_onvif_operations
from specs.yaml_source import SourceError

FEATURES = load_onvif_features()


def test_the_table_names_services_that_exist() -> None:
    named = {feature.service or feature.needs for feature in FEATURES.values()}
    assert named <= set(SERVICES)
    assert len(FEATURES) == 34


def test_operations_are_those_of_the_tables() -> None:
    tables = load_onvif_operations().services
    known = {(key, operation.name) for key, table in tables.items() for operation in table.operations}
    asked = {(o.service, o.name) for f in FEATURES.values() if (o := f.operation) is not None}
    assert ("device", "GetHostname") in asked
    assert {pair for pair in asked if pair not in known} <= {("device", "GetRelayOutputs"), ("device", "GetRemoteUser")}


def test_what_stands_in_the_file() -> None:
    assert FEATURES["ntp"].capability == CapabilityCriterion("device", "Capabilities/Network", "NTP", 0)
    assert FEATURES["dns"].operation == OperationCriterion("device", "GetDNS")
    assert (FEATURES["ptz"].service, FEATURES["ptz"].needs, FEATURES["dns"].needs) == ("ptz", "", "device")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features:\n  a: {zh: x, en: x}\n", "one criterion"),
        ("features:\n  a: {zh: x, en: x, service: ptz, operation: {service: ptz, name: N}}\n", "one criterion"),
        ("features:\n  a: {zh: x}\n", "en"),
    ],
)
def test_a_feature_without_one_criterion_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "features.yaml"
    path.write_text(text)
    with pytest.raises(SourceError, match=message):
        load_onvif_features(path)
