"""MPEG transport streams (ISO/IEC 13818-1): packets, PAT, PMT and the heads of PES packets; lenient, sans IO."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

PACKET_BYTES = 188
SYNC = 0x47
PAT_PID = 0
NULL_PID = 0x1FFF
LARGEST = 1 << 26
LARGEST_SECTION = 1024
MOST_VIOLATIONS = 200
CLOCK = 90_000
WRAP = 1 << 33
H264_TYPE, H265_TYPE, AAC_TYPE = 0x1B, 0x24, 0x0F
VIDEO_TYPES = frozenset({0x01, 0x02, 0x10, H264_TYPE, H265_TYPE})
NO_PES_HEADER = frozenset({0xBC, 0xBE, 0xBF, 0xF0, 0xF1, 0xFF, 0xF2, 0xF8})
SOURCE = "ISO/IEC 13818-1 "


class TsError(CodecError):
    """Bytes that are no transport stream, or more than is read."""


@dataclass(frozen=True, slots=True)
class Pes:
    """One PES packet. ``pts``, ``dts``: ticks of 90 kHz, None where absent; ``random_access``: the indicator of the
    packet in which it begins; ``offset``: of that packet; ``payload``: the elementary stream."""

    pid: int
    pts: int | None
    dts: int | None
    random_access: bool
    offset: int
    payload: bytes


@dataclass(slots=True)
class TransportStream:
    """What a piece of a transport stream holds. ``programs``: PMT pid by program number, of the first PAT;
    ``streams``: stream_type by pid; ``first_counters``, ``last_counters``: continuity counters of packets with a
    payload by pid; ``marked``: pids whose first packet carries the discontinuity_indicator."""

    packets: int = 0
    programs: dict[int, int] = field(default_factory=dict)
    streams: dict[int, int] = field(default_factory=dict)
    pes: list[Pes] = field(default_factory=list)
    first_counters: dict[int, int] = field(default_factory=dict)
    last_counters: dict[int, int] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)
    table_order: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @property
    def video_pid(self) -> int | None:
        """The pid of the first picture stream."""
        return next((pid for pid, kind in self.streams.items() if kind in VIDEO_TYPES), None)

    def of(self, pid: int | None) -> list[Pes]:
        """The PES packets of one pid."""
        return [pes for pes in self.pes if pes.pid == pid]

    def duration(self, pid: int | None) -> float | None:
        """Seconds that the pictures of a pid last: from the first presentation time to the last and one picture more;
        None for fewer than two."""
        times = sorted(unwrap([pes.pts for pes in self.of(pid) if pes.pts is not None]))
        if len(times) < 2:
            return None
        span = times[-1] - times[0]
        return (span + span / (len(times) - 1)) / CLOCK


def unwrap(times: list[int]) -> list[int]:
    """The same times without the wrap at 33 bits: each near the one before."""
    found: list[int] = []
    for time in times:
        last = found[-1] if found else time
        found.append(last + (time - last + WRAP // 2) % WRAP - WRAP // 2)
    return found


def crc32(data: bytes) -> int:
    """CRC of a section (annex A); 0 over a section with its CRC."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def parse_transport_stream(data: bytes) -> TransportStream:
    """Read a segment. Raises TsError when it is no transport stream at all."""
    if len(data) > LARGEST:
        raise TsError(
            0, "ts.size", b"", f"{len(data)} bytes are more than the {LARGEST} that are read", SOURCE + "2.4.3"
        )
    if not data or data[0] != SYNC:
        raise TsError(0, "ts.sync", data, "The first byte is not the sync byte 0x47", SOURCE + "2.4.3.3")
    return _Reader(data).read()


@dataclass(slots=True)
class _Packet:
    offset: int
    pid: int
    starts: bool
    counter: int
    has_payload: bool
    payload: bytes
    random_access: bool
    discontinuity: bool
    scrambled: bool


@dataclass(slots=True)
class _OpenPes:
    offset: int
    random_access: bool
    data: bytearray


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found = TransportStream()
        self.open: dict[int, _OpenPes] = {}
        self.sections: dict[int, bytearray] = {}
        self.repeats: dict[int, int] = {}
        self.seen_pids: set[int] = set()

    def note(self, offset: int, rule: str, seen: bytes, explain: str, clause: str) -> None:
        """A violation at a byte of the segment."""
        if len(self.found.violations) < MOST_VIOLATIONS:
            violation = Violation(offset, f"ts.{rule}", SOURCE + clause, bytes(seen[:SEEN_BYTES]), explain)
            self.found.violations.append(violation)

    def read(self) -> TransportStream:
        for packet in self._packets():
            self.found.packets += 1
            if packet.pid == NULL_PID:
                continue
            self._count(packet)
            if packet.scrambled or not packet.has_payload:
                continue
            if packet.pid == PAT_PID or packet.pid in self.found.programs.values():
                self._table(packet)
            elif packet.pid in self.found.streams:
                self._stream(packet)
        for pid in list(self.open):
            self._close(pid)
        self.found.pes.sort(key=lambda pes: pes.offset)
        return self.found

    def _packets(self) -> Iterator[_Packet]:
        for offset in range(0, len(self.data), PACKET_BYTES):
            raw = self.data[offset : offset + PACKET_BYTES]
            if len(raw) < PACKET_BYTES:
                self.note(offset, "packet.short", raw, f"The last packet has {len(raw)} bytes, not 188", "2.4.3.2")
                return
            if raw[0] != SYNC:
                self.note(offset, "sync", raw, "A packet does not begin with 0x47", "2.4.3.3")
                return
            if raw[1] & 0x80:
                self.note(offset, "error_indicator", raw[:4], "transport_error_indicator is set", "2.4.3.3")
            yield self._packet(offset, raw)

    def _packet(self, offset: int, raw: bytes) -> _Packet:
        control = raw[3] >> 4 & 3
        start, flags = 4, 0
        if control == 0:
            self.note(offset, "adaptation.reserved", raw[:4], "adaptation_field_control is 0", "2.4.3.3")
        if control & 2:
            size = raw[4]
            start = 5 + size
            flags = raw[5] if size else 0
            if size > (182 if control == 3 else 183):
                self.note(offset, "adaptation.length", raw[:6], f"adaptation_field_length is {size}", "2.4.3.5")
                start = PACKET_BYTES
        return _Packet(
            offset,
            (raw[1] & 0x1F) << 8 | raw[2],
            bool(raw[1] & 0x40),
            raw[3] & 0x0F,
            bool(control & 1),
            raw[start:] if control & 1 else b"",
            bool(flags & 0x40),
            bool(flags & 0x80),
            bool(raw[3] & 0xC0),
        )

    def _count(self, packet: _Packet) -> None:
        pid = packet.pid
        if pid not in self.seen_pids and packet.discontinuity:
            self.found.marked.add(pid)
        self.seen_pids.add(pid)
        last = self.found.last_counters.get(pid)
        if not packet.has_payload:
            return
        if last is None:
            self.found.first_counters[pid] = packet.counter
        elif packet.counter == last and not self.repeats.get(pid):
            self.repeats[pid] = 1
            return
        elif packet.counter != (last + 1) & 0x0F and not packet.discontinuity:
            explain = f"continuity_counter {packet.counter} of pid {pid} follows {last}"
            self.note(packet.offset, "continuity", self.data[packet.offset : packet.offset + 4], explain, "2.4.3.3")
        self.repeats.pop(pid, None)
        self.found.last_counters[pid] = packet.counter

    def _table(self, packet: _Packet) -> None:
        pid, payload = packet.pid, packet.payload
        if packet.starts:
            pointer = payload[0] if payload else 0
            if pointer >= len(payload):
                self.note(packet.offset, "section.pointer", payload[:1], "pointer_field leaves the packet", "2.4.4.2")
                return
            self.sections[pid] = bytearray(payload[1 + pointer :])
        elif pid in self.sections:
            self.sections[pid] += payload
        else:
            return
        buffer = self.sections[pid]
        if len(buffer) < 3:
            return
        size = 3 + ((buffer[1] & 0x0F) << 8 | buffer[2])
        if size > LARGEST_SECTION:
            self.note(packet.offset, "section.length", bytes(buffer[:3]), f"A section of {size} bytes", "2.4.4.5")
            del self.sections[pid]
        elif len(buffer) >= size:
            del self.sections[pid]
            self._section(packet, bytes(buffer[:size]))

    def _section(self, packet: _Packet, section: bytes) -> None:
        name, expected, clause = ("PAT", 0, "2.4.4.5") if packet.pid == PAT_PID else ("PMT", 2, "2.4.4.9")
        self.found.table_order.append(name)
        if len(section) < 12 or crc32(section):
            self.note(packet.offset, "section.crc", section, f"The CRC of the {name} is wrong", clause)
            return
        if section[0] != expected:
            self.note(packet.offset, "section.table", section[:3], f"table_id of the {name} is {section[0]}", clause)
            return
        if name == "PAT":
            for at in range(8, len(section) - 7, 4):
                number = int.from_bytes(section[at : at + 2], "big")
                if number:
                    self.found.programs[number] = int.from_bytes(section[at + 2 : at + 4], "big") & 0x1FFF
            return
        self._streams(packet.offset, section)

    def _streams(self, offset: int, section: bytes) -> None:
        at = 12 + ((section[10] & 0x0F) << 8 | section[11])
        while at + 5 <= len(section) - 4:
            pid = int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF
            self.found.streams[pid] = section[at]
            at += 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])
        if at != len(section) - 4:
            self.note(offset, "pmt.length", section, "The descriptions of streams do not fill the PMT", "2.4.4.9")

    def _stream(self, packet: _Packet) -> None:
        if packet.starts:
            self._close(packet.pid)
            self.open[packet.pid] = _OpenPes(packet.offset, packet.random_access, bytearray(packet.payload))
        elif packet.pid in self.open:
            self.open[packet.pid].data += packet.payload

    def _close(self, pid: int) -> None:
        started = self.open.pop(pid, None)
        if started is None:
            return
        data, offset = bytes(started.data), started.offset
        if data[:3] != b"\x00\x00\x01" or len(data) < 6:
            self.note(offset, "pes.prefix", data, "A PES packet does not begin with 00 00 01", "2.4.3.7")
            return
        size = int.from_bytes(data[4:6], "big")
        if size and len(data) != 6 + size:
            explain = f"PES_packet_length is {size}, {len(data) - 6} bytes came"
            self.note(offset, "pes.length", data[:9], explain, "2.4.3.7")
        elif not size and self.found.streams[pid] not in VIDEO_TYPES:
            self.note(offset, "pes.length", data[:9], "PES_packet_length 0 outside a picture stream", "2.4.3.7")
        if data[3] in NO_PES_HEADER:
            self.found.pes.append(Pes(pid, None, None, started.random_access, offset, data[6:]))
            return
        if len(data) < 9 or data[6] & 0xC0 != 0x80:
            self.note(offset, "pes.header", data[:9], "The PES header does not begin with the bits 10", "2.4.3.7")
            return
        pts, dts = self._times(offset, data)
        self.found.pes.append(Pes(pid, pts, dts, started.random_access, offset, data[9 + data[8] :]))

    def _times(self, offset: int, data: bytes) -> tuple[int | None, int | None]:
        flags = data[7] >> 6
        if flags == 1:
            self.note(offset, "pes.flags", data[:9], "PTS_DTS_flags are 01, which is forbidden", "2.4.3.7")
        if flags < 2:
            return None, None
        needed = 5 * (flags - 1)
        if data[8] < needed or len(data) < 9 + needed:
            self.note(offset, "pes.header", data[:9], "The PES header is shorter than its time stamps", "2.4.3.7")
            return None, None
        pts = self._time(offset, data[9:14], flags)
        if flags == 2:
            return pts, None
        dts = self._time(offset, data[14:19], 1)
        if (pts - dts) % WRAP > WRAP // 2:
            self.note(offset, "pes.order", data[:19], "The decoding time lies behind the presentation time", "2.7.5")
        return pts, dts

    def _time(self, offset: int, data: bytes, prefix: int) -> int:
        if data[0] >> 4 != prefix or not data[0] & data[2] & data[4] & 1:
            self.note(offset, "pes.time", data, "The marker bits of a time stamp are wrong", "2.4.3.7")
        return (data[0] >> 1 & 7) << 30 | data[1] << 22 | (data[2] >> 1) << 15 | data[3] << 7 | data[4] >> 1
