"""Signature Version 4 against the examples of the AWS documentation for S3, and against botocore's signer."""

from __future__ import annotations

import datetime as dt

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest, encode_key, encode_query
from conformance.protocols.s3_credentials import Credentials

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AT = dt.datetime(2013, 5, 24, tzinfo=dt.UTC).timestamp()
HOST = ("Host", "examplebucket.s3.amazonaws.com")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            RawRequest("GET", "/test.txt", (HOST, ("Range", "bytes=0-9"))),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            RawRequest(
                "PUT",
                "/test%24file.text",
                (
                    HOST,
                    ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ),
                b"Welcome to Amazon S3.",
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (RawRequest("GET", "/?lifecycle", (HOST,)), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            RawRequest("GET", "/?max-keys=2&prefix=J", (HOST,)),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_published_header_signatures(request_: RawRequest, expected: str) -> None:
    signed = sigv4.sign(request_, EXAMPLE, region="us-east-1", at=AT)
    authorization = sigv4.parse_authorization(signed.header("Authorization") or "")
    assert authorization.signature == expected
    assert authorization.scope == "20130524/us-east-1/s3/aws4_request"


def test_the_published_presigned_url() -> None:
    url = sigv4.presign(RawRequest("GET", "/test.txt", (HOST,)), EXAMPLE, region="us-east-1", at=AT, expires=86400)
    assert url.target == (
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@given(
    key=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=40),
    query=st.lists(
        st.tuples(st.text("abcXYZ-", min_size=1, max_size=6), st.text("ab =+/中~%", max_size=6)), max_size=4
    ),
    body=st.binary(max_size=60),
)
def test_botocore_signs_alike(key: str, query: list[tuple[str, str]], body: bytes) -> None:
    at = dt.datetime.now(dt.UTC).timestamp()
    target = "/bucket/" + encode_key(key) + ("?" + encode_query(query) if query else "")
    request = RawRequest("PUT", target, (("host", "127.0.0.1:9000"), ("x-amz-meta-shop", "a  b")), body)
    theirs = AWSRequest("PUT", "http://127.0.0.1:9000" + target, dict(request.headers), data=body)
    auth = S3SigV4Auth(BotoCredentials("AK", "SK"), "s3", "cn")
    auth.add_auth(theirs)
    at = dt.datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
    payload = theirs.headers["X-Amz-Content-SHA256"]
    ours = sigv4.sign(request, Credentials("AK", "SK"), region="cn", at=at, payload=payload)
    assert ours.header("Authorization") == theirs.headers["Authorization"]


@pytest.mark.parametrize(
    "text",
    ["", "AWS AK:sig", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=" + "0" * 64, "x" * 5000],
)
def test_what_is_no_authorization(text: str) -> None:
    with pytest.raises(ValueError):
        sigv4.parse_authorization(text)


def test_a_request_is_altered_piece_by_piece() -> None:
    request = RawRequest("GET", "/b/k?a=1&&b", (("Host", "x"), ("x-amz-meta-a", "1"), ("X-Amz-Meta-A", "2")))
    assert request.path == "/b/k"
    assert request.query_pairs == (("a", "1"), ("b", ""))
    assert request.with_header("x-amz-meta-a", "3").headers == (("Host", "x"), ("x-amz-meta-a", "3"))
    assert request.without_header("HOST").header("host") is None
    assert request.with_query("c d", "é").target == "/b/k?a=1&&b&c%20d=%C3%A9"
    assert request.with_body(b"x").body == b"x"
