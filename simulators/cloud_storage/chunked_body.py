"""Bodies in aws-chunked framing, signed chunk by chunk or not, with trailers or without.

"Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks (Chunked Upload)", S3 API.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.protocols import sigv4
from simulators.cloud_storage.faults import Fault

STREAMING = "STREAMING-"
SIGNED = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
KINDS = (*SIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
EMPTY = hashlib.sha256().hexdigest()
LONGEST_LINE = 4096
MOST_TRAILERS = 16
LARGEST_CHUNK = 5 << 30
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?\Z")
TRAILER_SIGNATURE = "x-amz-trailer-signature"


@dataclass(frozen=True, slots=True)
class ChunkSigning:
    """What the signatures of chunks are made from. ``seed``: the signature of the request."""

    key: bytes
    date: str
    scope: str
    seed: str


class ChunkVerifier:
    """Each signature covers the one before."""

    def __init__(self, signing: ChunkSigning) -> None:
        self.signing, self.before = signing, signing.seed

    def chunk(self, told: str, digest: str) -> None:
        """The signature of a chunk. Raises Fault."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", told, EMPTY, digest)

    def trailers(self, told: str, lines: bytes) -> None:
        """The signature of the trailers. Raises Fault."""
        self._check("AWS4-HMAC-SHA256-TRAILER", told, hashlib.sha256(lines).hexdigest())

    def _check(self, algorithm: str, told: str, *digests: str) -> None:
        text = "\n".join((algorithm, self.signing.date, self.signing.scope, self.before, *digests))
        expected = sigv4.signature(self.signing.key, text)
        if not hmac.compare_digest(expected.encode(), told.encode()):
            raise Fault("SignatureDoesNotMatch", "The signature of a chunk does not match")
        self.before = expected


class ChunkedBody:
    """Takes framing off as it comes. ``kind``: x-amz-content-sha256; ``trailers``: by name, once the end is there."""

    def __init__(self, kind: str, signing: ChunkSigning | None) -> None:
        if kind not in KINDS or (kind in SIGNED and signing is None):
            raise Fault("InvalidRequest", "x-amz-content-sha256 does not fit the way of signing")
        self.verifier = ChunkVerifier(signing) if kind in SIGNED and signing is not None else None
        self.has_trailers = kind.endswith("-TRAILER")
        self.trailers: dict[str, str] = {}
        self.done = False
        self._buffer = bytearray()
        self._left = 0
        self._state = "header"
        self._told = ""
        self._digest = hashlib.sha256()
        self._lines: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The next bytes of the body; gives what is inside. Raises Fault."""
        self._buffer += data
        while self._buffer and not self.done:
            if self._state == "data":
                yield self._data()
            elif (line := self._line()) is None:
                return
            else:
                self._take(line)

    def end(self) -> None:
        """The body has ended. Raises Fault when its end was not there."""
        if not self.done:
            raise Fault("IncompleteBody", "The last chunk is missing")

    def _data(self) -> bytes:
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self.verifier is not None:
            self._digest.update(piece)
        if self._left == 0:
            self._state = "behind"
        return piece

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise Fault("InvalidRequest", "A line of the framing is too long")
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line

    def _take(self, line: bytes) -> None:
        if self._state == "header":
            self._header(line)
        elif self._state == "behind":
            if line:
                raise Fault("InvalidRequest", "A chunk is longer than its header says")
            self._verify()
            self._state = "header"
        elif line:
            self._trailer(line)
        else:
            self._finish()

    def _header(self, line: bytes) -> None:
        found = _CHUNK.match(line)
        if found is None or (self.verifier is not None and not found[2]):
            raise Fault("InvalidRequest", "The header of a chunk is malformed")
        self._left, self._told = int(found[1], 16), (found[2] or b"").decode()
        if self._left > LARGEST_CHUNK:
            raise Fault("InvalidRequest", "A chunk is too large")
        self._digest = hashlib.sha256()
        if self._left:
            self._state = "data"
        else:
            self._verify()
            self._state = "trailers"

    def _verify(self) -> None:
        if self.verifier is not None:
            self.verifier.chunk(self._told, self._digest.hexdigest())

    def _trailer(self, line: bytes) -> None:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not self.has_trailers or len(self._lines) >= MOST_TRAILERS:
            raise Fault("MalformedTrailerError")
        self._lines.append((name.strip().lower(), value.strip()))

    def _finish(self) -> None:
        told = dict(self._lines).pop(TRAILER_SIGNATURE, "")
        lines = [(name, value) for name, value in self._lines if name != TRAILER_SIGNATURE]
        if self.verifier is not None and self.has_trailers:
            self.verifier.trailers(told, "".join(f"{name}:{value}\n" for name, value in lines).encode("latin-1"))
        self.trailers = dict(lines)
        self.done = True
