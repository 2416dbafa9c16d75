"""Secrets are masked before anything is written: declared ones in every form they take, and login headers of any kind.

Masks have the length of what they hide, so that offsets on the tape stay true. A declared secret becomes a placeholder,
the same one wherever it stands and in whatever form, so that a tape can be judged again by who has only placeholders.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets as randomness
import string
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from conformance.protocols.tykd_frame import DIGEST_SIZE, HEADER, HEADER_SIZE, START

SHORTEST = 4
_SHORTEST_CORE = 5
#: Credentials that known fields carry in the clear. Digest responses and request signatures stay: they are evidence.
_HEADERS = re.compile(
    rb"(?i)((?:proxy-)?authorization: *(?:basic|bearer) +)([A-Za-z0-9+/=._~-]+)"
    rb"|(\r\n(?:x-amz-security-token|(?:set-)?cookie): *)([^\r\n]+)"
)
_ALPHABETS = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.ascii_lowercase + string.digits,
    string.ascii_uppercase + string.digits,
    string.ascii_letters + string.digits,
)
#: What stands for characters beyond ASCII, by their length in UTF-8.
_WIDE = {2: "\u00d7", 3: "\u25a1", 4: "\U0001f7e6"}
_HINTS = (b"authorization:", b"security-token:", b"cookie:")
_URL_LOGIN = re.compile(rb"(://[^\s/:@<>\"']{1,64}:)([^\s/@<>\"']{1,128})(?=@)")


class Redactor:
    """Replaces every declared secret by its placeholder, and what known fields carry by asterisks.

    ``key``: what placeholders are made with; runs that belong together have one key, which is written nowhere.
    """

    def __init__(self, secrets: Iterable[str], key: bytes = b"") -> None:
        key = key or randomness.token_bytes(16)
        self.placeholders = {secret: placeholder(secret, key) for secret in secrets if len(secret) >= SHORTEST}
        found: dict[bytes, bytes] = {}
        for secret, stand_in in self.placeholders.items():
            pairs = zip(forms(secret), forms(stand_in), strict=False)
            found |= {old: new if len(new) == len(old) else b"*" * len(old) for old, new in pairs}
            found |= {old: b"*" * len(old) for old in forms(secret) if old not in found}
        self._secrets = sorted(found.items(), key=lambda pair: (-len(pair[0]), pair[0]))

    def text(self, text: str) -> str:
        """The text without secrets, as many UTF-8 bytes long as before."""
        data = text.encode("utf-8", "surrogatepass")
        return self.data(data).decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """Bytes of the same length without secrets."""
        before = data
        for secret, stand_in in self._secrets:
            if secret in data:
                data = data.replace(secret, stand_in)
        if data is not before and START in before:
            data = _with_fitting_digests(before, data)
        lower = data.lower()
        if any(hint in lower for hint in _HINTS):
            data = _HEADERS.sub(_masked_field, data)
        return _URL_LOGIN.sub(_masked_field, data) if b"://" in data else data


def _with_fitting_digests(before: bytes, data: bytes) -> bytes:
    """Frames of tykd whose digest fitted have one that fits again: it would let others try secrets, and whoever judges
    again would take it for a fault of the device."""
    made = bytearray(data)
    position = before.find(START)
    while position >= 0:
        head = before[position : position + HEADER_SIZE]
        end = position + HEADER_SIZE + (HEADER.unpack(head)[4] if len(head) == HEADER_SIZE else 0)
        digest = before[end : end + DIGEST_SIZE]
        if digest == hashlib.md5(before[position:end], usedforsecurity=False).digest():
            made[end : end + DIGEST_SIZE] = hashlib.md5(made[position:end], usedforsecurity=False).digest()
            position = end
        position = before.find(START, position + 1)
    return bytes(made)


def placeholder(secret: str, key: bytes) -> str:
    """What stands for a secret: of the same length in UTF-8, letters and digits of the same alphabet, other ASCII
    characters where they were. Says nothing about the secret to who does not know the key."""
    plain = [c for c in secret if c.isascii() and c.isalnum()]
    fitting = (a for a in _ALPHABETS if all(c in a for c in plain))
    alphabet = next(fitting) if len(plain) >= SHORTEST else "*"
    stream = iter(hashlib.shake_256(key + b"\0" + secret.encode("utf-8", "surrogatepass")).digest(len(secret) * 2))
    return "".join(_stand_in(c, alphabet, int.from_bytes(bytes((next(stream), next(stream))))) for c in secret)


def _stand_in(character: str, alphabet: str, number: int) -> str:
    if character.isascii():
        kept = alphabet != "*" and not character.isalnum()
        return character if kept else alphabet[number % len(alphabet)]
    return _WIDE.get(len(character.encode("utf-8", "surrogatepass")), "*")


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
