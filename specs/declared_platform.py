"""What a declaration says about a platform under test: where it listens, who uses it, which devices it knows."""

from __future__ import annotations

from typing import Literal

import msgspec

from specs.secret import Secret

UserRole = Literal["owner", "viewer", "operator"]


class DeclaredUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user of the client interface. ``phone``: the login name; ``tenant``: the owner (by name) on whose shops the
    user works, empty for the user's own; ``operator`` starts upgrade jobs and reads the audit log."""

    name: str
    phone: str
    password: Secret
    role: UserRole = "owner"
    tenant: str = ""


class DeclaredApplication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A third party (AppKey, Nonce, CurTime, CheckSum) that acts for ``tenant``, the name of an owner."""

    name: str
    app_key: str
    secret: Secret
    tenant: str = ""


class DeclaredDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device that the platform was provisioned with; no ``owner``: nobody has bound it yet."""

    dev_id: str
    key: Secret
    model: str = ""
    channels: int = 1
    owner: str = ""
    shop: str = ""


class DeclaredFleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Devices with which the capacity is proved, provisioned like any others: ids are ``prefix`` and a number from 0 of
    ``digits`` digits, one ``key`` and ``model`` for all; ``owner``: the user to whom they are bound, who owns nothing
    else."""

    prefix: str
    digits: int
    key: Secret
    model: str = ""
    version: str = "V1.0.0"
    owner: str = ""

    def device_id(self, number: int) -> str:
        """The DevID of one of them."""
        return f"{self.prefix}{number:0{self.digits}d}"


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the vendor says that the platform carries: ``devices`` online at once, logins (registration included) and
    heartbeats a second; ``live_sessions``: live streams over HTTP-FLV at once, 0 where nothing is said.
    ``hardware``: on what; ``fleet``: the devices to prove it with."""

    devices: int
    logins_per_second: float
    heartbeats_per_second: float
    live_sessions: int = 0
    hardware: str = ""
    fleet: DeclaredFleet | None = None

    @property
    def interval(self) -> float:
        """Seconds between two heartbeats of one device at the declared rate."""
        return self.devices / self.heartbeats_per_second


class RecordingStorage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account with which the platform writes recordings into the storage that the bench plays
    (``bench.storage_port``): key pair and bucket."""

    access_key: str
    secret: Secret
    bucket: str = "recordings"


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A platform under test. The URLs are empty where a simulator names them as it starts: ``group_url`` takes
    REDIRECT, ``province_url`` REGISTER, ``client_url`` is the base of the client interface. ``offline_within``: seconds
    without a heartbeat after which a device is reported offline (under the timer scale); ``token_life``,
    ``session_life``: seconds; ``ca_file``: certificate that vouches for an https ``client_url``, beside the
    declaration; ``adapter``: name of one, where the client interface is not the neutral one; ``retention_days``: for
    which recordings are kept; ``stream_scheme``: id of the signed-URL scheme of its HTTP streams
    (specs/interface/stream_urls.yaml), ``stream_key``: its key, ``stream_life``: seconds for which a URL is good;
    ``capacity``: what it carries, None where nothing is declared; ``recording``: how it writes into the bench's
    storage, None where it cannot be led there."""

    group_url: str = ""
    province_url: str = ""
    client_url: str = ""
    ca_file: str = ""
    adapter: str = ""
    users: tuple[DeclaredUser, ...] = ()
    applications: tuple[DeclaredApplication, ...] = ()
    devices: tuple[DeclaredDevice, ...] = ()
    offline_within: float = 400.0
    token_life: float = 60.0
    session_life: float = 1800.0
    retention_days: int = 7
    stream_scheme: str = ""
    stream_key: Secret = Secret()
    stream_life: float = 300.0
    capacity: Capacity | None = None
    recording: RecordingStorage | None = None


class User(msgspec.Struct, frozen=True):
    """A user with the password read."""

    name: str
    phone: str
    password: str
    role: UserRole = "owner"
    tenant: str = ""


class Application(msgspec.Struct, frozen=True):
    """A third party with its secret read."""

    name: str
    app_key: str
    secret: str
    tenant: str = ""


class ProvisionedDevice(msgspec.Struct, frozen=True):
    """A provisioned device with its key read."""

    dev_id: str
    key: str
    model: str = ""
    channels: int = 1
    owner: str = ""
    shop: str = ""
