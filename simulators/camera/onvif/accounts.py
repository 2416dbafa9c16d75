"""Who asks: by UsernameToken (WS-Security) or HTTP digest; users and levels are those of ONVIF Core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.protocols.http_message import HttpRequest
from conformance.protocols.soap import Envelope
from conformance.protocols.violation import CodecError
from conformance.protocols.ws_security import DIGEST, SECURITY, UsernameToken, epoch_of, proves, read_token
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.http_digest import HttpDigest
from simulators.camera.onvif.service import SENDER, OnvifFault
from simulators.camera.onvif.state import User

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

#: Seconds by which the Created of a token may lie beside the camera's clock, and for which its nonce is remembered.
WINDOW = 300.0
NOT_AUTHORIZED = (SENDER, "ter:NotAuthorized")


class Unauthorized(Exception):
    """Nobody has logged in where somebody has to: a challenge is due."""


class Accounts:
    """The users of the camera and what they have used."""

    digest_class: type[HttpDigest] = HttpDigest

    def __init__(self, camera: Camera, realm: str, clock: Callable[[], float]) -> None:
        self.camera, self.clock = camera, clock
        self.digest = self.digest_class(realm)
        self._nonces: dict[bytes, float] = {}

    @property
    def users(self) -> list[User]:
        """Everyone who may log in."""
        return self.camera.settings.onvif.users

    def find(self, name: str) -> User | None:
        """The user of that name."""
        return next((user for user in self.users if user.name == name), None)

    def caller(self, request: HttpRequest, envelope: Envelope | None) -> User | None:
        """Who sends the request; None for nobody. Raises OnvifFault for a login that does not hold."""
        authorization = request.headers.get("Authorization")
        if authorization:
            return self.by_digest(request, authorization)
        block = envelope.headed(SECURITY) if envelope is not None else None
        if block is None:
            return None
        try:
            token = self.token(block)
        except CodecError as error:
            raise OnvifFault(*NOT_AUTHORIZED, reason=error.explain) from None
        user = self.find(token.username)
        if user is None or not self.takes(token.kind) or not self.proven(token, user):
            raise OnvifFault(*NOT_AUTHORIZED, reason="The user or the password is wrong")
        self.see(token.nonce or b"", token.created or "")
        return user

    def token(self, block: Node) -> UsernameToken:
        """The token of a Security block. Raises CodecError."""
        return read_token(block)

    def proven(self, token: UsernameToken, user: User) -> bool:
        """Whether a token was made with the user's password."""
        return proves(token, user.password)

    def by_digest(self, request: HttpRequest, authorization: str) -> User | None:
        """The user of an Authorization header. Raises Unauthorized for one that does not hold."""
        passwords = {user.name: user.password for user in self.users}
        name = self.digest.user(authorization, request.method, request.target, passwords)
        if name is None:
            raise Unauthorized
        return self.find(name)

    def takes(self, kind: str) -> bool:
        """Whether a token's way to show its password is taken: only as a digest."""
        return kind == DIGEST

    def see(self, nonce: bytes, created: str) -> None:
        """A token is good once, and for a short time. Raises OnvifFault."""
        at, now = epoch_of(created), self.clock()
        if at is None or not self.fresh(at, now):
            raise OnvifFault(*NOT_AUTHORIZED, reason="The token is too old or of the future")
        for used in [n for n, since in self._nonces.items() if since < now - 2 * WINDOW]:
            del self._nonces[used]
        if self.used(nonce):
            raise OnvifFault(*NOT_AUTHORIZED, reason="The nonce was used before")
        self._nonces[nonce] = at

    def fresh(self, at: float, now: float) -> bool:
        """Whether a token made at this time may still be used."""
        return abs(at - now) <= WINDOW

    def used(self, nonce: bytes) -> bool:
        """Whether a nonce was seen before."""
        return nonce in self._nonces
