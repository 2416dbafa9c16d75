"""Whether a request to the bench's storage is signed, and by whom."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from conformance.protocols import sigv4
from conformance.protocols.http_message import HttpRequest
from conformance.protocols.raw_request import RawRequest


def signed_by(request: HttpRequest, accounts: Mapping[str, str]) -> str | None:
    """The access key whose secret signed the request (Signature Version 4, in a header), or None."""
    signed = RawRequest(request.method, request.target, request.headers.items, request.body)
    try:
        found = sigv4.parse_authorization(signed.header("Authorization") or "")
    except ValueError:
        return None
    secret = accounts.get(found.access_key)
    if secret is None:
        return None
    digest, date = signed.header("x-amz-content-sha256") or sigv4.UNSIGNED, signed.header("x-amz-date") or ""
    canonical = sigv4.canonical_request(signed, found.signed_headers, digest)
    key = sigv4.signing_key(secret, found.date, found.region, found.service)
    expected = sigv4.signature(key, sigv4.string_to_sign(date, found.scope, canonical))
    return found.access_key if hmac.compare_digest(expected, found.signature) else None
