"""What a device says of itself to a platform: its registration, its login, its abilities, its heartbeats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from specs.declared_platform import ProvisionedDevice
from specs.messages import MessageTable

WIRED, NAT_UNKNOWN, CAMERA, RECORDER = 0, 0, 1, 3
SUPPORTED = ((1, 1), (2, 2), (2, 3))
VERSION = "V1.2.0_20130801"


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """One device. ``maker``: its manufacturer number, the first three characters of ``dev_id`` where it is empty;
    ``version``: DevVer; ``host``, ``port``: where it serves RTSP; ``outside``, ``relay``: where it is reached from
    outside and over a relay."""

    dev_id: str
    key: str
    model: str = "GC-1"
    channels: int = 1
    version: str = VERSION
    maker: str = ""
    host: str = "127.0.0.1"
    port: int = 1554
    outside: tuple[str, int] = ("", 0)
    relay: tuple[str, int] = ("", 0)

    @classmethod
    def of(cls, device: ProvisionedDevice) -> DeviceIdentity:
        """That of a provisioned device."""
        return cls(device.dev_id, device.key, device.model or "GC-1", device.channels)

    def but(self, **changes: Any) -> DeviceIdentity:
        """The same with something else in it."""
        return replace(self, **changes)

    def registration(self) -> dict[str, Any]:
        """REDIRECT_REQ and REGISTER_REQ (tykd 1)."""
        kind = RECORDER if self.channels > 1 else CAMERA
        maker = self.maker or self.dev_id[:3]
        told = {"ManufacturerNo": maker, "Mode": self.model, "DevType": kind}
        return {**told, "DevID": self.dev_id, "DevKey": self.key}

    def _access(self) -> dict[str, Any]:
        outside = {"UpnpIP": self.outside[0], "RtspUpnpPort": self.outside[1]}
        relay = {"TurnRelayIP": self.relay[0], "RtspTurnRelayPort": self.relay[1]}
        return {**outside, "LocalIP": self.host, "RtspLocalPort": self.port, **relay}

    def login(self) -> dict[str, Any]:
        """LOGIN_REQ (tykd 3)."""
        told = {"DevVer": self.version, "DevID": self.dev_id, "DevKey": self.key}
        return {**told, **self._access(), "NetType": WIRED, "NatType": NAT_UNKNOWN}

    def heartbeat(self, playing: int = 0) -> dict[str, Any]:
        """HEARTBEAT_REQ; ``playing``: how many watch."""
        return {"DevID": self.dev_id, "CurVideoNum": playing, **self._access()}

    def abilities(self, table: MessageTable) -> dict[str, Any]:
        """ABILITYUP_REQ: pan and tilt, storage and motion detection, one main and two sub pictures."""
        names = [element.name for element in table.command("ABILITYUP").request.elements]
        told: dict[str, Any] = {name: 0 for name in names if name.endswith(("Flag", "Num"))}
        told |= {"DevID": self.dev_id, "ChannelNum": self.channels}
        told |= dict.fromkeys(("PTZFlag", "EStoreFlag", "LocalStoreFlag", "MotionDetectionFlag"), 1)
        told["Video"] = [{"StreamType": stream, "FrameSize": size} for stream, size in SUPPORTED]
        return {**told, "Onvif": {"Port": 0, "Account": "", "Password": ""}}
