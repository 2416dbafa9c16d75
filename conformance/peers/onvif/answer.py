"""What a device answered to one ONVIF request, ready to be judged."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.soap import Envelope, Fault, SoapError, XmlError, read_envelope, short_name
from conformance.protocols.xml_names import Name, Node

NOTHING = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """``service``, ``operation``: what was asked for, empty for raw bytes; ``sent``: the body that was sent; ``at``:
    wire time of the end; ``http``: None when no readable response came, ``why`` then says why; ``envelope``: None when
    the body is no SOAP 1.2 envelope, ``flaw`` then says why; ``dropped``: the device ended the
    connection without a response."""

    service: str
    operation: str
    sent: bytes
    at: float
    http: HttpAnswer | None = None
    why: str = ""
    envelope: Envelope | None = None
    flaw: SoapError | XmlError | None = None
    expected: Name | None = None
    dropped: bool = False

    @property
    def status(self) -> int:
        """The HTTP status, 0 for no answer."""
        return self.http.status if self.http else NOTHING

    @property
    def raw(self) -> bytes:
        """The body as it came, empty for none."""
        return self.http.body if self.http else b""

    @property
    def fault(self) -> Fault | None:
        """The SOAP fault, where there is one."""
        return self.envelope.fault if self.envelope else None

    @property
    def body(self) -> Node | None:
        """The first element of the body that is no fault."""
        return self.envelope.first if self.envelope and not self.fault else None

    @property
    def ok(self) -> bool:
        """200 with the response element of the operation."""
        named = self.expected is None or (self.body is not None and self.body.name == self.expected)
        return self.status == 200 and self.body is not None and named

    @property
    def refused(self) -> bool:
        """Whether the device said no: a fault, or a status from 400."""
        return self.fault is not None or self.status >= 400

    @property
    def unauthorized(self) -> bool:
        """Whether it said no to the credentials: 401, or the fault ter:NotAuthorized."""
        return self.status == 401 or self.has_fault("ter:NotAuthorized") or self.has_fault("wsse:FailedAuthentication")

    def has_fault(self, code: str) -> bool:
        """Whether the fault carries this code or subcode (prefixes of the ONVIF books)."""
        return self.fault is not None and code in self.fault.codes

    def header(self, name: str) -> str:
        """The first HTTP header of that name, empty for none."""
        return (self.http.header(name) if self.http else None) or ""

    def value(self, path: str) -> str | None:
        """The text at a path below the response element, None where it is missing."""
        return self.body.value(path) if self.body is not None else None

    def all(self, local: str) -> list[Node]:
        """The children of that name of the response element."""
        return self.body.all(local) if self.body is not None else []

    @property
    def _element(self) -> str:
        """The name of the response element, with its namespace where another was expected."""
        if self.body is None:
            return ""
        strange = self.expected is not None and self.body.name != self.expected
        return short_name(self.body.name) if strange else self.body.name.local

    @property
    def summary(self) -> str:
        """One line: status and fault or response element, or why there is no answer."""
        if self.http is None:
            return self.why
        told = str(self.fault) if self.fault else self._element or self.http.reason
        flaw = f" [{self.flaw.explain}]" if self.flaw is not None and self.raw else ""
        return f"{self.status} {told}".strip() + flaw


def read_answer(service: str, operation: str, sent: bytes, at: float, http: HttpAnswer, namespace: str) -> Answer:
    """The answer that a response is. ``namespace``: of the operation, for the name that the response element must
    have."""
    expected = Name(namespace, f"{operation}Response") if operation else None
    envelope: Envelope | None = None
    flaw: SoapError | XmlError | None = None
    try:
        envelope = read_envelope(http.body)
    except (SoapError, XmlError) as error:
        flaw = error
    return Answer(service, operation, sent, at, http, "", envelope, flaw, expected)
