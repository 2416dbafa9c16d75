"""H.264 in RTP (RFC 6184): packets to access units, NAL units to payloads."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.unit_assembler import UnitAssembler
from conformance.protocols.violation import CodecError

SLICE, IDR, SEI, SPS, PPS, DELIMITER = 1, 5, 6, 7, 8, 9
STAP_A, STAP_B, MTAP16, MTAP24, FU_A, FU_B = 24, 25, 26, 27, 28, 29
RESERVED_NAL_TYPES = frozenset((17, 18, 22, 23))
_INTERLEAVED = {STAP_B: "STAP-B", MTAP16: "MTAP16", MTAP24: "MTAP24", FU_B: "FU-B"}
_FORBIDDEN = 0x80


class H264Error(CodecError):
    """Bytes that are no H.264 parameter set, or NAL units that no payload can carry."""


def nal_type(nal: bytes) -> int:
    """nal_unit_type (H.264 7.4.1), -1 for no bytes."""
    return nal[0] & 0x1F if nal else -1


def is_idr(unit: AccessUnit) -> bool:
    """Whether the unit holds a slice of an IDR picture, so that decoding can begin here."""
    return any(nal_type(nal) == IDR for nal in unit.nals)


class Depacketizer(UnitAssembler):
    """Packets of one stream to access units: single NAL units, STAP-A and FU-A (RFC 6184 5.6, 5.7.1, 5.8)."""

    def __init__(self) -> None:
        super().__init__("h264", "RFC 6184 5.1", "RFC 6184 5.8", empty_fragments=True)

    def _read(self, payload: bytes) -> None:
        kind = nal_type(payload)
        if payload[0] & _FORBIDDEN:
            explain = "The forbidden_zero_bit of the payload header is set"
            self._violate(0, "nal.forbidden_bit", "RFC 6184 5.3", payload, explain)
        if kind == FU_A:
            self._fragment_unit(payload)
            return
        self._whole()
        if kind == STAP_A:
            self._aggregate(payload)
        elif kind in _INTERLEAVED:
            explain = f"{_INTERLEAVED[kind]} belongs to the interleaved mode only (packetization-mode 2)"
            self._violate(0, "packet.interleaved", "RFC 6184 6.3", payload, explain)
            self._spoil()
        elif not 1 <= kind <= 23:
            self._violate(0, "packet.reserved", "RFC 6184 5.4", payload, f"Packet type {kind} is reserved")
            self._spoil()
        else:
            self._take(payload, 0)

    def _take(self, nal: bytes, offset: int) -> None:
        kind = nal_type(nal)
        if kind in RESERVED_NAL_TYPES:
            self._violate(offset, "nal.reserved", "H.264 7.4.1", nal, f"NAL unit type {kind} is reserved")
        if len(nal) < 2:
            self._violate(offset, "nal.empty", "H.264 7.3.1", nal, "A NAL unit is a header without content")
        self._nal(nal)

    def _aggregate(self, payload: bytes) -> None:
        position, priority, count = 1, 0, 0
        while position < len(payload):
            size = int.from_bytes(payload[position : position + 2], "big")
            nal = payload[position + 2 : position + 2 + size]
            if position + 2 > len(payload) or len(nal) < size or size == 0:
                explain = "A size in the STAP-A is zero or goes beyond the packet"
                self._violate(position, "stap.size", "RFC 6184 5.7.1", payload[position:], explain)
                self._spoil()
                return
            self._aggregated(nal, position + 2)
            priority = max(priority, nal[0] & 0x60)
            position, count = position + 2 + size, count + 1
        if count == 0:
            self._violate(0, "stap.empty", "RFC 6184 5.7.1", payload, "The STAP-A holds no NAL unit")
        elif priority != payload[0] & 0x60:
            explain = "The NRI of the STAP-A is not the highest NRI of its NAL units"
            self._violate(0, "stap.nri", "RFC 6184 5.7", payload, explain)

    def _aggregated(self, nal: bytes, offset: int) -> None:
        if nal[0] & _FORBIDDEN:
            explain = "The forbidden_zero_bit of a NAL unit is set"
            self._violate(offset, "nal.forbidden_bit", "RFC 6184 5.3", nal, explain)
        if not 1 <= nal_type(nal) <= 23:
            explain = f"A STAP-A holds NAL units only, not type {nal_type(nal)}"
            self._violate(offset, "stap.nested", "RFC 6184 5.7.1", nal, explain)
            self._spoil()
            return
        self._take(nal, offset)

    def _fragment_unit(self, payload: bytes) -> None:
        if len(payload) < 2:
            self._violate(0, "fu.short", "RFC 6184 5.8", payload, "The FU header is missing")
            self._spoil()
            return
        head = payload[1]
        kind = head & 0x1F
        if head & 0x20:
            self._violate(1, "fu.reserved_bit", "RFC 6184 5.8", payload, "The reserved bit of the FU header is set")
        if not 1 <= kind <= 23:
            explain = f"A fragmented NAL unit cannot have type {kind}"
            self._violate(1, "fu.type", "RFC 6184 5.8", payload, explain)
            self._spoil()
        header = bytes((payload[0] & 0xE0 | kind,))
        self._piece(bool(head & 0x80), bool(head & 0x40), header, payload[2:], payload)


def packetize(nals: Sequence[bytes], mtu: int, *, aggregate: bool = False) -> list[tuple[bytes, bool]]:
    """RTP payloads of one access unit and the marker bit of each (packetization-mode 1, RFC 6184 6.2).

    mtu: bytes an RTP payload may have (without RTP, UDP and IP headers), 3 or more. ``aggregate`` puts small NAL units
    that follow each other into a STAP-A. Raises H264Error for a NAL unit that is empty or of a type that is none.
    """
    if mtu < 3:
        raise H264Error(0, "h264.mtu", b"", "A payload has at least 3 bytes", "RFC 6184 5.8")
    payloads: list[bytes] = []
    for group in _groups(nals, mtu) if aggregate else [[nal] for nal in nals]:
        payloads.extend(_payloads(group, mtu))
    return [(payload, index == len(payloads) - 1) for index, payload in enumerate(payloads)]


def _groups(nals: Sequence[bytes], mtu: int) -> list[list[bytes]]:
    groups: list[list[bytes]] = []
    size = mtu
    for nal in nals:
        if size + 2 + len(nal) > mtu:
            groups.append([])
            size = 1
        groups[-1].append(nal)
        size += 2 + len(nal)
    return groups


def _payloads(group: list[bytes], mtu: int) -> list[bytes]:
    for nal in group:
        if not 1 <= nal_type(nal) <= 23:
            raise H264Error(0, "h264.nal.type", nal, "This is no NAL unit that RTP can carry", "RFC 6184 5.4")
    if len(group) > 1:
        head = max(nal[0] & 0x60 for nal in group) | max(nal[0] & 0x80 for nal in group) | STAP_A
        return [bytes((head,)) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in group)]
    nal = group[0]
    if len(nal) <= mtu:
        return [nal]
    indicator, kind, room = nal[0] & 0xE0 | FU_A, nal_type(nal), mtu - 2
    pieces = [nal[at : at + room] for at in range(1, len(nal), room)]
    last = len(pieces) - 1
    return [
        bytes((indicator, (index == 0) << 7 | (index == last) << 6 | kind)) + piece
        for index, piece in enumerate(pieces)
    ]
