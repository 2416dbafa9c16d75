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


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A platform under test. The URLs are empty where a simulator names them as it starts: ``group_url`` takes
    REDIRECT, ``province_url`` REGISTER, ``client_url`` is the base of the client interface. ``offline_within``: seconds
    without a heartbeat after which a device is reported offline (under the timer scale); ``token_life``,
    ``session_life``: seconds; ``ca_file``: certificate that vouches for an https ``client_url``, beside the
    declaration; ``retention_days``: for which recordings are kept; ``stream_scheme``: id of the
    signed-URL scheme of its HTTP streams (specs/interface/stream_urls.yaml), ``stream_key``: its key, ``stream_life``:
    seconds for which a URL is good."""

    group_url: str = ""
    province_url: str = ""
    client_url: str = ""
    ca_file: str = ""
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
