"""From RTP packets to access units: what the payload formats of H.264 and H.265 have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.rtp import RtpPacket, sequence_step
from conformance.protocols.violation import SEEN_BYTES, Violation

LATE_WINDOW = 100
MAX_NALS = 4096
MAX_BYTES = 32 * 1024 * 1024
MAX_VIOLATIONS = 64


@dataclass(slots=True)
class _OpenUnit:
    timestamp: int
    complete: bool
    nals: list[bytes] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    size: int = 0

    def closed(self, marker: bool) -> AccessUnit:
        return AccessUnit(
            nals=tuple(self.nals),
            timestamp=self.timestamp,
            sequences=tuple(self.sequences),
            complete=self.complete,
            marker=marker,
            violations=tuple(self.violations),
        )


@dataclass(slots=True)
class _OpenFragment:
    header: bytes
    data: bytearray


class UnitAssembler(ABC):
    """Packets of one stream in the order of arrival; access units as they end.

    A unit ends with the marker bit, or when the timestamp changes. A packet up to 100 sequence numbers behind the
    newest (RFC 3550 A.1) is late and is left out; the gap it left has already made its unit incomplete. The first
    packet may be in the middle of a unit: that is no violation, the unit is only incomplete.
    """

    def __init__(self, codec: str, marker_clause: str, fragment_clause: str, *, empty_fragments: bool = False) -> None:
        self._codec = codec
        self._empty_fragments = empty_fragments
        self._marker_clause = marker_clause
        self._fragment_clause = fragment_clause
        self._ssrc: int | None = None
        self._newest = 0
        self._unit: _OpenUnit | None = None
        self._fragment: _OpenFragment | None = None
        self._gap = False
        self._orphans = True
        self._marked_timestamp: int | None = None

    def push(self, packet: RtpPacket) -> list[AccessUnit]:
        """Take one packet; the units that ended with it or before it, at most two."""
        units = self.flush() if self._ssrc != packet.ssrc else []
        if self._is_late(packet):
            return units
        units += self._end_before(packet)
        unit = self._unit or self._begin(packet)
        unit.sequences.append(packet.sequence)
        if packet.payload:
            self._read(packet.payload)
        else:
            self._violate(0, "payload.empty", self._marker_clause, b"", "An RTP packet of the stream has no payload")
        if packet.marker:
            units.append(self._end(marker=True))
            self._marked_timestamp = packet.timestamp
        return units

    def flush(self) -> list[AccessUnit]:
        """The unit under way, incomplete because its end did not come. The next packet begins a new stream."""
        self._lose()
        units = [self._end(marker=False)] if self._unit else []
        self._ssrc, self._marked_timestamp = None, None
        return units

    @abstractmethod
    def _read(self, payload: bytes) -> None:
        """Take a payload of at least one byte apart with ``_whole``, ``_nal``, ``_piece`` and ``_violate``."""

    # continuity

    def _is_late(self, packet: RtpPacket) -> bool:
        if self._ssrc is None:
            self._ssrc, self._newest, self._gap = packet.ssrc, packet.sequence, False
            return False
        step = sequence_step(self._newest, packet.sequence)
        if -LATE_WINDOW <= step <= 0:
            return True
        self._newest, self._gap = packet.sequence, step != 1
        if self._gap:
            self._lose()
        return False

    def _lose(self) -> None:
        """Packets are missing: the unit under way cannot be trusted, the fragments so far are no NAL unit."""
        self._fragment, self._orphans = None, True
        if self._unit:
            self._unit.complete = False

    def _end_before(self, packet: RtpPacket) -> list[AccessUnit]:
        if self._unit is None or self._unit.timestamp == packet.timestamp:
            return []
        if not self._gap:
            explain = "The timestamp changes although no packet of the access unit had the marker bit"
            self._violate(0, "marker.missing", self._marker_clause, b"", explain)
        return [self._end(marker=False)]

    def _begin(self, packet: RtpPacket) -> _OpenUnit:
        self._unit = _OpenUnit(packet.timestamp, complete=not self._gap)
        if self._marked_timestamp == packet.timestamp and not self._gap:
            explain = "A packet of the same timestamp follows the packet with the marker bit"
            self._violate(0, "marker.early", self._marker_clause, packet.payload, explain)
        self._marked_timestamp = None
        return self._unit

    def _end(self, *, marker: bool) -> AccessUnit:
        if self._fragment:
            self._break_fragment("The access unit ends inside a fragmented NAL unit")
        assert self._unit is not None
        unit, self._unit = self._unit.closed(marker), None
        return unit

    # content

    def _violate(self, offset: int, rule: str, clause: str, seen: bytes, explain: str) -> None:
        if self._unit and len(self._unit.violations) < MAX_VIOLATIONS:
            name = f"{self._codec}.{rule}"
            self._unit.violations.append(Violation(offset, name, clause, bytes(seen[:SEEN_BYTES]), explain))

    def _spoil(self) -> None:
        """Part of the unit is lost or unreadable."""
        if self._unit:
            self._unit.complete = False

    def _nal(self, nal: bytes) -> None:
        unit = self._unit
        if unit is None:
            return
        unit.size += len(nal)
        if len(unit.nals) >= MAX_NALS or unit.size > MAX_BYTES:
            if unit.complete:
                explain = f"An access unit of more than {MAX_NALS} NAL units or {MAX_BYTES} bytes is cut off"
                self._violate(0, "unit.size", self._marker_clause, nal, explain)
            unit.complete = False
            return
        unit.nals.append(nal)

    def _whole(self) -> None:
        """What follows begins a NAL unit: an open fragmented one can no longer end."""
        self._orphans = False
        if self._fragment:
            self._break_fragment("Another NAL unit begins before the fragmented one has ended")

    def _break_fragment(self, explain: str) -> None:
        self._violate(0, "fu.end", self._fragment_clause, self._fragment.header if self._fragment else b"", explain)
        self._fragment = None
        self._spoil()

    def _piece(self, start: bool, end: bool, header: bytes, data: bytes, seen: bytes) -> None:
        """One fragment. ``header``: the NAL unit header it belongs to; ``seen``: payload for the violation."""
        clause = self._fragment_clause
        if start and end:
            explain = "A fragment has both the start and the end bit; a NAL unit that fits is sent whole"
            self._violate(len(header), "fu.start_end", clause, seen, explain)
        if not data and not self._empty_fragments:
            self._violate(len(header), "fu.empty", clause, seen, "A fragment carries no byte of the NAL unit")
        if start:
            self._whole()
            self._fragment = _OpenFragment(header, bytearray())
        if self._fragment is None:
            if not self._orphans:
                self._violate(
                    len(header), "fu.start", clause, seen, "A fragment does not follow one with the start bit"
                )
            self._orphans = True
            self._spoil()
            return
        if self._fragment.header != header:
            explain = "The fragments of one NAL unit differ in type or priority"
            self._violate(0, "fu.header", clause, seen, explain)
        self._grow(data)
        if end and self._fragment:
            self._nal(self._fragment.header + bytes(self._fragment.data))
            self._fragment = None

    def _grow(self, data: bytes) -> None:
        if self._fragment is None:
            return
        if len(self._fragment.data) + len(data) > MAX_BYTES:
            self._break_fragment(f"A fragmented NAL unit is longer than {MAX_BYTES} bytes")
        else:
            self._fragment.data += data
