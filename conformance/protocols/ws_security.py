"""UsernameToken of WS-Security (OASIS Web Services Security UsernameToken Profile 1.0): writing, reading, checking."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.protocols.violation import CodecError
from conformance.protocols.xml_names import Name, Node

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
DIGEST = f"{_OASIS}-username-token-profile-1.0#PasswordDigest"
TEXT = f"{_OASIS}-username-token-profile-1.0#PasswordText"
BASE64 = f"{_OASIS}-soap-message-security-1.0#Base64Binary"
_CLAUSE = "UsernameToken Profile 1.0 3.1"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(Z|[+-]\d\d:\d\d)?\Z")


class TokenError(CodecError):
    """A Security header that cannot be read as a UsernameToken."""


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """A token. ``password``: what the Password element says, a digest or the password itself by ``kind``, the Type
    attribute; ``nonce`` as bytes, ``created`` as written; None where the element is missing."""

    username: str
    password: str = field(repr=False, default="")
    kind: str = DIGEST
    nonce: bytes | None = None
    created: str | None = None


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)), 3.1."""
    told = nonce + created.encode() + password.encode()
    return base64.b64encode(hashlib.sha1(told, usedforsecurity=False).digest()).decode()


def digest_token(username: str, password: str, nonce: bytes, created: str) -> UsernameToken:
    """The token that proves to know the password without telling it."""
    return UsernameToken(username, password_digest(nonce, created, password), DIGEST, nonce, created)


def moment(epoch: float) -> str:
    """Unix time as the Created element says it, in milliseconds."""
    told = dt.datetime.fromtimestamp(epoch, dt.UTC)
    return f"{told:%Y-%m-%dT%H:%M:%S}.{told.microsecond // 1000:03d}Z"


def epoch_of(created: str) -> float | None:
    """Unix time of a Created element (xsd:dateTime); without a zone it is UTC. None for anything else."""
    found = _MOMENT.match(created.strip())
    if found is None:
        return None
    zone = "+00:00" if found[3] in (None, "Z") else found[3]
    try:
        return dt.datetime.fromisoformat(found[1] + (found[2] or "")[:7] + zone).timestamp()
    except ValueError:
        return None


def security_header(token: UsernameToken, *, must_understand: bool = True) -> str:
    """The Security header block of a token as XML text."""
    inside = element("wsse:Username", text_content(token.username))
    typed = {"Type": token.kind} if token.kind else {}
    inside += element("wsse:Password", text_content(token.password), typed)
    if token.nonce is not None:
        inside += element("wsse:Nonce", base64.b64encode(token.nonce).decode(), {"EncodingType": BASE64})
    if token.created is not None:
        inside += element("wsu:Created", text_content(token.created))
    attributes = {"env:mustUnderstand": "true"} if must_understand else {}
    spaces = {"xmlns:wsse": WSSE, "xmlns:wsu": WSU}
    return element("wsse:Security", element("wsse:UsernameToken", inside), {**spaces, **attributes})


def read_token(security: Node) -> UsernameToken:
    """The token of a Security header block. Raises TokenError, which never shows the password."""
    token = security.find("UsernameToken", WSSE)
    name = token.find("Username", WSSE) if token is not None else None
    if token is None or name is None:
        raise TokenError(security.offset, "wsse.token", b"", "There is no UsernameToken with a Username", _CLAUSE)
    password, nonce, created = token.find("Password", WSSE), token.find("Nonce", WSSE), token.find("Created", WSU)
    try:
        decoded = base64.b64decode(nonce.text.strip(), validate=True) if nonce is not None else None
    except (binascii.Error, ValueError):
        raise TokenError(token.offset, "wsse.nonce", b"", "The Nonce is not Base64", _CLAUSE) from None
    return UsernameToken(
        username=name.text.strip(),
        password=password.text.strip() if password is not None else "",
        kind=(password.attribute("Type") or TEXT) if password is not None else TEXT,
        nonce=decoded,
        created=created.text.strip() if created is not None else None,
    )


def proves(token: UsernameToken, password: str) -> bool:
    """Whether a token was made with this password. Freshness and replay of the nonce are for the caller to look at."""
    if token.kind == TEXT:
        return hmac.compare_digest(token.password.encode(), password.encode())
    if token.kind != DIGEST or token.nonce is None or token.created is None:
        return False
    wanted = password_digest(token.nonce, token.created, password)
    return hmac.compare_digest(token.password.encode(), wanted.encode())


SECURITY = Name(WSSE, "Security")
