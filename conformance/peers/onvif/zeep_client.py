"""onvif-zeep as an off-the-shelf client: whether an ordinary client gets from the address of a camera to a stream.

It blocks and opens its own connections, so that all its steps are one exchange on the tape.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from conformance.wire import Exchange, Hop, Wire

NOWHERE = ("", 0)
HTTP_PORTS = {"http": 80, "https": 443}
CONNECT, INFORMATION, PROFILES, ADDRESS = "connect", "information", "profiles", "stream address"


@dataclass(frozen=True, slots=True)
class ZeepStep:
    """One step. ``value``: what it brought, as text; ``error``: what the library said, empty for nothing."""

    step: str
    value: str = ""
    error: str = ""


@dataclass(slots=True)
class ZeepClient:
    """``url``: of the device service; ``seconds``: for each answer."""

    url: str
    username: str
    password: str = field(repr=False)
    seconds: float = 5.0
    _camera: Any = field(default=None, repr=False)
    _profile: str = ""

    async def run(self, wire: Wire) -> list[ZeepStep]:
        """Every step up to the first that fails, in a thread, or what the tape says of them."""
        exchange = await wire.blocking("onvif-zeep", self._exchange)
        return [ZeepStep(*told) for told in json.loads(exchange.hops[0].response)]

    def _exchange(self) -> Exchange:
        told = json.dumps(self._tried())
        return Exchange((Hop(self.url, NOWHERE, NOWHERE, b"", told.encode(), 0.0, 0.0),))

    def _tried(self) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        for name, step in self.steps().items():
            try:
                found.append((name, step(), ""))
            except Exception as error:  # noqa: BLE001 - whatever the client says is the finding
                found.append((name, "", f"{type(error).__name__}: {error}"[:300]))
                break
        return found

    def steps(self) -> dict[str, Callable[[], str]]:
        """What is tried, by name. A step raises whatever the library raises."""
        return {
            CONNECT: self._connect,
            INFORMATION: self._information,
            PROFILES: self._profiles,
            ADDRESS: self._address,
        }

    def _connect(self) -> str:
        library, zeep = importlib.import_module("onvif"), importlib.import_module("zeep.transports")
        parts = urlsplit(self.url)
        port = parts.port or HTTP_PORTS.get(parts.scheme, 80)
        transport = zeep.Transport(timeout=self.seconds, operation_timeout=self.seconds)
        self._camera = library.ONVIFCamera(parts.hostname, port, self.username, self.password, transport=transport)
        return f"{parts.hostname}:{port}"

    def _information(self) -> str:
        told = self._camera.devicemgmt.GetDeviceInformation()
        return f"{told.Manufacturer} {told.Model}"

    def profiles(self) -> list[str]:
        """Tokens of the profiles, once there is a media service. Raises whatever the library raises."""
        return [str(profile.token) for profile in self._camera.media.GetProfiles()]

    def _profiles(self) -> str:
        self._camera.create_media_service()
        tokens = self.profiles()
        self._profile = tokens[0]
        return ", ".join(tokens)

    def _address(self) -> str:
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        asked = {"StreamSetup": setup, "ProfileToken": self._profile}
        return str(self._camera.media.GetStreamUri(asked).Uri)
