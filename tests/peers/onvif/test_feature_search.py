"""Three states: an answer, a refusal that says so, and anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from conformance.peers.onvif.answer import Answer, read_answer
from conformance.peers.onvif.features import FeatureSearch
from conformance.peers.onvif.onvif import Onvif
from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.soap import envelope, fault
from specs.onvif_features import CapabilityCriterion, OnvifFeature, OperationCriterion

TDS = "http://www.onvif.org/ver10/device/wsdl"


class Device:
    """Answers operations of the device service with given bodies, others with nothing at all."""

    def __init__(self, bodies: Mapping[str, str]) -> None:
        self.bodies, self.asked = bodies, list[str]()

    def has(self, service: str) -> bool:
        """Only the device service is there."""
        return service == "device"

    async def call(self, service: str, operation: str) -> Answer:
        """The answer."""
        self.asked.append(operation)
        if operation not in self.bodies:
            return Answer(service, operation, b"", 0.0, why="no answer within 5 s")
        body = self.bodies[operation]
        status = 500 if body.startswith("<env:Fault") else 200
        http = HttpAnswer(status, "", (), envelope(body), complete=True)
        return read_answer(service, operation, b"", 0.0, http, TDS)


def states(device: Device, *features: OnvifFeature) -> list[str]:
    """The states of these features, in order."""

    async def main() -> list[str]:
        search = FeatureSearch(cast(Onvif, device))
        return [(await search.find(feature)).state for feature in features]

    return asyncio.run(main())


def capability(name: str, **more: Any) -> OnvifFeature:
    """A feature by an attribute of Network."""
    return OnvifFeature("x", "x", capability=CapabilityCriterion("device", "Capabilities/Network", name, **more))


CAPABILITIES = (
    "<tds:GetServiceCapabilitiesResponse><tds:Capabilities>"
    '<tds:Network A="true" B="1" C="false" D="maybe" E="3" F="0"/>'
    "</tds:Capabilities></tds:GetServiceCapabilitiesResponse>"
)


def test_services_are_there_or_not() -> None:
    features = OnvifFeature("x", "x", service="device"), OnvifFeature("x", "x", service="ptz")
    assert states(Device({}), *features) == ["supported", "unsupported"]


def test_attributes_are_read_once() -> None:
    device = Device({"GetServiceCapabilities": CAPABILITIES})
    features = [capability(name) for name in "ABCDG"]
    counts = [capability(name, above=0) for name in "EFAG"]
    assert states(device, *features) == ["supported", "supported", "unsupported", "undefined", "unsupported"]
    assert states(device, *counts) == ["supported", "unsupported", "undefined", "unsupported"]
    assert device.asked == ["GetServiceCapabilities"] * 2


def test_without_capabilities_nothing_is_known() -> None:
    assert states(Device({}), capability("A")) == ["undefined"]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("<tds:GetDNSResponse/>", "supported"),
        ("<trt:GetDNSResponse/>", "undefined"),
        ("<tds:GetNTPResponse/>", "undefined"),
        (fault(("env:Receiver", "ter:ActionNotSupported"), "no"), "unsupported"),
        (fault(("env:Receiver", "ter:ActionNotSupported", "ter:NoSuchService"), "no"), "unsupported"),
        (fault(("env:Sender", "ter:OptionalActionNotImplemented"), "no"), "unsupported"),
        (fault(("env:Receiver", "ter:Action"), "no"), "undefined"),
        (fault(("env:Sender", "ter:NotAuthorized"), "no"), "undefined"),
    ],
)
def test_operations_are_answered_refused_or_neither(body: str, state: str) -> None:
    feature = OnvifFeature("x", "x", operation=OperationCriterion("device", "GetDNS"))
    assert states(Device({"GetDNS": body}), feature) == [state]


def test_an_operation_of_a_service_that_is_not_there_is_not_asked_for() -> None:
    device = Device({})
    feature = OnvifFeature("x", "x", operation=OperationCriterion("ptz", "GetNodes"))
    assert states(device, feature) == ["unsupported"]
    assert device.asked == []
