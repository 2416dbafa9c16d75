"""The tykd frame on a TCP stream: start pair, command, sequence, length, XML and an MD5 digest.

Layout: FA F5, command 1 byte, sequence 2 bytes big-endian, reserved 1 byte, length 2 bytes big-endian (of the XML
only), XML, MD5 (16 bytes) over everything before it. The digest has no secret: it proves integrity only.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from conformance.protocols.violation import CodecError, Violation

START = b"\xfa\xf5"
HEADER = struct.Struct(">2sBHBH")
HEADER_SIZE = HEADER.size
DIGEST_SIZE = 16
LARGEST_XML = 0xFFFF
_CLAUSE = "tykd 2"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. ``command`` and ``reserved`` are one byte, ``sequence`` two; ``digest`` None means the right one."""

    command: int
    sequence: int
    xml: bytes
    reserved: int = 0
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """A frame as it came in. ``offset``: position of its first byte in the stream; ``raw``: all its bytes.

    ``frame.digest`` holds the received digest, right or wrong.
    """

    frame: Frame
    digest_ok: bool
    raw: bytes
    offset: int
    violations: tuple[Violation, ...] = ()


class FrameError(CodecError):
    """Bytes that are no frame; the connection cannot be read any further.

    ``frames``: complete frames that stood before the fault in the same piece of input.
    """

    frames: tuple[ReceivedFrame, ...] = ()


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame; the digest is computed unless it is given.

    Raises FrameError when a field does not fit its width or a given digest has not 16 bytes.
    """
    for name, value, largest in (
        ("command", frame.command, 0xFF),
        ("sequence", frame.sequence, 0xFFFF),
        ("reserved", frame.reserved, 0xFF),
        ("length", len(frame.xml), LARGEST_XML),
    ):
        if not 0 <= value <= largest:
            raise FrameError(0, f"tykd.frame.{name}", b"", f"The {name} {value} does not fit 0..{largest}", _CLAUSE)
    head = HEADER.pack(START, frame.command, frame.sequence, frame.reserved, len(frame.xml))
    body = head + frame.xml
    digest = hashlib.md5(body, usedforsecurity=False).digest() if frame.digest is None else frame.digest
    if len(digest) != DIGEST_SIZE:
        raise FrameError(len(body), "tykd.frame.digest_size", digest, "A digest has 16 bytes", _CLAUSE)
    return body + digest


@dataclass(slots=True)
class FrameParser:
    """Incremental reader of one direction of a connection; takes any split of the stream.

    ``max_xml``: most bytes of XML that are taken (1..65535); a longer length raises FrameError as soon as the header
    is there. After a FrameError every further call raises the same error.
    """

    max_xml: int = LARGEST_XML
    _buffer: bytearray = field(default_factory=bytearray)
    _offset: int = 0
    _fault: FrameError | None = None

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame that wait for more."""
        return len(self._buffer)

    @property
    def offset(self) -> int:
        """Stream position of the first pending byte."""
        return self._offset

    def feed(self, data: bytes | bytearray | memoryview) -> list[ReceivedFrame]:
        """The frames that ``data`` completes. Raises FrameError on a wrong start pair or an oversized frame."""
        if self._fault is not None:
            raise self._fault
        self._buffer += data
        frames: list[ReceivedFrame] = []
        start = 0
        while size := self._size_at(start, frames):
            end = start + size
            if len(self._buffer) < end:
                break
            frames.append(_received(bytes(self._buffer[start:end]), self._offset + start))
            start = end
        if start:
            del self._buffer[:start]
            self._offset += start
        return frames

    def finish(self) -> None:
        """Tell the parser that the stream has ended. Raises FrameError when it ends inside a frame."""
        if self._fault is None and self._buffer:
            explain = f"The connection ended inside a frame, after {len(self._buffer)} of its bytes"
            raise FrameError(self._offset, "tykd.frame.truncated", bytes(self._buffer[:64]), explain, _CLAUSE)

    def _size_at(self, start: int, frames: list[ReceivedFrame]) -> int:
        """Whole size of the frame at ``start``, 0 while its header is incomplete."""
        seen = bytes(self._buffer[start : start + HEADER_SIZE])
        if seen[:2] != START[: len(seen)]:
            raise self._fail(start, "tykd.frame.start", seen, "A frame begins with the bytes FA F5", frames)
        if len(seen) < HEADER_SIZE:
            return 0
        length: int = HEADER.unpack(seen)[4]
        if length > self.max_xml:
            explain = f"The frame announces {length} bytes of XML, more than the {self.max_xml} that are taken"
            raise self._fail(start + 6, "tykd.frame.oversize", seen, explain, frames)
        return HEADER_SIZE + length + DIGEST_SIZE

    def _fail(self, at: int, rule: str, seen: bytes, explain: str, frames: list[ReceivedFrame]) -> FrameError:
        self._fault = FrameError(self._offset + at, rule, seen, explain, _CLAUSE)
        error = FrameError(self._offset + at, rule, seen, explain, _CLAUSE)
        error.frames = tuple(frames)
        self._buffer.clear()
        return error


def decode_frame(data: bytes) -> ReceivedFrame:
    """The one frame that ``data`` holds. Raises FrameError when it is not exactly one frame."""
    parser = FrameParser()
    frames = parser.feed(data)
    parser.finish()
    if len(frames) != 1:
        raise FrameError(0, "tykd.frame.count", data[:64], f"One frame is expected here, not {len(frames)}", _CLAUSE)
    return frames[0]


def _received(raw: bytes, offset: int) -> ReceivedFrame:
    _, command, sequence, reserved, length = HEADER.unpack_from(raw)
    body, digest = raw[: HEADER_SIZE + length], raw[HEADER_SIZE + length :]
    digest_ok = hashlib.md5(body, usedforsecurity=False).digest() == digest
    violations = []
    if reserved:
        explain = f"The reserved byte is {reserved}; it is sent as 0"
        violations.append(Violation(offset + 5, "tykd.frame.reserved", _CLAUSE, raw[5:6], explain))
    if not length:
        explain = "The frame carries no XML; every message has one root element"
        violations.append(Violation(offset + 6, "tykd.frame.empty", _CLAUSE, raw[6:8], explain))
    if not digest_ok:
        explain = "The MD5 does not fit header and XML"
        violations.append(Violation(offset + HEADER_SIZE + length, "tykd.frame.digest", _CLAUSE, digest, explain))
    frame = Frame(command, sequence, raw[HEADER_SIZE : HEADER_SIZE + length], reserved, digest)
    return ReceivedFrame(frame, digest_ok, raw, offset, tuple(violations))
