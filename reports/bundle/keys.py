"""Keys in files: a private half in PEM that only its owner may read, a public half that says whose it is.

The public half is what a verifier trusts: role, owner and expiry count as that file says them, not as a bundle says.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "key/1"
SUFFIX = ".pub.json"
Role = Literal["vendor", "lab", "carrier"]
ROLES: tuple[str, ...] = get_args(Role)
_MAX_BYTES = 16_384
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFault(ValueError):
    """A key file that cannot be used; the text is one sentence."""


def _ed25519_verify(public: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


#: One entry per algorithm: (public key, signature, signed bytes) -> valid.
ALGORITHMS: dict[str, Callable[[bytes, bytes, bytes], bool]] = {"ed25519": _ed25519_verify}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half. Times are ISO 8601 with offset; ``public`` is the raw key in hexadecimal."""

    algorithm: str
    public: str
    role: str
    owner: str
    created: str
    expires: str

    @property
    def keyid(self) -> str:
        """sha256 over algorithm and key, in hexadecimal."""
        return hashlib.sha256(f"{self.algorithm}:{self.public}".encode()).hexdigest()

    @property
    def pem(self) -> str:
        """The public key in PEM form (SubjectPublicKeyInfo), as openssl reads it."""
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_bytes(serialization.Encoding.PEM, form).decode()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature over the bytes was made with the private half."""
        return ALGORITHMS[self.algorithm](bytes.fromhex(self.public), signature, data)

    def valid_at(self, moment: datetime) -> bool:
        """Whether the moment (with offset) lies within the key's life."""
        return datetime.fromisoformat(self.created) <= moment <= datetime.fromisoformat(self.expires)

    def document(self) -> dict[str, Any]:
        """The JSON form (schema specs/schema/public_key.schema.json)."""
        return {"kandian": FORMAT, "keyid": self.keyid, **asdict(self)}


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key to sign with."""

    public: PublicKey
    _key: Ed25519PrivateKey

    @property
    def keyid(self) -> str:
        """Id of the public half."""
        return self.public.keyid

    def sign(self, data: bytes) -> bytes:
        """An ed25519 signature (64 bytes)."""
        return self._key.sign(data)


def public_path(private: Path) -> Path:
    """Where the public half of a private key file stands: ``lab.key`` -> ``lab.pub.json``."""
    return private.with_name(private.stem + SUFFIX)


def new_key(path: Path, *, role: str, owner: str, days: int, passphrase: str = "", now: datetime) -> PublicKey:
    """Make a key pair: ``path`` (mode 0600, PKCS#8 PEM) and its public half beside it.

    Raises KeyFault when a file is there already or the role is none, OSError.
    """
    if role not in ROLES:
        raise KeyFault(f"the role is one of {', '.join(ROLES)}, not {role!r}")
    for there in (path, public_path(path)):
        if there.exists():
            raise KeyFault(f"{there} is there already; a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    moment = now.astimezone(UTC).replace(microsecond=0)
    expires = moment + timedelta(days=days)
    public = PublicKey("ed25519", raw.hex(), role, owner, moment.isoformat(), expires.isoformat())
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    public_path(path).write_text(json.dumps(public.document(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return public


def load_private(path: Path, passphrase: str = "") -> PrivateKey:
    """Read a private key and the public half beside it.

    Raises KeyFault: others may read the file, wrong passphrase, halves that do not belong together, not a key.
    """
    data = _read(path)
    if path.stat().st_mode & _OTHERS:
        raise KeyFault(f"{path} can be read by others: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError:
        needed = "needs a passphrase" if not passphrase else "has no passphrase, but one was given"
        raise KeyFault(f"{path} {needed}") from None
    except ValueError:
        raise KeyFault(f"{path}: wrong passphrase, or not a private key in PEM form") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path} is not an ed25519 key")
    public = load_public(public_path(path))
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    if raw.hex() != public.public:
        raise KeyFault(f"{public_path(path)} is not the public half of {path}")
    return PrivateKey(public, key)


def is_protected(path: Path) -> bool:
    """Whether a private key file asks for a passphrase. Raises KeyFault."""
    return b"ENCRYPTED PRIVATE KEY" in _read(path)


def load_public(path: Path) -> PublicKey:
    """Read a public key file. Raises KeyFault."""
    try:
        document = json.loads(_read(path))
        if document.pop("kandian") != FORMAT:
            raise ValueError("not a key/1 file")
        keyid = document.pop("keyid")
        key = PublicKey(**document)
        fitting = key.algorithm in ALGORITHMS and key.role in ROLES and len(bytes.fromhex(key.public)) == 32
        moments = [datetime.fromisoformat(text) for text in (key.created, key.expires)]
        if not fitting or keyid != key.keyid or any(moment.tzinfo is None for moment in moments):
            raise ValueError("a field does not fit")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise KeyFault(f"{path} is not a public key file: {error}") from None
    return key


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise KeyFault(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise KeyFault(f"{path} is too large for a key")
    return data
