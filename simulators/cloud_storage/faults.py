"""The errors that the golden storage answers: code, status and message (S3 API, Error Responses)."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONE = re.compile("[\ud800-\udfff]")

STATUS = {
    "AccessControlListNotSupported": (400, "Access control lists of objects are not supported"),
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "CORSResponse: This CORS request is not allowed"),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed"),
    "AuthorizationQueryParametersError": (400, "A field of the signed URL is missing or malformed"),
    "BadDigest": (400, "The Content-MD5 you specified did not match what we received"),
    "BadRequest": (400, "The request is not valid HTTP of the S3 API"),
    "BucketAlreadyExists": (409, "The name belongs to somebody else"),
    "BucketAlreadyOwnedByYou": (409, "The bucket is yours already"),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty"),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed object size"),
    "EntityTooSmall": (400, "A part but the last is smaller than the minimum"),
    "ExpiredToken": (400, "The provided token has expired"),
    "IllegalLocationConstraintException": (400, "The location constraint is not that of this region"),
    "IncompleteBody": (400, "The body is shorter than Content-Length"),
    "InternalError": (500, "We encountered an internal error"),
    "InvalidAccessKeyId": (403, "The access key does not exist"),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketName": (400, "The specified bucket is not valid"),
    "InvalidDigest": (400, "The Content-MD5 you specified is not valid"),
    "InvalidPart": (400, "A part is missing or its ETag differs"),
    "InvalidPartOrder": (400, "The parts are not in ascending order"),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidRequest": (400, "Invalid Request"),
    "InvalidStorageClass": (400, "The storage class you specified is not valid"),
    "InvalidToken": (400, "The provided token is malformed or otherwise invalid"),
    "InvalidURI": (400, "Couldn't parse the specified URI"),
    "KeyTooLongError": (400, "Your key is too long"),
    "MalformedPolicy": (400, "Policies must be valid JSON of the policy language"),
    "MalformedTrailerError": (400, "The trailer of the request is not well-formed or not what was announced"),
    "MalformedXML": (400, "The XML is not well-formed or not of the schema"),
    "MetadataTooLarge": (400, "Your metadata headers exceed the maximum allowed size"),
    "MethodNotAllowed": (405, "The method is not allowed against this resource"),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header"),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist"),
    "NoSuchKey": (404, "The specified key does not exist"),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist"),
    "NoSuchUpload": (404, "The upload id is not valid"),
    "NotImplemented": (501, "A header or sub-resource you provided implies functionality that is not implemented"),
    "PreconditionFailed": (412, "At least one of the preconditions did not hold"),
    "QuotaExceeded": (403, "The quota of the account is exceeded"),
    "RequestHeaderSectionTooLarge": (400, "Your request header section exceeds the maximum allowed size"),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large"),
    "SignatureDoesNotMatch": (403, "The request signature does not match"),
    "SlowDown": (503, "Please reduce your request rate"),
    "XAmzContentSHA256Mismatch": (400, "x-amz-content-sha256 does not match what was computed"),
}


class Fault(Exception):
    """A request that is answered with an error. ``headers``: further headers of the answer."""

    def __init__(self, code: str, message: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.code = code
        self.status, text = STATUS[code]
        self.message = message or text
        self.headers = headers
        super().__init__(f"{code}: {self.message}")

    def body(self, resource: str, request_id: str) -> bytes:
        """The error document."""
        inner = (
            f"<Code>{self.code}</Code><Message>{xml_text(self.message)}</Message>"
            f"<Resource>{xml_text(resource)}</Resource><RequestId>{request_id}</RequestId>"
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def xml_text(text: str) -> str:
    """Text inside an element. Control characters become references, as S3 does, though XML 1.0 cannot carry them; what
    is no character at all becomes U+FFFD."""
    plain = escape(_LONE.sub("\ufffd", text), {"\r": "&#13;"})
    return _ILLEGAL.sub(lambda found: f"&#{ord(found[0])};" if ord(found[0]) < 32 else "\ufffd", plain)
