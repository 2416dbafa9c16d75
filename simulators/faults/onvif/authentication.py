"""Faults of who may ask: tokens, digests, access classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.protocols.ws_security import DIGEST, UsernameToken, password_digest
from conformance.protocols.xml_names import Node
from simulators.camera.camera import Camera
from simulators.camera.onvif.accounts import Accounts, Unauthorized
from simulators.camera.onvif.http_digest import HttpDigest
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.state import User
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant
from specs.onvif_operations import OnvifOperation


@mutant(violates="ONV-AUT-01")
class AnybodyNamesTheHost(Camera):
    """SetHostname is carried out without a login."""

    zh = "SetHostname 无需登录即可执行。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if operation.name != "SetHostname":
                super().permit(operation, user)


class _AnyPassword(Accounts):
    def proven(self, token: UsernameToken, user: User) -> bool:
        return True


@mutant(violates="ONV-AUT-02")
class AnyPasswordWillDo(Camera):
    """A token is taken for the user that it names, whatever its digest."""

    zh = "令牌只核对用户名，不核对摘要。"
    onvif_class = face_with(accounts=_AnyPassword)


@mutant(violates="ONV-AUT-03")
class TimeNeedsALogin(Camera):
    """GetHostname, which everybody may ask, needs a login."""

    zh = "PRE_AUTH 类的 GetHostname 要求登录。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if user is None and operation.name == "GetHostname":
                raise Unauthorized
            super().permit(operation, user)


class _MissingIsEmpty(Accounts):
    def proven(self, token: UsernameToken, user: User) -> bool:
        return token.password == password_digest(token.nonce or b"", token.created or "", user.password)

    def see(self, nonce: bytes, created: str) -> None:
        if nonce and created:
            super().see(nonce, created)


@mutant(violates="ONV-AUT-04")
class TokenForEver(Camera):
    """A missing Nonce or Created counts as an empty one, and such a token is good for ever."""

    zh = "缺少的 Nonce 或 Created 当作空串，令牌永久有效。"
    onvif_class = face_with(accounts=_MissingIsEmpty)


class _AnyType(Accounts):
    def token(self, block: Node) -> UsernameToken:
        return replace(super().token(block), kind=DIGEST)


@mutant(violates="ONV-AUT-05")
class PasswordTypeIgnored(Camera):
    """The Type of the Password is not looked at."""

    zh = "不检查 Password 的 Type。"
    onvif_class = face_with(accounts=_AnyType)


class _ForgetfulAccounts(Accounts):
    def used(self, nonce: bytes) -> bool:
        return False


@mutant(violates="ONV-AUT-06")
class NonceTakenTwice(Camera):
    """A nonce that was used is taken again."""

    zh = "用过的 Nonce 仍被接受。"
    onvif_class = face_with(accounts=_ForgetfulAccounts)


class _TimelessAccounts(Accounts):
    def fresh(self, at: float, now: float) -> bool:
        return True


@mutant(violates="ONV-AUT-07")
class StaleTokenTaken(Camera):
    """The Created of a token is not compared with the clock."""

    zh = "不将令牌的 Created 与时钟比较。"
    onvif_class = face_with(accounts=_TimelessAccounts)


class _NoChallenge(HttpDigest):
    def challenges(self) -> list[str]:
        super().challenges()
        return []


@mutant(violates="ONV-AUT-08")
class BareHttpRefusal(Camera):
    """HTTP digest is announced, but a 401 carries no challenge."""

    zh = "声明支持 HTTP 摘要认证，401 却不带质询。"
    onvif_class = face_with(digest=_NoChallenge)


class _AnyUri(HttpDigest):
    def user(self, header: str, method: str, target: str, passwords: Mapping[str, str]) -> str | None:
        before, found, rest = header.partition(', uri="')
        rest = rest.partition('"')[2]
        return super().user(f'{before}{found}{target}"{rest}', method, target, passwords)


@mutant(violates="ONV-AUT-09")
class UriOfDigestIgnored(Camera):
    """The uri of a digest answer is not compared with the target of the request."""

    zh = "不核对摘要应答中的 uri 与请求目标。"
    onvif_class = face_with(digest=_AnyUri)


class _OneChallenge(HttpDigest):
    def challenges(self) -> list[str]:
        return [told for told in super().challenges() if told.endswith("MD5")]


@mutant(violates="ONV-AUT-10")
class AlgorithmOnlyAnnounced(Camera):
    """SHA-256 is announced in the capabilities, but no challenge of it is ever given."""

    zh = "能力中声明 SHA-256，却从不给出该算法的质询。"
    onvif_class = face_with(digest=_OneChallenge)
