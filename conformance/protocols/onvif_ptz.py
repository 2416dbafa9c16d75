"""Answers of the ONVIF PTZ service: nodes, configurations, status, presets; the requests that move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.protocols.onvif_xml import Span, number, plain, span
from conformance.protocols.safe_xml import text_content
from conformance.protocols.xml_names import Node

IDLE, MOVING = "IDLE", "MOVING"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_SECONDS = (86400, 3600, 60, 1)


@dataclass(frozen=True, slots=True)
class Vector:
    """Pan, tilt and zoom, as far as they are there: positions or velocities in the units of their space."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None

    def near(self, other: Vector, tolerance: float) -> bool:
        """Whether each axis that both have lies within the tolerance, and there is one."""
        pairs = [(self.pan, other.pan), (self.tilt, other.tilt), (self.zoom, other.zoom)]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        return bool(both) and all(abs(a - b) <= tolerance for a, b in both)

    def __str__(self) -> str:
        pairs = (("pan", self.pan), ("tilt", self.tilt), ("zoom", self.zoom))
        return ", ".join(f"{name} {value:g}" for name, value in pairs if value is not None) or "-"


@dataclass(frozen=True, slots=True)
class PtzNode:
    """A PTZ node. ``spaces``: ranges of X (and Y) by name of the space list, the first of each; ``presets``: how many
    it can hold; ``home``: whether it has a home position."""

    token: str
    spaces: Mapping[str, tuple[Span, ...]]
    presets: int
    home: bool


@dataclass(frozen=True, slots=True)
class PtzStatus:
    """Where the unit is. ``pan_tilt``, ``zoom``: IDLE, MOVING, UNKNOWN, or empty where nothing is said."""

    position: Vector
    pan_tilt: str
    zoom: str
    utc: str

    @property
    def states(self) -> set[str]:
        """The states that are told."""
        return {state for state in (self.pan_tilt, self.zoom) if state}


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset: token, name, position as far as told."""

    token: str
    name: str
    position: Vector


def read_nodes(answer: Node) -> list[PtzNode]:
    """The nodes of GetNodes."""
    return [_node(node) for node in answer.all("PTZNode")]


def _node(node: Node) -> PtzNode:
    spaces: dict[str, tuple[Span, ...]] = {}
    supported = node.find("SupportedPTZSpaces")
    for space in supported.children if supported is not None else ():
        ranges = tuple(r for r in (span(space.find(axis)) for axis in ("XRange", "YRange")) if r is not None)
        spaces.setdefault(space.name.local, ranges)
    presets = number(node.value("MaximumNumberOfPresets")) or 0
    return PtzNode(node.attribute("token") or "", spaces, int(presets), node.value("HomeSupported") in ("true", "1"))


def _vector(node: Node | None) -> Vector:
    if node is None:
        return Vector()
    pan_tilt, zoom = node.find("PanTilt"), node.find("Zoom")
    pan, tilt = (number(pan_tilt.attribute(axis)) if pan_tilt is not None else None for axis in ("x", "y"))
    return Vector(pan, tilt, number(zoom.attribute("x")) if zoom is not None else None)


def read_status(answer: Node) -> PtzStatus | None:
    """The status of GetStatus; None where the answer holds none."""
    node = answer.find("PTZStatus")
    if node is None:
        return None
    states = [(node.value(f"MoveStatus/{part}") or "").upper() for part in ("PanTilt", "Zoom")]
    return PtzStatus(_vector(node.find("Position")), states[0], states[1], node.value("UtcTime") or "")


def read_timeouts(answer: Node) -> Span | None:
    """The range of move timeouts of GetConfigurationOptions in seconds; None where none is told that can be read."""
    node = answer.at("PTZConfigurationOptions/PTZTimeout")
    low, high = (seconds_of(node.value(end)) if node is not None else None for end in ("Min", "Max"))
    return Span(low, high) if low is not None and high is not None and low <= high else None


def seconds_of(text: str | None) -> float | None:
    """An xs:duration of days and less in seconds; None for anything else."""
    found = _DURATION.fullmatch(text or "")
    if found is None or text in ("P", "PT"):
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)


def read_presets(answer: Node) -> list[Preset]:
    """The presets of GetPresets."""
    return [
        Preset(node.attribute("token") or "", node.value("Name") or "", _vector(node.find("PTZPosition")))
        for node in answer.all("Preset")
    ]


def vector(name: str, value: Vector) -> str:
    """A Position, Translation, Velocity or Speed element (``tptz:Velocity``)."""
    inside = ""
    if value.pan is not None and value.tilt is not None:
        inside = f'<tt:PanTilt x="{plain(value.pan)}" y="{plain(value.tilt)}"/>'
    if value.zoom is not None:
        inside += f'<tt:Zoom x="{plain(value.zoom)}"/>'
    return f"<{name}>{inside}</{name}>"


def profile_token(token: str) -> str:
    """The ProfileToken element of the PTZ service."""
    return f"<tptz:ProfileToken>{text_content(token)}</tptz:ProfileToken>"
