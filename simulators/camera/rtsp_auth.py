"""Digest and basic authentication of the RTSP server (RFC 2617), for use without platform tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from simulators.camera.rtsp_request import Request

_FIELD = re.compile(r'([a-zA-Z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class Authenticator:
    """Checks Authorization headers. scheme: ``digest`` or ``basic``."""

    def __init__(
        self, scheme: str, user: str, password: str, realm: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.scheme, self.user, self.realm = scheme, user, realm
        self.nonce_life = 300.0
        self._password = password
        self._clock = clock
        self._nonces: dict[str, float] = {}

    def challenge(self, request: Request) -> str:
        """The WWW-Authenticate value of a 401 answer."""
        if self.scheme == "basic":
            return f'Basic realm="{self.realm}"'
        stale = ", stale=true" if self._expired(request) else ""
        nonce = secrets.token_hex(16)
        now = self._clock()
        self._nonces = {old: born for old, born in self._nonces.items() if now - born < self.nonce_life}
        while len(self._nonces) >= 256:
            del self._nonces[next(iter(self._nonces))]
        self._nonces[nonce] = now
        return f'Digest realm="{self.realm}", nonce="{nonce}"{stale}'

    def accepts(self, request: Request) -> bool:
        """Whether the request carries the right credentials."""
        scheme, _, rest = request.header("authorization").partition(" ")
        if scheme.lower() != self.scheme:
            return False
        return self._basic(rest) if self.scheme == "basic" else self._digest(request, rest)

    def _basic(self, text: str) -> bool:
        wanted = base64.b64encode(f"{self.user}:{self._password}".encode()).decode()
        return hmac.compare_digest(text.strip().encode(), wanted.encode())

    def _digest(self, request: Request, text: str) -> bool:
        fields = _fields(text)
        nonce = fields.get("nonce", "")
        born = self._nonces.get(nonce)
        if born is None or self._clock() - born >= self.nonce_life:
            return False
        if fields.get("username") != self.user or fields.get("realm") != self.realm:
            return False
        if fields.get("uri") != request.url:
            return False
        secret = _md5(f"{self.user}:{self.realm}:{self._password}")
        wanted = _md5(f"{secret}:{nonce}:{_md5(f'{request.method}:{request.url}')}")
        return hmac.compare_digest(fields.get("response", "").lower().encode(), wanted.encode())

    def _expired(self, request: Request) -> bool:
        nonce = _fields(request.header("authorization")).get("nonce", "")
        born = self._nonces.get(nonce)
        return born is not None and self._clock() - born >= self.nonce_life


def _fields(text: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(text)}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
