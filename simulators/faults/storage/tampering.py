"""Mutants that take requests changed on their way, or refuse changes that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from simulators.cloud_storage.authentication import Authenticator, Identity
from simulators.cloud_storage.exchange import Asked
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-014a")
class ChecksumHeadersAreIgnored(CloudStorage):
    """x-amz-checksum headers are not compared with the body."""

    zh = "不核对 x-amz-checksum 首部。"

    class _Careless(Asked):
        def check_checksum(self, algorithm: str, digest: bytes, trailers: dict[str, str]) -> None:
            """Whatever."""

    asked_class = _Careless


@mutant(violates="CS-034a")
class UnsignedHeadersAreRefused(CloudStorage):
    """A header that is not signed spoils the request, whatever it is."""

    zh = "任何未签名的首部都使请求被拒绝。"

    class _Strict(Authenticator):
        def check_signed_headers(self, request: RawRequest, signed: tuple[str, ...]) -> None:
            super().check_signed_headers(request, signed)
            if any(name.lower() not in (*signed, "authorization", "content-length") for name, _ in request.headers):
                raise Fault("AccessDenied")

    authenticator_class = _Strict


@mutant(violates="CS-034a")
class TheQueryIsSignedAsItCame(CloudStorage):
    """The query is not sorted before it is signed."""

    zh = "计算签名时不对查询参数排序。"

    class _Unsorted(Authenticator):
        def signature(
            self, request: RawRequest, found: sigv4.Authorization, secret: str, date: str, payload: str
        ) -> str:
            if list(request.query_pairs) != sorted(request.query_pairs):
                return ""
            return super().signature(request, found, secret, date, payload)

    authenticator_class = _Unsorted


@mutant(violates="CS-034b")
class TheQueryOfAReadIsNotSigned(CloudStorage):
    """The parameters of a GET may be changed after signing."""

    zh = "签名之后仍可改变 GET 的查询参数。"

    class _Pathwise(Authenticator):
        def by_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
            try:
                return super().by_header(request, authorization, now)
            except Fault as fault:
                if fault.code != "SignatureDoesNotMatch" or "response-" not in request.target:
                    raise
                found = sigv4.parse_authorization(authorization)
                return Identity(found.access_key, request.header("x-amz-content-sha256") or "")

    authenticator_class = _Pathwise


@mutant(violates="CS-034b")
class DeletesNeedTheRightKeyOnly(CloudStorage):
    """The signature of a DELETE is not compared where the path is that of an object."""

    zh = "不比较删除对象请求的签名。"

    class _Deleting(Authenticator):
        def signature(
            self, request: RawRequest, found: sigv4.Authorization, secret: str, date: str, payload: str
        ) -> str:
            if request.method == "DELETE" and request.path.count("/") > 1:
                return found.signature
            return super().signature(request, found, secret, date, payload)

    authenticator_class = _Deleting


@mutant(violates="CS-034c")
class DigestsAreNotCompared(CloudStorage):
    """The signature of a body's digest is checked and the body is not."""

    zh = "只核对摘要的签名，不核对正文。"

    class _Unread(Asked):
        def check(self, told: bytes | None, md5: bytes, sha256: str) -> None:
            """Whatever."""

    asked_class = _Unread


@mutant(violates="CS-042a")
class ASecondExpiryCounts(CloudStorage):
    """The first X-Amz-Expires is checked by the signature and the last one by the clock."""

    zh = "签名核对第一个 X-Amz-Expires，有效期却取最后一个。"

    class _TwoMinds(Authenticator):
        longer = 0

        def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
            pairs = request.query_pairs
            told = [value for name, value in pairs if name == "X-Amz-Expires"]
            if len(told) < 2 or not all(value.isdecimal() for value in told):
                self.longer = 0
                return super().by_url(request, asked, now)
            self.longer = int(told[-1]) - int(told[0])
            kept = [pair for pair in pairs if pair[0] != "X-Amz-Expires"] + [("X-Amz-Expires", told[0])]
            query = "&".join(f"{name}={value}" for name, value in kept)
            signed = replace(request, target=f"{request.path}?{query}")
            return super().by_url(signed, {**asked, "X-Amz-Expires": told[0]}, now)

        def check_expiry(self, until: float, now: float) -> None:
            super().check_expiry(until + self.longer, now)

    authenticator_class = _TwoMinds


@mutant(violates="CS-042a")
class UrlHeadersNeedNotBeSigned(CloudStorage):
    """Who has a URL for a PUT may add metadata of his own."""

    zh = "持有 PUT 地址者可附加自己的元数据。"

    class _Adding(Authenticator):
        def check_signed_headers(self, request: RawRequest, signed: tuple[str, ...]) -> None:
            if request.header("authorization") is not None:
                super().check_signed_headers(request, signed)

    authenticator_class = _Adding
