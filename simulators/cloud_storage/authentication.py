"""Who sent a request: Signature Version 4 and 2, in headers and in URLs."""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from conformance.protocols import sigv2, sigv4
from conformance.protocols.raw_request import RawRequest
from simulators.cloud_storage.addressing import bucket_in_host, domains_of
from simulators.cloud_storage.chunked_body import KINDS, SIGNED, ChunkSigning
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.tokens import Tokens
from specs.dialects import Dialect

SKEW = 15 * 60
LONGEST_EXPIRY = 7 * 24 * 3600
_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
V2_FIELDS = ("AWSAccessKeyId", "Expires", "Signature")


@dataclass(frozen=True, slots=True)
class Identity:
    """``account``: access key of the tenant, empty for nobody; ``payload``: what x-amz-content-sha256 says, empty for
    nothing; ``chunks``: how the chunks of the body have to be signed."""

    account: str = ""
    payload: str = ""
    chunks: ChunkSigning | None = None


class Authenticator:
    """``secrets``: secret by access key; ``now``: Unix seconds."""

    def __init__(self, secrets: Mapping[str, str], dialect: Dialect, region: str, tokens: Tokens | None = None) -> None:
        self.secrets, self.dialect, self.region = secrets, dialect, region
        self.tokens = tokens or Tokens({})
        self.domains = domains_of(region)

    def identify(self, request: RawRequest, now: float) -> Identity:
        """Who signed it. Raises Fault for a signature that does not hold; nobody for none."""
        asked = {name: unquote(value) for name, value in request.query_pairs}
        authorization = request.header("authorization")
        in_url = any(name in asked for name in (*sigv4.URL_FIELDS, *V2_FIELDS))
        if authorization is not None and in_url and self.dialect.both_signatures == "refuse":
            raise Fault("InvalidArgument", "Only one way of signing is allowed")
        if authorization is not None:
            return self.by_header(request, authorization, now)
        if any(name in asked for name in sigv4.URL_FIELDS):
            return self.by_url(request, asked, now)
        if any(name in asked for name in V2_FIELDS):
            return self.by_v2_url(request, asked, now)
        return Identity()

    def by_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
        """An Authorization header."""
        if authorization.startswith("AWS "):
            return self.by_v2_header(request, authorization, now)
        try:
            found = sigv4.parse_authorization(authorization)
        except ValueError as error:
            raise Fault("AuthorizationHeaderMalformed", str(error)) from None
        self.allow("v4")
        secret = self.secret(found.access_key)
        self.tokens.check(found.access_key, request.header("x-amz-security-token"), now)
        if found.region != self.region or found.service != sigv4.SERVICE:
            raise Fault("AuthorizationHeaderMalformed", f"the region is wrong, expecting {self.region!r}")
        date = request.header("x-amz-date") or ""
        self.check_skew(self.moment(date), now)
        if date[:8] != found.date:
            raise Fault("SignatureDoesNotMatch", "The date of the scope is not that of the request")
        payload = request.header("x-amz-content-sha256")
        if payload is None:
            raise Fault("InvalidArgument", "x-amz-content-sha256 is missing")
        self.check_signed_headers(request, found.signed_headers)
        expected = self.signature(request, found, secret, date, payload)
        if not hmac.compare_digest(expected, found.signature):
            raise Fault("SignatureDoesNotMatch")
        return Identity(self.tokens.tenant(found.access_key), payload, self.chunks(found, secret, date, payload))

    def chunks(self, found: sigv4.Authorization, secret: str, date: str, payload: str) -> ChunkSigning | None:
        """How the chunks of the body are signed. Raises Fault for what x-amz-content-sha256 may not say."""
        if payload not in (*KINDS, sigv4.UNSIGNED) and not _SHA256.match(payload):
            raise Fault("InvalidArgument", "x-amz-content-sha256 is no digest and names no way of signing")
        if payload not in SIGNED:
            return None
        key = sigv4.signing_key(secret, found.date, found.region, found.service)
        return ChunkSigning(key, date, found.scope, found.signature)

    def signature(self, request: RawRequest, found: sigv4.Authorization, secret: str, date: str, payload: str) -> str:
        """What the signature ought to be."""
        canonical = sigv4.canonical_request(request, found.signed_headers, payload)
        key = sigv4.signing_key(secret, found.date, found.region, found.service)
        return sigv4.signature(key, sigv4.string_to_sign(date, found.scope, canonical))

    def check_signed_headers(self, request: RawRequest, signed: tuple[str, ...]) -> None:
        """Host and every x-amz- header have to be signed."""
        needed = {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")} | {"host"}
        if missing := needed - set(signed):
            raise Fault(
                "AccessDenied", f"There were headers present which were not signed: {', '.join(sorted(missing))}"
            )

    def by_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        """A presigned URL."""
        missing = [name for name in sigv4.URL_FIELDS if name not in asked]
        if missing or asked["X-Amz-Algorithm"] != sigv4.ALGORITHM:
            raise Fault(
                "AuthorizationQueryParametersError", f"missing or wrong: {', '.join(missing) or 'X-Amz-Algorithm'}"
            )
        self.allow("v4")
        try:
            access_key, day, region, service, end = asked["X-Amz-Credential"].rsplit("/", 4)
        except ValueError:
            raise Fault("AuthorizationQueryParametersError", "X-Amz-Credential is malformed") from None
        if (service, end) != (sigv4.SERVICE, "aws4_request"):
            raise Fault("AuthorizationQueryParametersError", "X-Amz-Credential is malformed")
        expires = asked["X-Amz-Expires"]
        if not _NUMBER.match(expires) or not 0 < int(expires) <= LONGEST_EXPIRY:
            raise Fault("AuthorizationQueryParametersError", "X-Amz-Expires lies outside 1..604800")
        secret, begun = self.secret(access_key), self.moment(asked["X-Amz-Date"])
        self.tokens.check(access_key, asked.get("X-Amz-Security-Token"), now)
        headers = tuple(asked["X-Amz-SignedHeaders"].split(";"))
        found = sigv4.Authorization(sigv4.ALGORITHM, access_key, day, region, service, headers, "")
        if region != self.region or asked["X-Amz-Date"][:8] != day:
            raise Fault("AuthorizationQueryParametersError", "The scope does not fit the request")
        self.check_signed_headers(request, headers)
        expected = self.signature(without_signature(request), found, secret, asked["X-Amz-Date"], sigv4.UNSIGNED)
        if not hmac.compare_digest(expected.encode(), asked["X-Amz-Signature"].encode()):
            raise Fault("SignatureDoesNotMatch")
        if begun - now > SKEW:
            raise Fault("AccessDenied", "The request is not valid yet")
        self.check_expiry(begun + int(expires), now)
        return Identity(self.tokens.tenant(access_key))

    def by_v2_header(self, request: RawRequest, authorization: str, now: float) -> Identity:
        """Signature Version 2."""
        access_key, sign, told = authorization[4:].strip().rpartition(":")
        if not sign:
            raise Fault("InvalidArgument", "The Authorization header is malformed")
        self.allow("v2")
        secret, date = self.secret(access_key), request.header("date") or ""
        self.check_skew(self.moment(request.header("x-amz-date") or date), now)
        self.tokens.check(access_key, request.header("x-amz-security-token"), now)
        signed_date = "" if request.header("x-amz-date") else date
        text = sigv2.string_to_sign(request, signed_date, bucket_in_host=bucket_in_host(request, self.domains))
        if not hmac.compare_digest(sigv2.signature(secret, text).encode(), told.encode()):
            raise Fault("SignatureDoesNotMatch")
        return Identity(self.tokens.tenant(access_key))

    def by_v2_url(self, request: RawRequest, asked: Mapping[str, str], now: float) -> Identity:
        """A presigned URL of Version 2."""
        if any(name not in asked for name in V2_FIELDS) or not _NUMBER.match(asked["Expires"]):
            raise Fault("AccessDenied", "A field of the signed URL is missing or malformed")
        self.allow("v2")
        access_key = asked["AWSAccessKeyId"]
        secret = self.secret(access_key)
        token = asked.get("x-amz-security-token") or request.header("x-amz-security-token")
        self.tokens.check(access_key, token, now)
        bucket = bucket_in_host(request, self.domains)
        expected = sigv2.signature(secret, sigv2.string_to_sign(request, asked["Expires"], bucket_in_host=bucket))
        if not hmac.compare_digest(expected.encode(), asked["Signature"].encode()):
            raise Fault("SignatureDoesNotMatch")
        self.check_expiry(int(asked["Expires"]), now)
        return Identity(self.tokens.tenant(access_key))

    def allow(self, version: str) -> None:
        """Whether the dialect takes that version."""
        if version not in self.dialect.signatures:
            raise Fault("InvalidArgument", f"Signature version {version} is not supported")

    def secret(self, access_key: str) -> str:
        """The secret of an account."""
        if access_key not in self.secrets:
            raise Fault("InvalidAccessKeyId")
        return self.secrets[access_key]

    def check_skew(self, told: float, now: float) -> None:
        """A request of long ago or of the future."""
        if abs(told - now) > SKEW:
            raise Fault("RequestTimeTooSkewed")

    def check_expiry(self, until: float, now: float) -> None:
        """A URL that has died."""
        if now >= until:
            raise Fault("AccessDenied", "Request has expired")

    def moment(self, text: str) -> float:
        """Unix seconds of x-amz-date or Date."""
        try:
            return dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
        except ValueError:
            pass
        try:
            return parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, IndexError):
            raise Fault("AccessDenied", "The request has no valid date") from None


def without_signature(request: RawRequest) -> RawRequest:
    """The URL as it was signed."""
    path, _, query = request.target.partition("?")
    kept = "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))
    return RawRequest(request.method, f"{path}?{kept}", request.headers)
