"""Mutants of signatures in headers and URLs."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.sigv4 import URL_FIELDS
from simulators.cloud_storage.authentication import Authenticator, Identity
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


class _NameOnly(Authenticator):
    def identify(self, request: RawRequest, now: float) -> Identity:
        try:
            return super().identify(request, now)
        except Fault as fault:
            if fault.code != "SignatureDoesNotMatch" or request.header("authorization") is None:
                raise
            found = sigv4.parse_authorization(request.header("authorization") or "")
            return Identity(found.access_key, request.header("x-amz-content-sha256") or "")


@mutant(violates="CS-030")
class AKeyIdIsEnough(CloudStorage):
    """The signature in a header is not compared."""

    zh = "不比较首部中的签名。"
    authenticator_class = _NameOnly


class _WrongCode(Authenticator):
    def secret(self, access_key: str) -> str:
        try:
            return super().secret(access_key)
        except Fault:
            raise Fault("SignatureDoesNotMatch") from None


@mutant(violates="CS-031")
class UnknownKeysDoNotMatch(CloudStorage):
    """An unknown access key is told to have a wrong signature."""

    zh = "未知的访问密钥被应答为签名不符。"
    authenticator_class = _WrongCode


@mutant(violates="CS-032")
class AnybodyMayRead(CloudStorage):
    """Reading needs no signature."""

    zh = "读取不需要签名。"

    async def answer(self, asked: Asked) -> Reply:
        if asked.method in ("GET", "HEAD") and asked.bucket and asked.header("authorization") is None:
            owner = self.disk.owner(asked.bucket)
            if owner is not None and not any(name in asked.query for name in URL_FIELDS):
                return await self.operation(asked)(asked)
        return await super().answer(asked)


class _AnyTime(Authenticator):
    def check_skew(self, told: float, now: float) -> None:
        """No bound."""


@mutant(violates="CS-033")
class AnyTimeIsGood(CloudStorage):
    """The time of a request is not looked at."""

    zh = "不检查请求时间。"
    authenticator_class = _AnyTime


class _HeadersUnsigned(Authenticator):
    def check_signed_headers(self, request: RawRequest, signed: tuple[str, ...]) -> None:
        """Whatever."""


@mutant(violates="CS-034")
class UnsignedHeadersCount(CloudStorage):
    """x-amz headers that were not signed are taken."""

    zh = "接受未签名的 x-amz 首部。"
    authenticator_class = _HeadersUnsigned


class _BreaksOnNonsense(Authenticator):
    def by_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
        try:
            return super().by_header(request, authorization, now)
        except Fault as fault:
            if fault.code == "AuthorizationHeaderMalformed":
                raise Fault("InternalError") from None
            raise


@mutant(violates="CS-035")
class NonsenseIsAnInternalError(CloudStorage):
    """A malformed Authorization header is answered 500."""

    zh = "畸形的 Authorization 以 500 应答。"
    authenticator_class = _BreaksOnNonsense


class _NoUrls(Authenticator):
    def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        return Identity()


@mutant(violates="CS-040")
class SignedUrlsAreAnonymous(CloudStorage):
    """A signature in the URL is not read."""

    zh = "不识别地址中的签名。"
    authenticator_class = _NoUrls


class _Immortal(Authenticator):
    def check_expiry(self, until: float, now: float) -> None:
        """Never."""


@mutant(violates="CS-041")
class UrlsNeverDie(CloudStorage):
    """The life of a URL is not looked at."""

    zh = "不检查地址的有效期。"
    authenticator_class = _Immortal


class _Unsigned(Authenticator):
    def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        try:
            return super().by_url(request, asked, now)
        except Fault as fault:
            if fault.code != "SignatureDoesNotMatch" or not self.forgives(request, asked):
                raise
            return Identity(asked["X-Amz-Credential"].partition("/")[0])

    def forgives(self, request: RawRequest, asked: Mapping[str, str]) -> bool:
        return request.method == "GET"


@mutant(violates="CS-042")
class UrlSignaturesAreNotCompared(CloudStorage):
    """Any signature will do in a URL."""

    zh = "不比较地址中的签名。"
    authenticator_class = _Unsigned


class _OtherMethods(Authenticator):
    def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        try:
            return super().by_url(request, asked, now)
        except Fault as fault:
            if fault.code != "SignatureDoesNotMatch":
                raise
            signed = RawRequest("GET", request.target, request.headers)
            return super().by_url(signed, asked, now)


@mutant(violates="CS-043")
class UrlsServeEveryMethod(CloudStorage):
    """A URL that was signed for GET serves PUT and DELETE."""

    zh = "为 GET 签发的地址可用于 PUT 与 DELETE。"
    authenticator_class = _OtherMethods


class _NoExpiryNeeded(Authenticator):
    def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        if "X-Amz-Expires" not in asked and "X-Amz-Credential" in asked:
            return Identity(asked["X-Amz-Credential"].partition("/")[0])
        return super().by_url(request, asked, now)


@mutant(violates="CS-044")
class UrlsWithoutExpiryLiveForever(CloudStorage):
    """A URL without X-Amz-Expires is good."""

    zh = "缺少 X-Amz-Expires 的地址有效。"
    authenticator_class = _NoExpiryNeeded


@mutant(violates="CS-045")
class LateUploadsAreTaken(CloudStorage):
    """An expired URL still serves PUT."""

    zh = "过期的地址仍可写入。"

    class _LatePuts(Authenticator):
        putting = False

        def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
            self.putting = request.method == "PUT"
            return super().by_url(request, asked, now)

        def check_expiry(self, until: float, now: float) -> None:
            if not self.putting:
                super().check_expiry(until, now)

    authenticator_class = _LatePuts
