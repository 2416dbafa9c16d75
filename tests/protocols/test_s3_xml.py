"""XML bodies of S3: what is read from them, and that nothing else than None comes of nonsense."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols import s3_xml

LISTING = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<IsTruncated>true</IsTruncated><KeyCount>2</KeyCount><NextContinuationToken>t</NextContinuationToken>
<Contents><Key>a &amp; b</Key><Size>7</Size><ETag>"x"</ETag></Contents>
<CommonPrefixes><Prefix>20130801/</Prefix></CommonPrefixes></ListBucketResult>"""


def test_a_listing() -> None:
    found = s3_xml.read_listing(LISTING)
    assert found is not None
    assert (found.keys, found.prefixes, found.truncated, found.next, found.key_count) == (
        ["a & b"],
        ("20130801/",),
        True,
        "t",
        2,
    )
    assert (found.objects[0].size, found.objects[0].etag) == (7, '"x"')


def test_an_error() -> None:
    error = s3_xml.read_error(b"<Error><Code>NoSuchKey</Code><Message>no</Message><RequestId>1</RequestId></Error>")
    assert error == s3_xml.S3Error("NoSuchKey", "no", "1")
    assert s3_xml.read_error(b"<html><body>404</body></html>") is None


def test_bodies_that_are_sent() -> None:
    assert s3_xml.complete_body([(1, '"a"')]).endswith(
        b'<Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part></CompleteMultipartUpload>'
    )
    assert b"<Key>a &amp; b</Key>" in s3_xml.delete_body(["a & b"])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_nonsense_is_nothing(data: bytes) -> None:
    assert s3_xml.read_listing(data) is None
    assert s3_xml.read_upload_id(data) == ""
    assert s3_xml.read_parts(data) is None
    assert s3_xml.read_deleted(data) is None
