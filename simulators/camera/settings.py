"""What the camera remembers over a restart: one JSON file, replaced as a whole, so that a power cut never tears it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from simulators.camera.onvif.state import OnvifState

WEEKDAYS = range(1, 8)


class StreamParameters(msgspec.Struct):
    """Video parameters in the codes of the message table."""

    frame_size: int
    frame_rate: int = 15
    rate_type: int = 1
    bit_rate: int = 6
    audio: int = 1


class RecordPolicy(msgspec.Struct):
    """One entry of the weekly record plan. Times are minutes of the day."""

    policy_id: int
    channel: int
    store_type: int
    stream_type: int
    week: int
    start: int
    end: int


class PicturePolicy(msgspec.Struct):
    """One entry of the picture plan. ``store``: 0 is FTP, 1 the object store."""

    policy_id: int
    channel: int
    interval: int
    start: int
    end: int
    store: int = 0


class LinkedCamera(msgspec.Struct):
    """A camera bound to a channel of a recorder."""

    dev_id: str
    address: str
    onvif_port: str = ""
    onvif_account: str = ""
    onvif_password: str = ""


class Settings(msgspec.Struct):
    """Everything that survives. Keys of ``streams`` are ``channel/stream``."""

    version: str
    streams: dict[str, StreamParameters]
    province_url: str = ""
    boot_count: int = 0
    next_policy: int = 1
    account: dict[str, str] = {}
    record_policies: list[RecordPolicy] = []
    picture_policies: list[PicturePolicy] = []
    record_full: dict[str, int] = {}
    record_loop: int = 1
    alarms: dict[str, int] = {}
    wifi: dict[str, str] = {}
    linked: dict[str, LinkedCamera] = {}
    pending: list[dict[str, Any]] = []
    slots: dict[str, str] = {}
    onvif: OnvifState = msgspec.field(default_factory=OnvifState)


class SettingsFile:
    """The settings on disk."""

    def __init__(self, folder: Path, fresh: Settings) -> None:
        self.path = folder / "settings.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.data = self._read(fresh)

    def _read(self, fresh: Settings) -> Settings:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Settings)
        except (FileNotFoundError, msgspec.DecodeError):
            return fresh

    def save(self) -> None:
        """Write to a new file, force it to disk, put it in place."""
        draft = self.path.with_suffix(".new")
        with draft.open("wb") as stream:
            stream.write(msgspec.json.encode(self.data))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.path)

    def reload(self) -> None:
        """Forget what was not saved, as a power cut does."""
        self.data = self._read(self.data)
