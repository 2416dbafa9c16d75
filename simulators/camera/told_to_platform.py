"""What the camera tells of itself in REDIRECT, REGISTER, LOGIN, ABILITYUP and HEARTBEAT (tykd 1 to 3)."""

from __future__ import annotations

from typing import Any

from simulators.camera.onvif.server import OnvifService
from simulators.camera.relay import Relay
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.settings import Settings
from specs.condition import FeatureValue

DEVICE_TYPES = {"camera": 1, "dvr": 2, "nvr": 3}


class ToldToPlatform:
    """The values of the camera's own messages; a part of ``Camera``, which has the attributes."""

    dev_id: str
    key: str
    model: str
    address: str
    net_type: int
    rtsp_port: int
    features: dict[str, FeatureValue]
    relay: Relay
    server: RtspServer
    onvif: OnvifService

    @property
    def settings(self) -> Settings:
        """What survives a restart."""
        raise NotImplementedError

    @property
    def channels(self) -> int:
        """Number of channels."""
        raise NotImplementedError

    @property
    def digital_inputs(self) -> int:
        """Number of digital inputs."""
        raise NotImplementedError

    @property
    def pairs(self) -> frozenset[str]:
        """Declared ``StreamType/FrameSize`` pairs."""
        raise NotImplementedError

    def has(self, feature: str) -> bool:
        """Whether a feature is declared."""
        raise NotImplementedError

    def identity(self) -> dict[str, Any]:
        """The five elements of REDIRECT and REGISTER."""
        kind = DEVICE_TYPES[str(self.features.get("type", "camera"))]
        return {
            "ManufacturerNo": self.dev_id[:3],
            "Mode": self.model,
            "DevType": kind,
            "DevID": self.dev_id,
            "DevKey": self.key,
        }

    def addresses(self) -> dict[str, Any]:
        """Where the RTSP server can be reached."""
        relay_host, relay_port = self.relay.address or ("", 0)
        return {
            "UpnpIP": "",
            "RtspUpnpPort": 0,
            "LocalIP": self.address,
            "RtspLocalPort": self.rtsp_port,
            "TurnRelayIP": relay_host,
            "RtspTurnRelayPort": relay_port,
        }

    def login_values(self) -> dict[str, Any]:
        """LOGIN."""
        head = {"DevVer": self.settings.version, "DevID": self.dev_id, "DevKey": self.key}
        return {**head, **self.addresses(), "NetType": self.net_type, "NatType": 6}

    def heartbeat_values(self) -> dict[str, Any]:
        """HEARTBEAT."""
        return {"DevID": self.dev_id, "CurVideoNum": self.server.viewers, **self.addresses()}

    def ability_values(self) -> dict[str, Any]:
        """ABILITYUP."""
        pairs = [pair.split("/") for pair in sorted(self.pairs)]
        return {
            "DevID": self.dev_id,
            "ChannelNum": self.channels,
            "PTZFlag": int(self.has("ptz")),
            "EStoreFlag": int(self.has("cloud_store")),
            "LocalStoreFlag": int(self.has("local_store")),
            "MotionDetectionFlag": int(self.has("motion")),
            "InfraredDetectionFlag": int(self.has("infrared")),
            "ManualAlarmFlag": int(self.has("manual_alarm")),
            "DIDOAlarmFlag": int(self.digital_inputs > 0),
            "DIDONum": self.digital_inputs,
            "Video": [{"StreamType": stream, "FrameSize": size} for stream, size in pairs],
            "Onvif": self.onvif.elements(secure=self.has("secure_profile")),
        }
