"""HTTP digest authentication of the ONVIF face (RFC 7616): MD5 and SHA-256, qop auth, every nonce count once."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping

ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
NONCES = 512
_COUNT = re.compile(r"[0-9a-fA-F]{8}\Z")


class HttpDigest:
    """Challenges and what was answered to them."""

    algorithms: tuple[str, ...] = ("MD5", "SHA-256")

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self._counts: OrderedDict[str, set[str]] = OrderedDict()

    def challenges(self) -> list[str]:
        """Values of WWW-Authenticate, one an algorithm, with a nonce that was not given before."""
        nonce = secrets.token_hex(16)
        self._counts[nonce] = set()
        while len(self._counts) > NONCES:
            self._counts.popitem(last=False)
        told = f'realm="{self.realm}", qop="auth", nonce="{nonce}"'
        return [f"Digest {told}, algorithm={name}" for name in self.algorithms]

    def user(self, header: str, method: str, target: str, passwords: Mapping[str, str]) -> str | None:
        """Who has answered a challenge right; None for nobody. ``passwords`` by user name."""
        scheme, _, rest = header.partition(" ")
        fields = {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(rest)}
        password = passwords.get(fields.get("username", ""))
        algorithm = fields.get("algorithm", "MD5").upper()
        fitting = (
            scheme.lower() == "digest"
            and password is not None
            and algorithm in self.algorithms
            and fields.get("realm") == self.realm
            and fields.get("uri") == target
            and fields.get("qop") == "auth"
            and self._first_time(fields)
        )
        if not fitting or password is None:
            return None
        wanted = self._response(fields, ALGORITHMS[algorithm], method, password)
        return fields["username"] if hmac.compare_digest(wanted, fields.get("response", "")) else None

    def _first_time(self, fields: Mapping[str, str]) -> bool:
        used = self._counts.get(fields.get("nonce", ""))
        count = fields.get("nc", "").lower()
        if used is None or not _COUNT.match(count) or count in used or not fields.get("cnonce"):
            return False
        used.add(count)
        return True

    def _response(self, fields: Mapping[str, str], name: str, method: str, password: str) -> str:
        def digest(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        secret = digest(f"{fields['username']}:{self.realm}:{password}")
        what = digest(f"{method}:{fields['uri']}")
        return digest(f"{secret}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{what}")
