"""Changed requests: what has to be refused differs from what was signed, what means nothing does not."""

from __future__ import annotations

import re

import pytest

from conformance.peers.storage.tampering import neutral, other, signed_headers, tampered
from conformance.protocols import sigv2, sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials

OWNER = Credentials("KEY1", "secret")
REQUEST = RawRequest(
    "PUT",
    "/bucket/clip?partNumber=1&uploadId=abc",
    (("Host", "h:1"), ("Content-Type", "video/mp4"), ("x-amz-meta-a", "10"), ("Content-Length", "3")),
    b"new",
)
V4 = sigv4.sign(REQUEST, OWNER, region="cn", at=0)
V4_URL = sigv4.presign(REQUEST.without_header("content-length"), OWNER, region="cn", at=0, expires=60)
V2 = sigv2.sign(REQUEST, OWNER, at=0)
V2_URL = sigv2.presign(REQUEST, OWNER, expires_at=60)


def v4_verdict(request: RawRequest) -> str:
    """The signature that a header request ought to have, and the one that it has."""
    told = sigv4.parse_authorization(request.header("Authorization") or "")
    canonical = sigv4.canonical_request(request, told.signed_headers, request.header("x-amz-content-sha256") or "")
    text = sigv4.string_to_sign(request.header("x-amz-date") or "", told.scope, canonical)
    key = sigv4.signing_key("secret", told.date, told.region, told.service)
    return "good" if sigv4.signature(key, text) == told.signature and told.access_key == "KEY1" else "bad"


def v2_verdict(request: RawRequest) -> str:
    expected = f"AWS KEY1:{sigv2.signature('secret', sigv2.string_to_sign(request, request.header('date') or ''))}"
    return "good" if request.header("Authorization") == expected else "bad"


def test_every_change_of_a_version_4_header_breaks_the_signature_or_its_form() -> None:
    seen = 0
    for changed in tampered(V4, "KEY2"):
        seen += 1
        try:
            verdict = v4_verdict(changed.request)
        except ValueError:
            continue
        unsigned = changed.about == "an x-amz header more"
        assert verdict == ("good" if unsigned else "bad"), changed.about
    assert seen == 44


def test_every_change_of_a_version_2_header_breaks_the_signature() -> None:
    verdicts = {changed.about: v2_verdict(changed.request) for changed in tampered(V2, "KEY2")}
    assert set(verdicts.values()) == {"bad"}
    assert len(verdicts) == 27


@pytest.mark.parametrize(("request_", "verdict"), [(V4, v4_verdict), (V2, v2_verdict)])
def test_neutral_changes_keep_the_signature(request_: RawRequest, verdict: object) -> None:
    assert callable(verdict)
    changes = list(neutral(request_))
    assert [changed.about for changed in changes] == [
        "headers in another order",
        "names of headers in another case",
        "blanks around values",
        "unsigned headers more",
        "the query in another order",
    ]
    for changed in changes:
        headers = tuple((name, value.strip()) for name, value in changed.request.headers)
        assert changed.request != request_
        assert verdict(RawRequest(request_.method, changed.request.target, headers, b"new")) == "good"


@pytest.mark.parametrize(
    ("url", "fields"),
    [(V4_URL, ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")), (V2_URL, ())],
)
def test_every_field_of_a_url_is_touched(url: RawRequest, fields: tuple[str, ...]) -> None:
    about = [changed.about for changed in tampered(url, "KEY2")]
    wanted = [f"X-Amz-{field}" for field in fields] or ["AWSAccessKeyId", "Expires", "Signature"]
    for field in wanted:
        assert {f"{field} dropped", f"{field} altered", f"{field} empty"} <= set(about)
    assert "another access key" in about
    assert ("X-Amz-Expires twice, a false one behind" in about) == bool(fields)


def test_changed_urls_are_other_urls() -> None:
    for url in (V4_URL, V2_URL):
        assert all(changed.request != url for changed in tampered(url, "KEY2"))


def test_what_is_signed() -> None:
    assert signed_headers(V4) == {
        "content-length",
        "content-type",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-meta-a",
    }
    assert signed_headers(V4_URL) == {"content-type", "host", "x-amz-meta-a"}
    assert signed_headers(V2) == {"content-type", "date", "x-amz-meta-a"}


@pytest.mark.parametrize(("text", "expected"), [("abc", "ab0"), ("10", "11"), ("a-", "0-"), ("", "0"), ("=", "=0")])
def test_another_text_of_the_same_kind(text: str, expected: str) -> None:
    assert other(text) == expected
    assert re.sub(r"\w", "", other(text)) == re.sub(r"\w", "", text)
