"""The DSSE envelope (secure-systems-lab/dsse, protocol.md): a payload, its type and the signatures over both."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Protocol

from reports.bundle.layout import BundleError

IN_TOTO = "application/vnd.in-toto+json"
_SIGNATURES = 16


class Signer(Protocol):
    """Whatever can sign: ed25519 today, another algorithm or a smart card tomorrow."""

    @property
    def keyid(self) -> str:
        """Names the key in the envelope; a hint, never a proof."""

    def sign(self, data: bytes) -> bytes:
        """The signature over these bytes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope. ``signatures``: (keyid, signature) pairs."""

    payload_type: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pre_authentication_encoding(self.payload_type, self.payload)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """``DSSEv1 <length> <type> <length> <payload>``: PAE of the DSSE protocol."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signer: Signer, payload_type: str = IN_TOTO) -> dict[str, Any]:
    """Sign a payload. The result is the JSON form of the envelope."""
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    return {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.keyid, "sig": base64.b64encode(signature).decode()}],
    }


def parse_envelope(document: dict[str, Any]) -> Envelope:
    """Read the JSON form. Standard base64 only: one envelope has one form. Raises BundleError."""
    try:
        kind, signatures = document["payloadType"], document["signatures"]
        if set(document) != {"payloadType", "payload", "signatures"} or not isinstance(kind, str):
            raise ValueError("fields other than payloadType, payload, signatures")
        if not isinstance(signatures, list) or not 1 <= len(signatures) <= _SIGNATURES:
            raise ValueError(f"1 to {_SIGNATURES} signatures are expected")
        pairs = tuple((str(one["keyid"]), base64.b64decode(one["sig"], validate=True)) for one in signatures)
        return Envelope(kind, base64.b64decode(document["payload"], validate=True), pairs)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BundleError("envelope", f"签名信封无法读取: {error}", f"not a DSSE envelope: {error}") from None
