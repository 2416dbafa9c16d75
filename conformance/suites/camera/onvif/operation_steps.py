"""What the suites over the operation tables share: what the device offers, the tokens it has, its state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.onvif.services import service_versions
from conformance.protocols.onvif_cases import Case, NoToken, good_case
from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from specs.onvif_operations import OnvifOperation, OperationTables, ServiceTable, load_onvif_operations

TABLES: OperationTables = load_onvif_operations()
#: Who tells the tokens of what: service, operation, element of the answer; the token is its attribute.
SOURCES = (
    ("profile", "media", "GetProfiles", "Profiles"),
    ("profile", "media2", "GetProfiles", "Profiles"),
    ("video_source", "media", "GetVideoSources", "VideoSources"),
    ("ptz_node", "ptz", "GetNodes", "PTZNode"),
    ("ptz_configuration", "ptz", "GetConfigurations", "PTZConfiguration"),
    ("network_interface", "device", "GetNetworkInterfaces", "NetworkInterfaces"),
)
#: What is there when a configuration of a kind is listed.
THINGS = {
    "audio_source_configuration": "audio",
    "audio_output_configuration": "audio_output",
    "metadata_configuration": "metadata",
    "video_analytics_configuration": "analytics",
}
#: Answers that differ from one moment to the next though nobody changes anything.
LIVE = re.compile(
    r"Get(SystemDateAndTime|Status|SystemLog|SystemUris|SnapshotUri|StreamUri|SystemSupport.*|SystemBackup)$"
)
NO_FLAG = ("", "0", "false")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a device has. ``capabilities``: the Capabilities element of each service; ``tokens``: one of each kind;
    ``things``: what it has that no capability tells, by the names that the tables use (``audio``, ``presets``);
    ``versions``: of the services, as far as it tells them."""

    services: tuple[str, ...]
    capabilities: Mapping[str, Node]
    tokens: Mapping[str, str]
    things: frozenset[str]
    versions: Mapping[str, tuple[int, int]]

    def operations(self) -> Iterator[tuple[ServiceTable, OnvifOperation]]:
        """The operations of the services that are there, those of subscriptions, withdrawn ones and those that came
        after the version of the service left out."""
        for table, operation in TABLES.every():
            version = self.versions.get(table.service)
            later = version is not None and operation.begins_after(version)
            if table.service in self.services and not (operation.on_subscription or operation.until or later):
                yield table, operation

    def signals(self, service: str, capability: str) -> bool:
        """Whether a capability such as ``Network/NTP`` is told and set, or a thing such as ``presets`` is there."""
        if capability.islower():
            return capability in self.things
        node = self.capabilities.get(service)
        path, _, name = capability.rpartition("/")
        where = node.at(path) if node is not None and path else node
        return where is not None and (where.attribute(name) or "").strip().lower() not in NO_FLAG

    def required(self, service: str, operation: OnvifOperation) -> bool:
        """Whether the device has to have the operation."""
        if operation.support == "conditional":
            return self.signals(service, operation.capability)
        freed = operation.unless and self.signals(service, operation.unless)
        return operation.support == "mandatory" and not freed

    def good(self, table: ServiceTable, operation: OnvifOperation) -> Case | None:
        """A right request; None where a token is missing or the table does not describe it."""
        try:
            return good_case(table, operation, self.tokens)
        except (NoToken, ValueError):
            return None


async def look(onvif: Onvif) -> Offer:
    """Services, capabilities and tokens."""
    services = tuple(key for key in TABLES.services if onvif.has(key))
    capabilities = {}
    for key in services:
        answer = await onvif.call(key, "GetServiceCapabilities")
        node = answer.body.at("Capabilities") if answer.body is not None else None
        if node is not None:
            capabilities[key] = node
    listed = await _listed(onvif, services)
    tokens = {kind: node.attribute("token") or "" for kind, node in listed.items()}
    return Offer(services, capabilities, tokens, frozenset(_things(services, listed)), await _versions(onvif))


async def _versions(onvif: Onvif) -> dict[str, tuple[int, int]]:
    answer = await onvif.call("device", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
    return service_versions(answer.body) if answer.ok and answer.body is not None else {}


async def _listed(onvif: Onvif, services: tuple[str, ...]) -> dict[str, Node]:
    """The first of each kind that has a token."""
    found: dict[str, Node] = {}
    kinds = [(o.request[0].of, t.service, o.name) for t, o in TABLES.every() if _lists(o) and _single(t, o)]
    sources = [*SOURCES, *((kind, service, f"{name}s", "Configurations") for kind, service, name in kinds)]
    for kind, service, operation, name in sources:
        if service in services and kind not in found:
            answer = await onvif.call(service, operation)
            first = next((node for node in answer.all(name) if node.attribute("token")), None)
            if first is not None:
                found[kind] = first
    return found


def _things(services: tuple[str, ...], listed: Mapping[str, Node]) -> Iterator[str]:
    yield from (thing for kind, thing in THINGS.items() if kind in listed)
    if "ptz" in services:
        yield "ptz"
    node = listed.get("ptz_node")
    if node is not None:
        told = {
            "presets": (node.value("MaximumNumberOfPresets") or "0") != "0",
            "home": node.value("HomeSupported") in ("true", "1"),
            "auxiliary": node.at("AuxiliaryCommands") is not None,
        }
        yield from (thing for thing, there in told.items() if there)


def _lists(operation: OnvifOperation) -> bool:
    return bool(operation.request) and operation.request[0].of.endswith("_configuration")


def _single(table: ServiceTable, operation: OnvifOperation) -> bool:
    """Whether it is the Get of one configuration beside which a Get of all stands."""
    named = re.fullmatch(r"Get\w+Configuration", operation.name)
    return bool(named) and any(other.name == f"{operation.name}s" for other in table.operations)


def undo_users(onvif: Onvif) -> None:
    """Have the user of the table removed after the test, should a device have made it in spite of everything."""
    name = TABLES.operation("device", "CreateUsers").request[0].fields[0].sample
    onvif.undo(lambda: onvif.call("device", "DeleteUsers", element("tds:Username", name)))


async def ask(onvif: Onvif, case: Case) -> Answer:
    """Send a request that was made from the table."""
    return await onvif.call(case.service, case.name, case.body)


async def state(onvif: Onvif, offer: Offer) -> dict[str, bytes]:
    """What the device is set to: the answers of its reading operations that name no live values."""
    found = {}
    for table, operation in offer.operations():
        case = offer.good(table, operation) if operation.reads and not LIVE.search(operation.name) else None
        answer = await ask(onvif, case) if case is not None else None
        if answer is not None and answer.body is not None:
            found[f"{table.service} {operation.name}"] = payload(answer.body)
    return found


def payload(node: Node) -> bytes:
    """An element as text that is the same for the same content, whatever prefixes were used."""
    attributes = "".join(f" {name}={value}" for name, value in sorted(node.attributes.items()))
    inside = b"".join(payload(child) for child in node.children) or node.text.strip().encode()
    return f"<{node.name}{attributes}>".encode() + inside


def control(check: Checks, answer: Answer) -> bool:
    """A control leg: the right request works."""
    return check.control(
        answer.ok, say(f"正确的请求成功: {answer.summary}", f"the right request works: {answer.summary}")
    )
