"""Signature Version 2 against the examples of "Signing and authenticating REST requests" and against botocore."""

from __future__ import annotations

import pytest
from botocore.auth import HmacV1Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from conformance.protocols import sigv2
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = ("Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com")
BUCKET = "awsexamplebucket1"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            RawRequest("GET", "/photos/puppy.jpg", (HOST, ("Date", "Tue, 27 Mar 2007 19:36:42 +0000"))),
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
        ),
        (
            RawRequest(
                "PUT",
                "/photos/puppy.jpg",
                (
                    ("Content-Type", "image/jpeg"),
                    ("Content-Length", "94328"),
                    HOST,
                    ("Date", "Tue, 27 Mar 2007 21:15:45 +0000"),
                ),
            ),
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
        ),
        (
            RawRequest(
                "GET", "/?prefix=photos&max-keys=50&marker=puppy", (HOST, ("Date", "Tue, 27 Mar 2007 19:42:41 +0000"))
            ),
            "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
        ),
        (
            RawRequest("GET", "/?acl", (HOST, ("Date", "Tue, 27 Mar 2007 19:44:46 +0000"))),
            "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
        ),
    ],
)
def test_published_examples(request_: RawRequest, expected: str) -> None:
    signed = sigv2.sign(request_, EXAMPLE, at=0, bucket_in_host=BUCKET)
    assert signed.header("Authorization") == f"AWS {EXAMPLE.access_key}:{expected}"


def test_botocore_signs_alike() -> None:
    theirs = AWSRequest("PUT", "http://127.0.0.1:9000/b/a%20b?uploadId=x%2Fy&partNumber=3", {"x-amz-meta-a": "1"})
    theirs.auth_path = "/b/a%20b"
    HmacV1Auth(BotoCredentials("AK", "SK", "TOKEN")).add_auth(theirs)
    headers = (("x-amz-meta-a", "1"), ("Date", theirs.headers["Date"]))
    ours = sigv2.sign(
        RawRequest("PUT", "/b/a%20b?uploadId=x%2Fy&partNumber=3", headers), Credentials("AK", "SK", "TOKEN"), at=0
    )
    assert ours.header("Authorization") == theirs.headers["Authorization"]


def test_a_url_carries_its_fields() -> None:
    url = sigv2.presign(RawRequest("GET", "/b/clip"), Credentials("AK", "SK"), expires_at=1_175_139_620)
    assert url.target.startswith("/b/clip?AWSAccessKeyId=AK&Expires=1175139620&Signature=")
