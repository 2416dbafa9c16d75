"""Mutants of temporary keys, and of requests with two signatures."""

from __future__ import annotations

from conformance.protocols.raw_request import RawRequest
from conformance.protocols.sigv4 import URL_FIELDS
from simulators.cloud_storage.authentication import Authenticator, Identity
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage
from simulators.cloud_storage.tokens import Session, Tokens
from simulators.faults.registry import mutant


@mutant(violates="CS-037")
class ExpiredTokensAreInvalid(CloudStorage):
    """An expired token is told to be no token at all."""

    zh = "过期的令牌被应答为无效令牌。"

    class _Curt(Tokens):
        def check_time(self, session: Session, now: float) -> None:
            try:
                super().check_time(session, now)
            except Fault:
                raise Fault("InvalidToken") from None

    tokens_class = _Curt


@mutant(violates="CS-037a")
class AnyTokenWillDo(CloudStorage):
    """A temporary key is good with any token."""

    zh = "临时密钥携带任何令牌均被接受。"

    class _Blind(Tokens):
        def check_token(self, session: Session, told: str) -> None:
            """Whatever."""

    tokens_class = _Blind


@mutant(violates="CS-037a")
class TemporaryKeysLastForEver(CloudStorage):
    """The time of a token is not looked at."""

    zh = "不检查临时密钥的有效期。"

    class _Eternal(Tokens):
        def check_time(self, session: Session, now: float) -> None:
            """Never over."""

    tokens_class = _Eternal


@mutant(violates="CS-037a")
class ATokenIsOptional(CloudStorage):
    """A temporary key is good without its token."""

    zh = "临时密钥不带令牌也被接受。"

    class _Lenient(Tokens):
        def check(self, access_key: str, told: str | None, now: float) -> None:
            if told is not None:
                super().check(access_key, told, now)

    tokens_class = _Lenient


@mutant(violates="CS-049")
class TheFutureIsNow(CloudStorage):
    """The date of a URL may lie ahead."""

    zh = "接受签发时间在未来的地址。"

    class _Early(Authenticator):
        def identify(self, request: RawRequest, now: float) -> Identity:
            try:
                return super().identify(request, now)
            except Fault as fault:
                if fault.message != "The request is not valid yet":
                    raise
                return super().identify(request, now + 3600)

    authenticator_class = _Early


@mutant(violates="CS-049")
class TheUrlCountsBesideAHeader(CloudStorage):
    """With two signatures it is that of the URL that counts."""

    zh = "地址与首部同时带签名时以地址为准。"

    class _Url(Authenticator):
        def identify(self, request: RawRequest, now: float) -> Identity:
            if any(name in URL_FIELDS for name, _ in request.query_pairs):
                return super().identify(request.without_header("authorization"), now)
            return super().identify(request, now)

    authenticator_class = _Url


@mutant(violates="CS-049a")
class EitherSignatureWillDo(CloudStorage):
    """Where the header does not hold, the URL may."""

    zh = "首部签名无效时转而核对地址中的签名。"

    class _Either(Authenticator):
        def identify(self, request: RawRequest, now: float) -> Identity:
            try:
                return super().identify(request, now)
            except Fault:
                if not any(name in URL_FIELDS for name, _ in request.query_pairs):
                    raise
                kept = tuple(pair for pair in request.headers if not pair[0].lower().startswith("x-amz-"))
                bare = RawRequest(request.method, request.target, kept).without_header("authorization")
                return super().identify(bare, now)

    authenticator_class = _Either
