"""Mutants of Signature Version 2."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.protocols.raw_request import RawRequest
from simulators.cloud_storage.authentication import Authenticator, Identity
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-036", declaration="oos6")
class Version2IsGone(CloudStorage):
    """Only Version 4 is taken in headers."""

    zh = "首部中仅接受 V4 签名。"

    class _Modern(Authenticator):
        def by_v2_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
            raise Fault("InvalidArgument", "Signature version v2 is not supported")

    authenticator_class = _Modern


@mutant(violates="CS-036", declaration="oos6")
class AmzDateIsNoDate(CloudStorage):
    """With Version 2 only Date is read."""

    zh = "V2 签名仅识别 Date 首部。"

    class _Dated(Authenticator):
        def by_v2_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
            if request.header("date") is None:
                raise Fault("AccessDenied", "The request has no valid date")
            return super().by_v2_header(request, authorization, now)

    authenticator_class = _Dated


@mutant(violates="CS-036a")
class Version2IsAKeyId(CloudStorage):
    """Whoever names an access key the old way is its owner."""

    zh = "V2 签名只看访问密钥，不核对签名。"

    class _Naive(Authenticator):
        def by_v2_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
            try:
                return super().by_v2_header(request, authorization, now)
            except Fault as fault:
                if fault.code != "SignatureDoesNotMatch":
                    raise
                return Identity(authorization[4:].partition(":")[0])

    authenticator_class = _Naive


@mutant(violates="CS-048", declaration="oos6")
class Version2UrlsAreGone(CloudStorage):
    """URLs of Version 2 are refused."""

    zh = "不接受 V2 预签名地址。"

    class _Modern(Authenticator):
        def by_v2_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
            raise Fault("InvalidArgument", "Signature version v2 is not supported")

    authenticator_class = _Modern


@mutant(violates="CS-048a")
class OldUrlsNeverDie(CloudStorage):
    """Expires of Version 2 is not looked at."""

    zh = "不检查 V2 地址的 Expires。"

    class _Immortal(Authenticator):
        def by_v2_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
            return super().by_v2_url(request, asked, 0.0)

    authenticator_class = _Immortal


@mutant(violates="CS-048a", declaration="aws")
class UnknownVersionsAreTrusted(CloudStorage):
    """A dialect without Version 2 takes its URLs unchecked."""

    zh = "不支持 V2 的方言未经核对即接受其地址。"

    class _Trusting(Authenticator):
        def by_v2_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
            return Identity(asked.get("AWSAccessKeyId", ""))

    authenticator_class = _Trusting
