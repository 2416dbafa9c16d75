"""What every service of the ONVIF face has: handlers by the name of the operation, faults, pieces of XML."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import Envelope, element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.state import OnvifState, User

if TYPE_CHECKING:
    from simulators.camera.camera import Camera
    from simulators.camera.onvif.server import OnvifService

SENDER, RECEIVER = "env:Sender", "env:Receiver"
INVALID = (SENDER, "ter:InvalidArgVal")
Handler = Callable[["Call"], Awaitable[str]]


class OnvifFault(Exception):
    """A request that is refused with these codes, from outside in."""

    def __init__(self, *codes: str, reason: str) -> None:
        super().__init__(reason)
        self.codes, self.reason = codes, reason


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be carried out. ``node``: the first element of the body; ``user``: None for anybody;
    ``authority``: host:port as the client wrote it; ``path``: of the request."""

    node: Node
    envelope: Envelope
    user: User | None
    authority: str
    path: str

    @property
    def name(self) -> str:
        """Name of the operation."""
        return self.node.name.local

    def text(self, path: str) -> str:
        """The text at a path, empty where there is none."""
        return self.node.value(path) or ""


class Service:
    """One service. A handler is called ``on_`` and the operation, and returns the children of the answer."""

    key = ""
    prefix = ""
    version = ("2", "60")

    def __init__(self, face: OnvifService) -> None:
        self.face = face

    @property
    def camera(self) -> Camera:
        """The camera that it is a face of."""
        return self.face.camera

    @property
    def state(self) -> OnvifState:
        """What survives a restart."""
        return self.camera.settings.onvif

    async def start(self) -> None:
        """Begin with what the service does by itself."""

    async def stop(self) -> None:
        """End what it does by itself."""

    def sensed(self, kind: int, channel: int, number: int, on: bool) -> None:
        """A sensor of the camera fired or calmed down."""

    def handler(self, name: str) -> Handler | None:
        """Who carries out the operation; None where it is not implemented."""
        found: Handler | None = getattr(self, f"on_{name}", None)
        return found

    def capabilities(self) -> str:
        """The Capabilities element of the service, in its own namespace."""
        return element(f"{self.prefix}:Capabilities")

    async def on_GetServiceCapabilities(self, call: Call) -> str:
        """What the service can do."""
        return self.capabilities()

    def tag(self, name: str, text: str | float = "") -> str:
        """An element of the service with text."""
        return element(f"{self.prefix}:{name}", text_content(plain(text)))

    def save(self) -> None:
        """Keep what was changed."""
        self.camera.save()


def tt(name: str, text: str | float | bool = "") -> str:
    """An element of the ONVIF schema with text."""
    return element(f"tt:{name}", text_content(plain(text)))


def span(name: str, low: float, high: float) -> str:
    """An element of the ONVIF schema with Min and Max."""
    return element(f"tt:{name}", tt("Min", low) + tt("Max", high))


def plain(value: str | float | bool) -> str:
    """A value as XML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def flags(**named: bool | str | float) -> dict[str, str]:
    """Attributes."""
    return {name: plain(value) for name, value in named.items()}


def invalid(condition: str, reason: str) -> OnvifFault:
    """The fault of a value that does not fit."""
    return OnvifFault(*INVALID, *([f"ter:{condition}"] if condition else []), reason=reason)


def boolean(text: str) -> bool:
    """An xs:boolean. Raises OnvifFault."""
    if text not in ("true", "false", "1", "0"):
        raise invalid("", f"{text[:40]!r} is no boolean")
    return text in ("true", "1")


def number(text: str) -> float:
    """A decimal number. Raises OnvifFault."""
    try:
        value = float(text)
    except ValueError:
        raise invalid("", f"{text[:40]!r} is no number") from None
    if not -1e9 < value < 1e9:
        raise invalid("", f"{text[:40]!r} is out of range")
    return value
