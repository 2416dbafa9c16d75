"""What a storage answered to one request, ready to be judged."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_xml import S3Error, read_error

NOTHING = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is 0 when no readable response came; ``why`` then says why. ``at``: wire time of its end."""

    request: RawRequest
    at: float
    http: HttpAnswer | None = None
    why: str = ""

    @property
    def status(self) -> int:
        """The status code, 0 for none."""
        return self.http.status if self.http else NOTHING

    @property
    def body(self) -> bytes:
        """The body, empty for none."""
        return self.http.body if self.http else b""

    @property
    def ok(self) -> bool:
        """2xx, and whole."""
        return self.http is not None and 200 <= self.http.status < 300 and self.http.complete

    def header(self, name: str) -> str:
        """The first header of that name, empty for none."""
        return (self.http.header(name) if self.http else None) or ""

    @property
    def error(self) -> S3Error | None:
        """The error body; None where there is none."""
        return read_error(self.body) if self.http and self.http.status >= 300 else None

    @property
    def code(self) -> str:
        """The error code, empty for none."""
        return self.error.code if self.error else ""

    @property
    def summary(self) -> str:
        """One line: status and code, or why there is no answer."""
        if self.http is None:
            return self.why
        whole = "" if self.http.complete else ", cut off"
        return f"{self.status} {self.code or self.http.reason}".strip() + whole
