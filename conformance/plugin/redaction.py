"""Secrets are masked before anything is written: declared ones in every form they take, and login headers of any kind.

Masks have the length of what they hide, so that offsets on the tape stay true and a tape can be judged again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

SHORTEST = 4
_SHORTEST_CORE = 5
#: Credentials that known fields carry in the clear. Digest responses and request signatures stay: they are evidence.
_HEADERS = re.compile(
    rb"(?i)((?:proxy-)?authorization: *(?:basic|bearer) +)([A-Za-z0-9+/=._~-]+)"
    rb"|(\r\n(?:x-amz-security-token|(?:set-)?cookie): *)([^\r\n]+)"
)
_HINTS = (b"authorization:", b"security-token:", b"cookie:")
_URL_LOGIN = re.compile(rb"(://[^\s/:@<>\"']{1,64}:)([^\s/@<>\"']{1,128})(?=@)")


class Redactor:
    """Replaces every declared secret, and what known fields carry, by asterisks."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret)}
        self._secrets = sorted(found, key=lambda form: (-len(form), form))

    def text(self, text: str) -> str:
        """The text without secrets, as many UTF-8 bytes long as before."""
        data = text.encode("utf-8", "surrogatepass")
        return self.data(data).decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """Bytes of the same length without secrets."""
        for secret in self._secrets:
            if secret in data:
                data = data.replace(secret, b"*" * len(secret))
        lower = data.lower()
        if any(hint in lower for hint in _HINTS):
            data = _HEADERS.sub(_masked_field, data)
        return _URL_LOGIN.sub(_masked_field, data) if b"://" in data else data


def forms(secret: str) -> Iterator[bytes]:
    """How a secret can stand in a file: plain, in JSON, XML and URLs, in hexadecimal, inside base64 at any offset."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield json.dumps(secret)[1:-1].encode()
    yield escape(secret).encode()
    yield escape(secret, {'"': "&quot;", "'": "&apos;"}).encode()
    for url in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield url.encode()
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), url).encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield from _base64_cores(raw)


def _base64_cores(raw: bytes) -> Iterator[bytes]:
    """The characters of a base64 text that depend on the secret alone, for each of its three alignments."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        core = text[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        if len(core) >= _SHORTEST_CORE:
            yield core
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _masked_field(match: re.Match[bytes]) -> bytes:
    names, values = match.groups()[::2], match.groups()[1::2]
    for name, value in zip(names, values, strict=True):
        if name is not None:
            return bytes(name + b"*" * len(value))
    return match[0]
