"""Finding out what a device has: every feature of the table as supported, unsupported or undefined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from specs.onvif_features import CapabilityCriterion, OnvifFeature, OperationCriterion, load_onvif_features

State = Literal["supported", "unsupported", "undefined"]
REFUSALS = ("ter:ActionNotSupported", "ter:OptionalActionNotImplemented")
BOOLEANS: dict[str, State] = {"true": "supported", "1": "supported", "false": "unsupported", "0": "unsupported"}


@dataclass(frozen=True, slots=True)
class FoundFeature:
    """What was found. ``why``: the answer that decided, in one line."""

    state: State
    why: str


class FeatureSearch:
    """Asks for each thing once."""

    def __init__(self, onvif: Onvif) -> None:
        self.onvif = onvif
        self._capabilities: dict[str, Answer] = {}

    async def all(self) -> dict[str, FoundFeature]:
        """Every feature of the table."""
        return {name: await self.find(feature) for name, feature in load_onvif_features().items()}

    async def find(self, feature: OnvifFeature) -> FoundFeature:
        """One feature."""
        if feature.service:
            return FoundFeature("supported" if self.onvif.has(feature.service) else "unsupported", "GetServices")
        if not self.onvif.has(feature.needs):
            return FoundFeature("unsupported", f"GetServices: no {feature.needs}")
        if feature.capability is not None:
            return await self._by_capability(feature.capability)
        assert feature.operation is not None
        return await self._by_operation(feature.operation)

    async def _by_capability(self, wanted: CapabilityCriterion) -> FoundFeature:
        if wanted.service not in self._capabilities:
            answer = await self.onvif.call(wanted.service, "GetServiceCapabilities")
            self._capabilities[wanted.service] = answer
        answer = self._capabilities[wanted.service]
        if not answer.ok or answer.body is None:
            return FoundFeature("undefined", f"GetServiceCapabilities: {answer.summary}")
        node = answer.body.at(wanted.path)
        told = node.attribute(wanted.attribute) if node is not None else None
        return FoundFeature(_state(told, wanted.above), f"{wanted.attribute}={told!r}")

    async def _by_operation(self, wanted: OperationCriterion) -> FoundFeature:
        answer = await self.onvif.call(wanted.service, wanted.name)
        why = f"{wanted.name}: {answer.summary}"
        if answer.ok:
            return FoundFeature("supported", why)
        refused = any(answer.has_fault(code) for code in REFUSALS)
        return FoundFeature("unsupported" if refused else "undefined", why)


def _state(told: str | None, above: int) -> State:
    if told is None:
        return "unsupported"
    if above < 0:
        return BOOLEANS.get(told.strip(), "undefined")
    if not told.strip().isdecimal():
        return "undefined"
    return "supported" if int(told) > above else "unsupported"
