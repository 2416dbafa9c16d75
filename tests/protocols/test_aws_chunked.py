"""aws-chunked bodies against the two examples of the AWS documentation, and against the golden storage's own reader."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols import aws_chunked, sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from simulators.cloud_storage.chunked_body import ChunkedBody, ChunkSigning
from simulators.cloud_storage.faults import Fault

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AT = dt.datetime(2013, 5, 24, tzinfo=dt.UTC).timestamp()
PAYLOAD = b"a" * 66560
KINDS = (aws_chunked.SIGNED, aws_chunked.SIGNED_TRAILER, aws_chunked.UNSIGNED_TRAILER)


def example(*headers: tuple[str, str]) -> RawRequest:
    kept = (("Host", "s3.amazonaws.com"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"), *headers)
    return RawRequest("PUT", "/examplebucket/chunkObject.txt", kept, PAYLOAD)


def upload(body: bytes, kind: str, *, size: int = 7, trailers: aws_chunked.Trailers = ()) -> aws_chunked.ChunkedUpload:
    request = RawRequest("PUT", "/bucket/key", (("Host", "h"),), body)
    return aws_chunked.sign(request, EXAMPLE, region="cn", at=AT, kind=kind, size=size, trailers=trailers)


def read(sent: aws_chunked.ChunkedUpload, raw: bytes, step: int = 1000) -> tuple[bytes, dict[str, str]]:
    told = sigv4.parse_authorization(sent.head.header("Authorization") or "")
    key = sigv4.signing_key(EXAMPLE.secret_key, told.date, told.region)
    signing = ChunkSigning(key, sent.head.header("x-amz-date") or "", told.scope, told.signature)
    reader = ChunkedBody(sent.head.header("x-amz-content-sha256") or "", signing)
    found = b"".join(piece for at in range(0, len(raw), step) for piece in reader.feed(raw[at : at + step]))
    reader.end()
    return found, reader.trailers


def test_the_published_example_without_trailers() -> None:
    sent = aws_chunked.sign(example(("Content-Length", "66824")), EXAMPLE, region="us-east-1", at=AT)
    told = sigv4.parse_authorization(sent.head.header("Authorization") or "")
    assert told.signature == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    assert [(len(chunk.data), chunk.signature) for chunk in sent.body.chunks] == [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ]
    assert len(sent.request.body) == 66824
    assert sent.request.body.startswith(
        b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\naaa"
    )
    assert sent.request.body.endswith(
        b"a\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
    )


def test_the_published_example_with_a_trailer() -> None:
    sent = aws_chunked.sign(
        example(),
        EXAMPLE,
        region="us-east-1",
        at=AT,
        kind=aws_chunked.SIGNED_TRAILER,
        trailers=(("x-amz-checksum-crc32c", "sOO8/Q=="),),
    )
    told = sigv4.parse_authorization(sent.head.header("Authorization") or "")
    assert told.signature == "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    assert [chunk.signature for chunk in sent.body.chunks] == [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ]
    assert sent.request.body.endswith(
        b"\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n"
        b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
    )


def test_an_unsigned_body_with_a_trailer_as_bytes() -> None:
    sent = upload(b"0123456789", aws_chunked.UNSIGNED_TRAILER, trailers=(aws_chunked.crc32_trailer(b"0123456789"),))
    assert sent.request.body == b"7\r\n0123456\r\n3\r\n789\r\n0\r\nx-amz-checksum-crc32:poTHxg==\r\n\r\n"
    assert sent.request.header("content-length") == "56"
    assert sent.request.header("x-amz-decoded-content-length") == "10"
    assert sent.request.header("x-amz-trailer") == "x-amz-checksum-crc32"
    assert sent.request.header("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def test_the_digest_of_nothing() -> None:
    assert aws_chunked.sha256_trailer(b"") == (
        "x-amz-checksum-sha256",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    )


@given(body=st.binary(max_size=60), kind=st.sampled_from(KINDS), size=st.integers(1, 20), step=st.integers(1, 50))
def test_the_golden_storage_reads_what_is_written(body: bytes, kind: str, size: int, step: int) -> None:
    trailers = () if kind == aws_chunked.SIGNED else (aws_chunked.crc32_trailer(body),)
    sent = upload(body, kind, size=size, trailers=trailers)
    assert read(sent, sent.request.body, step) == (body, dict(trailers))


@pytest.mark.parametrize("kind", [aws_chunked.SIGNED, aws_chunked.SIGNED_TRAILER])
def test_a_forged_chunk_is_seen(kind: str) -> None:
    sent = upload(
        b"0123456789", kind, trailers=(aws_chunked.crc32_trailer(b"0123456789"),) if "TRAILER" in kind else ()
    )
    first, *rest = sent.body.chunks
    forged = replace(sent.body, chunks=(replace(first, data=b"0123457"), *rest))
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        read(sent, forged.raw)


def test_a_false_size_stands_in_the_header_only() -> None:
    assert aws_chunked.Chunk(b"abc", told=4).raw == b"4\r\nabc\r\n"
