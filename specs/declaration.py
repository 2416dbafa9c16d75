"""The declaration (implementation conformance statement): what the vendor says the device is and can."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_origin
from urllib.parse import urlsplit

import msgspec

from specs.condition import Features, FeatureValue
from specs.declared_onvif import Onvif, password_of_the_environment, with_user
from specs.declared_platform import Application, Platform, ProvisionedDevice, User
from specs.declared_streams import Streams, key_of_the_environment, stream_features
from specs.loader import decode
from specs.model import Vocabulary
from specs.secret import Secret
from specs.stream_urls import load_schemes
from specs.yaml_source import Document, KeyPath, SourceError, read_yaml

IMAGE_KINDS = ("good", "older", "foreign_model")


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the device under test is."""

    dev_id: str
    manufacturer: str = ""
    model: str = ""
    version: str = ""
    role: Literal["camera", "cloud_storage", "platform", "streams"] = "camera"
    key: Secret = Secret()


class Bench(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the test bench listens for the device or platform. Port 0 takes any free port. ``second_host``: another
    address of the same machine, from which a phone asks after a change of its network; empty for none."""

    host: str = "127.0.0.1"
    second_host: str = ""
    group_port: int = 0
    province_port: int = 0
    access_port: int = 0
    backup_port: int = 0
    ftp_port: int = 0
    relay_port: int = 0
    push_port: int = 0
    storage_port: int = 0


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plain RTSP stream of the device, for devices without platform signalling."""

    url: str
    user: str = ""
    password: Secret = Secret()


class DeclaredAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account of a storage. ``token``: session token where the key is a temporary one; ``principal``: what bucket
    policies call it."""

    access_key: str
    secret_key: Secret
    name: str = ""
    token: Secret = Secret()
    principal: str = ""


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cloud storage under test. ``endpoint``: http(s)://host:port, empty where ``--target`` or a simulator names it;
    ``accounts``: the first owns what the tests write, a second one belongs to another tenant; ``maximum_object`` in
    bytes; ``lifecycle_delay``: seconds for which an expired object may still be there; ``seconds_per_day``: how
    long a day of retention lasts where the server has a fast-lifecycle switch; ``quota``: bytes that a tenant may
    store; 0: not declared. ``ca_file``: certificate that vouches for an https endpoint, beside the declaration."""

    dialect: Literal["aws", "oos5", "oos6", "zos"] = "aws"
    endpoint: str = ""
    region: str = ""
    addressing: Literal["path", "virtual_host"] = "path"
    accounts: tuple[DeclaredAccount, ...] = ()
    maximum_object: int = 0
    quota: int = 0
    lifecycle_delay: float = 0.0
    seconds_per_day: float = 0.0
    ca_file: str = ""


class Account(msgspec.Struct, frozen=True):
    """An account with its secrets read."""

    name: str
    access_key: str
    secret_key: str
    token: str = ""
    principal: str = ""


class Timers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``scale`` below 1 compresses the long timers of a simulated device."""

    scale: float = 1.0


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One bench control carried out by a command of the lab (power switch, alarm button)."""

    command: tuple[str, ...]


class Controls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bench can do to the device: through one endpoint, or command by command."""

    endpoint: str = ""
    actions: tuple[str, ...] = ()
    commands: dict[str, Action] = {}

    @property
    def available(self) -> frozenset[str]:
        """Names of the controls that work on this bench."""
        return frozenset(self.actions) | frozenset(self.commands)


class GoodImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A firmware image that the device must accept, and the DevVer with which it logs in afterwards."""

    path: str
    version: str


class Images(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Firmware images for the upgrade tests, as paths beside the declaration.

    ``good``: valid images, oldest first; each successful upgrade of a run uses one up. An image of the version that the
    device has at the beginning may stand first. ``older``, ``foreign_model``: validly signed images that must be
    refused for their version and for their model; ``bad_signature``: an image signed with another key.
    ``handed_over``: the device is a simulator that builds its images and names them when it starts.
    """

    good: tuple[GoodImage, ...] = ()
    older: str = ""
    foreign_model: str = ""
    bad_signature: str = ""
    handed_over: bool = False

    @property
    def available(self) -> frozenset[str]:
        """What ``needs`` of a requirement may ask for: ``good``, ``older``, ``foreign_model``."""
        return frozenset(name for name in IMAGE_KINDS if self.handed_over or getattr(self, name))


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole statement. ``features`` uses the vocabulary of specs/features.yaml."""

    kandian: Literal["declaration/1"]
    device: Device
    features: dict[str, Any] = {}
    bench: Bench = Bench()
    media: Media | None = None
    storage: Storage | None = None
    platform: Platform | None = None
    streams: Streams | None = None
    onvif: Onvif | None = None
    timers: Timers = Timers()
    controls: Controls = Controls()
    images: Images = Images()
    simulator: dict[str, Any] = {}


class LoadedDeclaration(msgspec.Struct, frozen=True):
    """A checked declaration with its features, its secrets and the digest of its text."""

    declaration: Declaration
    features: Features
    path: Path | None
    digest: str
    key: str = ""
    password: str = ""
    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    applications: tuple[Application, ...] = ()
    devices: tuple[ProvisionedDevice, ...] = ()
    stream_key: str = ""
    fleet_key: str = ""
    recording_secret: str = ""
    onvif_password: str = ""

    @property
    def role(self) -> str:
        """The role of the device under test."""
        return self.declaration.device.role

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret text that must not appear in any output."""
        keys = (text for account in self.accounts for text in (account.secret_key, account.token))
        people = (*(user.password for user in self.users), *(app.secret for app in self.applications))
        keys_of_devices = (device.key for device in self.devices)
        keys_of_ours = (self.stream_key, self.fleet_key, self.recording_secret)
        own = (self.key, self.password, *keys_of_ours, self.onvif_password)
        return tuple(filter(None, (*own, *keys, *people, *keys_of_devices)))

    @property
    def address(self) -> str:
        """What names the device for the lock: the host and port of the stream or storage, or the device id."""
        said = (self.declaration.storage or Storage(), self.declaration.platform or Platform())
        web = (self.declaration.onvif or Onvif(), self.declaration.streams or Streams())
        urls = (said[0].endpoint, said[1].client_url, *(section.url for section in web))
        for url in filter(None, urls):
            return urlsplit(url).netloc
        if self.declaration.media is not None:
            parts = urlsplit(self.declaration.media.url)
            return f"{parts.hostname}:{parts.port or 554}"
        return self.declaration.device.dev_id


def load_declaration(path: Path, vocabulary: Vocabulary) -> LoadedDeclaration:
    """Read, check and resolve a declaration file. Raises SourceError with file and line."""
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise document.error((), "a declaration is a mapping that begins with `kandian: declaration/1`")
    _check_keys(document, (), Declaration)
    declaration = decode(document, (), Declaration)
    onvif = with_user(declaration.onvif) or Onvif()
    declaration = msgspec.structs.replace(declaration, onvif=onvif if declaration.onvif else None)
    features = {**dict(_checked_features(document, vocabulary)), **derived_features(declaration)}
    if declaration.device.role == "cloud_storage" and declaration.storage is None:
        raise document.error(("device", "role"), "a cloud storage is described under `storage:`, which is missing")
    if declaration.device.role == "platform" and declaration.platform is None:
        raise document.error(("device", "role"), "a platform is described under `platform:`, which is missing")
    if declaration.device.role == "streams" and declaration.streams is None:
        raise document.error(("device", "role"), "stream URLs are described under `streams:`, which is missing")
    if not 0.0 < declaration.timers.scale <= 1.0:
        raise document.error(("timers", "scale"), "the timer scale must lie above 0 and not above 1")
    for action in sorted(declaration.controls.available - set(vocabulary.controls)):
        raise document.error(("controls",), _unknown("control", action, vocabulary.controls))
    return LoadedDeclaration(
        declaration=declaration,
        features=features,
        path=path,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        key=_secret(document, ("device", "key"), declaration.device.key, path.parent),
        password=_secret(document, ("media", "password"), declaration.media.password, path.parent)
        if declaration.media
        else "",
        accounts=tuple(_accounts(document, declaration.storage, path.parent)),
        users=tuple(_users(document, declaration.platform, path.parent)),
        applications=tuple(_applications(document, declaration.platform, path.parent)),
        devices=tuple(_devices(document, declaration.platform, path.parent)),
        stream_key=_stream_key(document, declaration, path.parent),
        fleet_key=_fleet_key(document, declaration.platform, path.parent),
        recording_secret=_recording_secret(document, declaration.platform, path.parent),
        onvif_password=_secret(document, ("onvif", "password"), onvif.password, path.parent)
        or password_of_the_environment(),
    )


def _stream_key(document: Document, declaration: Declaration, folder: Path) -> str:
    platform, streams = declaration.platform, declaration.streams
    if streams is not None:
        if streams.scheme and streams.scheme not in load_schemes():
            raise document.error(("streams", "scheme"), _unknown("scheme", streams.scheme, load_schemes()))
        return _secret(document, ("streams", "key"), streams.key, folder) or key_of_the_environment()
    return _secret(document, ("platform", "stream_key"), platform.stream_key, folder) if platform else ""


def _recording_secret(document: Document, platform: Platform | None, folder: Path) -> str:
    recording = platform.recording if platform else None
    if recording is None:
        return ""
    return _secret(document, ("platform", "recording", "secret"), recording.secret, folder)


def _fleet_key(document: Document, platform: Platform | None, folder: Path) -> str:
    capacity = platform.capacity if platform else None
    if capacity is None:
        return ""
    if min(capacity.devices, capacity.logins_per_second, capacity.heartbeats_per_second) <= 0:
        raise document.error(("platform", "capacity"), "the numbers of a capacity lie above 0")
    if capacity.fleet is None:
        return ""
    return _secret(document, ("platform", "capacity", "fleet", "key"), capacity.fleet.key, folder)


def _accounts(document: Document, storage: Storage | None, folder: Path) -> Iterator[Account]:
    for number, account in enumerate(storage.accounts if storage else ()):
        where: KeyPath = ("storage", "accounts", number)
        yield Account(
            name=account.name or f"account {number + 1}",
            access_key=account.access_key,
            secret_key=_secret(document, (*where, "secret_key"), account.secret_key, folder),
            token=_secret(document, (*where, "token"), account.token, folder),
            principal=account.principal,
        )


def _users(document: Document, platform: Platform | None, folder: Path) -> Iterator[User]:
    for number, user in enumerate(platform.users if platform else ()):
        password = _secret(document, ("platform", "users", number, "password"), user.password, folder)
        yield User(user.name, user.phone, password, user.role, user.tenant or user.name)


def _applications(document: Document, platform: Platform | None, folder: Path) -> Iterator[Application]:
    for number, application in enumerate(platform.applications if platform else ()):
        secret = _secret(document, ("platform", "applications", number, "secret"), application.secret, folder)
        yield Application(application.name, application.app_key, secret, application.tenant)


def _devices(document: Document, platform: Platform | None, folder: Path) -> Iterator[ProvisionedDevice]:
    users = [user.name for user in platform.users] if platform else []
    for number, device in enumerate(platform.devices if platform else ()):
        if device.owner and device.owner not in users:
            raise document.error(("platform", "devices", number, "owner"), _unknown("user", device.owner, users))
        key = _secret(document, ("platform", "devices", number, "key"), device.key, folder)
        yield ProvisionedDevice(device.dev_id, key, device.model, device.channels, device.owner, device.shop)


def derived_features(declaration: Declaration) -> dict[str, FeatureValue]:
    """What follows from the other sections of a declaration and is not stated again under ``features``."""
    storage, platform = declaration.storage, declaration.platform
    if declaration.streams is not None:
        return dict(stream_features(declaration.streams))
    if platform is not None:
        capacity = platform.capacity
        return {
            "capacity": capacity is not None and capacity.fleet is not None,
            "live_sessions": capacity is not None and capacity.live_sessions > 0,
            "second_address": bool(declaration.bench.second_host),
        }
    if storage is None:
        return {}
    return {
        "dialect": storage.dialect,
        "two_tenants": len(storage.accounts) > 1,
        "storage_tls": storage.endpoint.startswith("https:")
        or (not storage.endpoint and bool(declaration.simulator.get("tls"))),
    }


def storage_declaration(url: str, loaded: LoadedDeclaration | None) -> LoadedDeclaration:
    """The statement about the storage at ``url``. Without a declaration every feature is unknown and the accounts come
    from KANDIAN_ACCESS_KEY, KANDIAN_SECRET_KEY, KANDIAN_OTHER_ACCESS_KEY and KANDIAN_OTHER_SECRET_KEY.

    Raises ValueError for anything but an ``http[s]://host[:port]`` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError(f"the target of a storage is an http[s]://host[:port] URL, not {url!r}")
    endpoint = f"{parts.scheme}://{parts.netloc}"
    if loaded is None:
        accounts = tuple(_accounts_of_the_environment())
        declared = tuple(DeclaredAccount(a.access_key, Secret(), a.name) for a in accounts)
        declaration = Declaration(
            kandian="declaration/1",
            device=Device(dev_id=parts.netloc, role="cloud_storage"),
            storage=Storage(endpoint=endpoint, accounts=declared),
        )
        digest = hashlib.sha256(endpoint.encode()).hexdigest()
        features = derived_features(declaration)
        return LoadedDeclaration(declaration, features, None, digest, accounts=accounts)
    storage = msgspec.structs.replace(loaded.declaration.storage or Storage(), endpoint=endpoint)
    declaration = msgspec.structs.replace(loaded.declaration, storage=storage)
    features = {**loaded.features, **derived_features(declaration)}
    return msgspec.structs.replace(loaded, declaration=declaration, features=features)


def _accounts_of_the_environment() -> Iterator[Account]:
    for name, prefix in (("owner", "KANDIAN_"), ("other", "KANDIAN_OTHER_")):
        if key := os.environ.get(prefix + "ACCESS_KEY"):
            yield Account(name, key, os.environ.get(prefix + "SECRET_KEY", ""))


def target_declaration(url: str, dev_id: str = "") -> LoadedDeclaration:
    """The statement of a device of which only a stream URL is known: every feature is unknown.

    A user name and password inside the URL are taken out of it. Raises ValueError for anything but
    an ``rtsp://host[:port]/...`` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
        raise ValueError(f"a target is an rtsp://host[:port]/path URL, not {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = f"{host}:{parts.port}" if parts.port else host
    plain = parts._replace(netloc=netloc).geturl()
    user = parts.username or os.environ.get("KANDIAN_USER", "")
    password = parts.password or os.environ.get("KANDIAN_PASSWORD", "")
    declaration = Declaration(
        kandian="declaration/1",
        device=Device(dev_id=dev_id or netloc),
        media=Media(url=plain, user=user),
    )
    return LoadedDeclaration(
        declaration=declaration,
        features={"tykd": False},
        path=None,
        digest=hashlib.sha256(plain.encode()).hexdigest(),
        password=password,
    )


def _unknown(kind: str, name: str, known: Any) -> str:
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f"unknown {kind} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _check_keys(document: Document, where: KeyPath, kind: Any) -> None:
    """Name the unknown key and its nearest neighbour before msgspec only says that one is unknown."""
    data = document.data
    for key in where:
        data = data[key]
    if not isinstance(data, dict):
        return
    fields = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}
    for key in data:
        if key not in fields:
            raise SourceError(document.path, document.line((*where, key)), _unknown("key", key, fields))
    for key, field_type in fields.items():
        nested = _struct_of(field_type)
        if key in data and nested is not None:
            _check_keys(document, (*where, key), nested)


def _struct_of(field_type: Any) -> Any:
    if get_origin(field_type) is dict:
        return None
    for candidate in (field_type, *getattr(field_type, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _checked_features(document: Document, vocabulary: Vocabulary) -> Iterator[tuple[str, FeatureValue]]:
    for name, value in (document.data.get("features") or {}).items():
        where = ("features", name)
        if name not in vocabulary.features:
            raise document.error(where, _unknown("feature", str(name), vocabulary.features))
        feature = vocabulary.features[name]
        if feature.type == "set":
            entries = value if isinstance(value, list) else [value]
            for entry in entries:
                if str(entry) not in feature.values:
                    raise document.error(where, _unknown(f"value for {name}:", str(entry), feature.values))
            yield name, frozenset(str(entry) for entry in entries)
        elif feature.type == "enum":
            if str(value) not in feature.values:
                raise document.error(where, _unknown(f"value for {name}:", str(value), feature.values))
            yield name, str(value)
        elif feature.type == "bool" and not isinstance(value, bool):
            raise document.error(where, f"{name} is true or false, not {value!r}")
        elif feature.type == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise document.error(where, f"{name} is a whole number from 0, not {value!r}")
        else:
            yield name, value


def _secret(document: Document, where: KeyPath, secret: Secret, folder: Path) -> str:
    try:
        return secret.read(folder)
    except KeyError:
        raise document.error(where, f"the environment variable {secret.env} is not set") from None
    except (OSError, UnicodeDecodeError) as error:
        raise document.error(where, f"the secret file {secret.file} cannot be read: {error}") from None
