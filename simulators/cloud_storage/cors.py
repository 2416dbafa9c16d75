"""Cross-origin requests of web players: rules of a bucket, preflight, headers of answers (S3 API, CORS; Fetch)."""

from __future__ import annotations

from conformance.protocols import s3_xml
from conformance.protocols.safe_xml import XmlElement
from simulators.cloud_storage.configuration import Configuration, only, root_of
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.policy import like

MOST_RULES = 100
METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
_RULE = frozenset({"ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"})
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


class Cors(Configuration):
    """The rules of buckets."""

    kind = "cors"
    missing = "NoSuchCORSConfiguration"

    def checked(self, asked: Asked, body: bytes) -> bytes:
        """The document as it was sent. Raises Fault."""
        root = root_of(body, "CORSConfiguration")
        only(root, frozenset({"CORSRule"}))
        rules = s3_xml.children(root, "CORSRule")
        if not 0 < len(rules) <= MOST_RULES:
            raise Fault("MalformedXML")
        for rule in rules:
            only(rule, _RULE)
            methods, origins = _texts(rule, "AllowedMethod"), _texts(rule, "AllowedOrigin")
            age = s3_xml.text(rule, "MaxAgeSeconds", "0")
            if not methods or not origins or not age.isdecimal():
                raise Fault("MalformedXML")
            if not METHODS.issuperset(methods):
                raise Fault("InvalidRequest", "Found unsupported HTTP method in CORS config")
            if any(text.count("*") > 1 for text in (*origins, *_texts(rule, "AllowedHeader"))):
                raise Fault("InvalidRequest", "AllowedOrigin and AllowedHeader have one wildcard at most")
        return body

    def rules(self, bucket: str) -> list[XmlElement]:
        """The rules in force."""
        body = self.disk.setting(bucket, self.kind)
        root = s3_xml.read(body) if body else None
        return s3_xml.children(root, "CORSRule") if root is not None else []

    def fitting(self, bucket: str, origin: str, method: str, headers: list[str]) -> XmlElement | None:
        """The first rule for an origin, a method and headers."""
        for rule in self.rules(bucket):
            allowed = [text.lower() for text in _texts(rule, "AllowedHeader")]
            if (
                any(like(pattern, origin) for pattern in _texts(rule, "AllowedOrigin"))
                and method in _texts(rule, "AllowedMethod")
                and all(any(like(pattern, header) for pattern in allowed) for header in headers)
            ):
                return rule
        return None

    async def preflight(self, asked: Asked) -> Reply:
        """OPTIONS, which needs no signature."""
        origin, method = asked.header("origin"), asked.header("access-control-request-method")
        if not origin or not method:
            raise Fault("BadRequest", "Insufficient information. Origin and Access-Control-Request-Method are needed.")
        if self.disk.owner(asked.bucket) is None:
            raise Fault("NoSuchBucket")
        told = asked.header("access-control-request-headers") or ""
        headers = [name.strip().lower() for name in told.split(",") if name.strip()]
        rule = self.fitting(asked.bucket, origin, method, headers)
        if rule is None:
            raise Fault("AccessForbidden")
        found = self.allowing(rule, origin)
        if headers:
            found.append(("Access-Control-Allow-Headers", ", ".join(headers)))
        if age := s3_xml.text(rule, "MaxAgeSeconds"):
            found.append(("Access-Control-Max-Age", age))
        return Reply(200, found)

    def headers(self, asked: Asked) -> list[tuple[str, str]]:
        """What an answer to a cross-origin request carries beside the rest."""
        origin = asked.header("origin")
        if not origin or not asked.bucket or asked.method == "OPTIONS":
            return []
        rule = self.fitting(asked.bucket, origin, asked.method, [])
        return self.allowing(rule, origin) if rule is not None else []

    def allowing(self, rule: XmlElement, origin: str) -> list[tuple[str, str]]:
        """Headers that let the player read the answer."""
        anybody = "*" in _texts(rule, "AllowedOrigin")
        found = [
            ("Access-Control-Allow-Origin", "*" if anybody else origin),
            ("Access-Control-Allow-Methods", ", ".join(_texts(rule, "AllowedMethod"))),
        ]
        if exposed := _texts(rule, "ExposeHeader"):
            found.append(("Access-Control-Expose-Headers", ", ".join(exposed)))
        if not anybody:
            found.append(("Access-Control-Allow-Credentials", "true"))
        return [*found, ("Vary", VARY)]


def _texts(rule: XmlElement, name: str) -> list[str]:
    return [child.text.strip() for child in s3_xml.children(rule, name)]
