"""Features of an ONVIF device that a run finds out by itself: the table of criteria."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from specs.loader import decode
from specs.yaml_source import read_yaml

FEATURES = Path(__file__).parent / "onvif_features.yaml"


class CapabilityCriterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute in the answer of GetServiceCapabilities. ``path``: of local names below the response element;
    ``above``: the attribute is a count that has to lie above it, -1 for an xs:boolean. A missing attribute is false."""

    service: str
    path: str
    attribute: str
    above: int = -1


class OperationCriterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation without arguments."""

    service: str
    name: str


class OnvifFeature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feature with exactly one criterion. ``service``: its key where the service itself is the criterion."""

    zh: str
    en: str
    service: str = ""
    capability: CapabilityCriterion | None = None
    operation: OperationCriterion | None = None

    @property
    def needs(self) -> str:
        """The service without which the feature is unsupported; empty where the service is the criterion."""
        found = self.capability or self.operation
        return found.service if found else ""


@lru_cache
def load_onvif_features(path: Path = FEATURES) -> dict[str, OnvifFeature]:
    """The table. Raises SourceError with file and line."""
    document = read_yaml(path)
    features = decode(document, ("features",), dict[str, OnvifFeature])
    for name, feature in features.items():
        if sum(map(bool, (feature.service, feature.capability, feature.operation))) != 1:
            raise document.error(("features", name), "a feature has one criterion: service, capability or operation")
    return features
