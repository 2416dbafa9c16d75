"""What the ONVIF face remembers over a restart, part of the camera's settings."""

from __future__ import annotations

import msgspec

LEVELS = ("Administrator", "Operator", "User")


class User(msgspec.Struct):
    """An account. ``level``: Administrator, Operator or User; a ``fixed`` one cannot be deleted."""

    name: str
    password: str
    level: str = "User"
    fixed: bool = False


class Preset(msgspec.Struct):
    """A stored position in normalised coordinates, -1 to 1."""

    name: str
    pan: float
    tilt: float


class ExtraProfile(msgspec.Struct):
    """A media profile that a client made. ``source`` and ``encoder``: tokens of its configurations, empty for none."""

    name: str
    source: str = ""
    encoder: str = ""
    ptz: str = ""


class UplinkState(msgspec.Struct):
    """An uplink that is to be kept. ``level``: of who asks over it; ``certificate``: id of the camera's own."""

    address: str
    level: str
    certificate: str = ""


class OnvifState(msgspec.Struct):
    """``protocols``: by name, enabled and port; ``imaging``: numbers and modes by name."""

    users: list[User] = []
    hostname: str = "kandian-camera"
    scopes: list[str] = []
    discoverable: bool = True
    by_ntp: bool = False
    ntp: list[str] = []
    dns: list[str] = []
    gateway: list[str] = []
    time_zone: str = "CST-8"
    daylight: bool = False
    closed_protocols: list[str] = []
    brightness: float = 50.0
    contrast: float = 50.0
    saturation: float = 50.0
    sharpness: float = 50.0
    infrared: str = "AUTO"
    uplinks: list[UplinkState] = []
    presets: dict[str, Preset] = {}
    next_preset: int = 1
    home: Preset | None = None
    profiles: dict[str, ExtraProfile] = {}
    next_profile: int = 1
    quality: dict[str, float] = {}
    gov: dict[str, int] = {}
