"""FLV streams (Adobe Video File Format Specification 10.1, annex E): header and tags, lenient and bounded, sans IO."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import dropwhile

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

HEADER_BYTES = 9
TAG_HEADER_BYTES = 11
SIZE_BYTES = 4
LARGEST_TAG = 1 << 22
MOST_VIOLATIONS = 200
AUDIO, VIDEO, SCRIPT = 8, 9, 18
KEY_FRAME = 1
AVC = 7
SEQUENCE_HEADER, UNITS, SEQUENCE_END = 0, 1, 2
EXTENDED = 0x80
START_CODE = b"\x00\x00\x00\x01"
SOURCE = "FLV 10.1 E."


class FlvError(CodecError):
    """Bytes that are no FLV, or a tag larger than is read."""


@dataclass(frozen=True, slots=True)
class FlvHeader:
    """The file header. ``data_offset``: bytes from the beginning to the first PreviousTagSize."""

    version: int
    has_audio: bool
    has_video: bool
    data_offset: int


@dataclass(frozen=True, slots=True)
class FlvTag:
    """One tag. ``timestamp``: milliseconds, extended byte included; ``body``: what follows the 11 header bytes."""

    kind: int
    timestamp: int
    body: bytes
    stream_id: int = 0
    offset: int = 0

    @property
    def is_key(self) -> bool:
        """Whether it says that it holds a key picture; a sequence header is none."""
        return self.kind == VIDEO and bool(self.body) and self._frame == KEY_FRAME and not self.is_setup

    @property
    def is_setup(self) -> bool:
        """Whether it holds a decoder configuration."""
        if self.kind != VIDEO or len(self.body) < 2:
            return False
        return self.body[0] & 0x0F == 0 if self.body[0] & EXTENDED else self.codec == AVC and self.body[1] == 0

    @property
    def is_picture(self) -> bool:
        """Whether it holds a coded H.264 picture."""
        return self.kind == VIDEO and self.codec == AVC and len(self.body) > 5 and self.body[1] == UNITS

    @property
    def _frame(self) -> int:
        return self.body[0] >> 4 & 0x07

    @property
    def codec(self) -> int:
        """CodecID of a video tag; -1 where there is none (extended headers name a FourCC)."""
        return self.body[0] & 0x0F if self.body and not self.body[0] & EXTENDED else -1

    @property
    def units(self) -> bytes:
        """The length-prefixed NAL units of an AVC tag, its record in a sequence header; empty for anything else."""
        return self.body[5:] if self.kind == VIDEO and self.codec == AVC else b""


@dataclass(frozen=True, slots=True)
class AvcRecord:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.2.4.1). ``length_size``: bytes of a unit's length."""

    profile: int
    level: int
    length_size: int
    parameter_sets: tuple[bytes, ...]

    @property
    def annex_b(self) -> bytes:
        """The parameter sets with start codes."""
        return b"".join(START_CODE + unit for unit in self.parameter_sets)


def write_header(*, has_audio: bool, has_video: bool) -> bytes:
    """The file header and PreviousTagSize0."""
    return b"FLV\x01" + bytes([has_audio << 2 | has_video]) + HEADER_BYTES.to_bytes(4, "big") + bytes(SIZE_BYTES)


def write_tag(tag: FlvTag) -> bytes:
    """The tag and its PreviousTagSize."""
    time = tag.timestamp & 0xFFFFFFFF
    size = len(tag.body)
    head = bytes([tag.kind]) + size.to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big")
    head += bytes([time >> 24]) + tag.stream_id.to_bytes(3, "big")
    return head + tag.body + (TAG_HEADER_BYTES + size).to_bytes(SIZE_BYTES, "big")


def read_avc_record(data: bytes) -> AvcRecord:
    """Take an AVCDecoderConfigurationRecord apart. Raises FlvError."""
    if len(data) < 7 or data[0] != 1:
        raise _error(0, "avc.record", data, "The AVC sequence header holds no configuration record", "4.3.1")
    sets: list[bytes] = []
    position = 6
    for group, count in enumerate((data[5] & 0x1F, -1)):
        if group == 1:
            if position >= len(data):
                break
            count = data[position]
            position += 1
        for _ in range(count):
            size = int.from_bytes(data[position : position + 2], "big")
            unit = data[position + 2 : position + 2 + size]
            if not size or len(unit) != size:
                raise _error(position, "avc.record", data, "A parameter set goes beyond the record", "4.3.1")
            sets.append(unit)
            position += 2 + size
    return AvcRecord(data[1], data[3], (data[4] & 3) + 1, tuple(sets))


def split_units(data: bytes, length_size: int) -> tuple[bytes, ...]:
    """NAL units with length prefixes. Raises FlvError where a length goes beyond the data."""
    units: list[bytes] = []
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + length_size], "big")
        start = position + length_size
        if not size or start + size > len(data):
            raise _error(position, "avc.length", data[position:], "A unit's length goes beyond the tag", "4.3.1")
        units.append(data[start : start + size])
        position = start + size
    return tuple(units)


def annex_b(tag: FlvTag, length_size: int) -> bytes:
    """The units of a picture with start codes. Raises FlvError."""
    return b"".join(START_CODE + unit for unit in split_units(tag.units, length_size))


def annex_b_pictures(record: AvcRecord, tags: Iterable[FlvTag]) -> list[bytes]:
    """The pictures from the first key picture on, each with start codes. Raises FlvError."""
    pictures = dropwhile(lambda tag: not tag.is_key, (tag for tag in tags if tag.is_picture))
    return [annex_b(tag, record.length_size) for tag in pictures]


def _error(offset: int, rule: str, seen: bytes, explain: str, clause: str) -> FlvError:
    return FlvError(offset, f"flv.{rule}", seen, explain, SOURCE + clause)


@dataclass(slots=True)
class FlvReader:
    """Reads a stream piece by piece. ``header``: once it has come; ``violations``: in order, at most 200."""

    header: FlvHeader | None = None
    violations: list[Violation] = field(default_factory=list)
    _buffer: bytearray = field(default_factory=bytearray)
    _offset: int = 0
    _previous: int | None = None
    _times: dict[int, int] = field(default_factory=dict)
    _seen_setup: bool = False

    def feed(self, data: bytes) -> list[FlvTag]:
        """The tags that ``data`` completes, without regard to what is wrong with them. Raises FlvError."""
        self._buffer += data
        if self.header is None and not self._read_header():
            return []
        return list(self._tags())

    @property
    def pending(self) -> int:
        """Bytes of an unfinished tag."""
        return len(self._buffer)

    def _note(self, offset: int, rule: str, seen: bytes, explain: str, clause: str) -> None:
        if len(self.violations) < MOST_VIOLATIONS:
            violation = Violation(offset, f"flv.{rule}", SOURCE + clause, bytes(seen[:SEEN_BYTES]), explain)
            self.violations.append(violation)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._offset += count

    def _read_header(self) -> bool:
        found = bytes(self._buffer[:HEADER_BYTES])
        if not b"FLV".startswith(found[:3]):
            raise _error(0, "signature", found, "The stream does not begin with FLV", "2")
        if len(found) < HEADER_BYTES:
            return False
        offset = int.from_bytes(found[5:9], "big")
        if not HEADER_BYTES <= offset <= LARGEST_TAG:
            raise _error(5, "offset", found, "DataOffset is not the length of a header", "2")
        if len(self._buffer) < offset:
            return False
        self.header = FlvHeader(found[3], bool(found[4] & 4), bool(found[4] & 1), offset)
        if found[3] != 1:
            self._note(3, "version", found, f"The version is {found[3]}, not 1", "2")
        if found[4] & 0xFA:
            self._note(4, "reserved", found, "Reserved bits of the header are not 0", "2")
        if found[3] == 1 and offset != HEADER_BYTES:
            self._note(5, "offset", found, f"DataOffset of a version 1 header is {offset}, not 9", "2")
        self._drop(offset)
        return True

    def _tags(self) -> Iterator[FlvTag]:
        while True:
            if self._previous is None:
                if len(self._buffer) < SIZE_BYTES:
                    return
                self._check_size(0)
                self._previous = 0
            if len(self._buffer) < TAG_HEADER_BYTES:
                return
            size = int.from_bytes(self._buffer[1:4], "big")
            if size > LARGEST_TAG:
                explain = f"A tag of {size} bytes is larger than what is read"
                raise _error(self._offset, "size", bytes(self._buffer[:TAG_HEADER_BYTES]), explain, "4.1")
            whole = TAG_HEADER_BYTES + size
            if len(self._buffer) < whole + SIZE_BYTES:
                return
            tag = self._tag(bytes(self._buffer[:whole]))
            self._drop(whole)
            self._check_size(whole)
            self._judge(tag)
            yield tag

    def _check_size(self, expected: int) -> None:
        told = bytes(self._buffer[:SIZE_BYTES])
        if int.from_bytes(told, "big") != expected:
            explain = f"PreviousTagSize is {int.from_bytes(told, 'big')}, not {expected}"
            self._note(self._offset, "previous_size", told, explain, "3")
        self._drop(SIZE_BYTES)

    def _tag(self, data: bytes) -> FlvTag:
        if data[0] & 0xC0:
            self._note(self._offset, "tag.reserved", data, "Reserved bits of the tag are not 0", "4.1")
        time = data[7] << 24 | int.from_bytes(data[4:7], "big")
        stream = int.from_bytes(data[8:11], "big")
        return FlvTag(data[0] & 0x1F, time, data[TAG_HEADER_BYTES:], stream, self._offset)

    def _judge(self, tag: FlvTag) -> None:
        at, seen = tag.offset, tag.body[:16]
        if tag.kind not in (AUDIO, VIDEO, SCRIPT):
            self._note(at, "tag.type", seen, f"The tag type {tag.kind} is none of 8, 9 and 18", "4.1")
            return
        if tag.stream_id:
            self._note(at + 8, "stream_id", seen, f"StreamID is {tag.stream_id}, not 0", "4.1")
        last = self._times.get(tag.kind)
        if last is not None and tag.timestamp < last:
            self._note(at + 4, "time.back", seen, f"The time {tag.timestamp} ms follows {last} ms", "4.1")
        self._times[tag.kind] = tag.timestamp
        if not tag.body and tag.kind != SCRIPT:
            self._note(at, "tag.empty", b"", "A tag of picture or sound is empty", "4.1")
        if tag.kind == VIDEO and tag.body:
            self._judge_video(tag)
        assert self.header is not None
        if (tag.kind == AUDIO and not self.header.has_audio) or (tag.kind == VIDEO and not self.header.has_video):
            self._note(at, "header.flags", seen, "The header does not announce tags of this type", "2")

    def _judge_video(self, tag: FlvTag) -> None:
        if tag.codec != AVC:
            return
        if len(tag.body) < 5:
            self._note(tag.offset, "avc.short", tag.body, "An AVC tag has fewer than 5 bytes before its data", "4.3.1")
            return
        kind = tag.body[1]
        if kind > SEQUENCE_END:
            self._note(tag.offset, "avc.type", tag.body, f"AVCPacketType is {kind}, not 0, 1 or 2", "4.3.1")
        if kind != UNITS and any(tag.body[2:5]):
            self._note(tag.offset, "avc.composition", tag.body, "CompositionTime is not 0 beside a header", "4.3.1")
        if kind == UNITS and not self._seen_setup:
            self._note(tag.offset, "avc.no_header", tag.body, "Pictures come before a sequence header", "4.3.1")
        self._seen_setup = self._seen_setup or kind == SEQUENCE_HEADER
