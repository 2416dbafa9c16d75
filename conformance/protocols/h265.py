"""H.265 in RTP (RFC 7798): packets to access units, NAL units to payloads."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.h265_sps import (
    PPS,
    SPS,
    VPS,
    H265Error,
    PictureParameters,
    SequenceParameters,
    VideoParameters,
    nal_type,
    parse_pps,
    parse_sps,
    parse_vps,
)
from conformance.protocols.unit_assembler import UnitAssembler

__all__ = [
    "PPS", "SPS", "VPS", "Depacketizer", "H265Error", "PictureParameters", "SequenceParameters", "VideoParameters",
    "is_idr", "nal_type", "packetize", "parse_pps", "parse_sps", "parse_vps",
]  # fmt: skip

BLA_W_LP, IDR_W_RADL, IDR_N_LP, CRA, LAST_IRAP = 16, 19, 20, 21, 23
DELIMITER, PREFIX_SEI, SUFFIX_SEI = 35, 39, 40
AGGREGATION, FRAGMENTATION, PACI = 48, 49, 50
HEADER = 2
_FORBIDDEN = 0x80
_RESERVED_NAL_TYPES = frozenset((*range(10, 16), *range(22, 32), *range(41, 48)))


def is_idr(unit: AccessUnit) -> bool:
    """Whether decoding can begin at this unit: it holds a slice of an IRAP picture (IDR, CRA or BLA)."""
    return any(BLA_W_LP <= nal_type(nal) <= LAST_IRAP for nal in unit.nals)


class Depacketizer(UnitAssembler):
    """Packets of one stream to access units: single NAL units, AP, FU and PACI (RFC 7798 4.4).

    with_order_numbers: payloads carry decoding order numbers (sprop-max-don-diff above 0). They are passed over: NAL
    units stay in the order of transmission.
    """

    def __init__(self, *, with_order_numbers: bool = False) -> None:
        super().__init__("h265", "RFC 7798 4.1", "RFC 7798 4.4.3")
        self._order_size = 2 if with_order_numbers else 0

    def _read(self, payload: bytes) -> None:
        if len(payload) <= HEADER:
            explain = "The payload is no longer than its header"
            self._violate(0, "payload.short", "RFC 7798 4.2", payload, explain)
            self._spoil()
            return
        self._check_header(payload, 0)
        kind = nal_type(payload)
        if kind == PACI:
            self._with_content_information(payload)
        elif kind == FRAGMENTATION:
            self._fragment_unit(payload)
        elif kind > PACI:
            self._whole()
            self._violate(0, "packet.reserved", "RFC 7798 4.2", payload, f"Packet type {kind} is not specified")
            self._spoil()
        else:
            self._whole()
            if kind == AGGREGATION:
                self._aggregate(payload)
            else:
                self._take(payload[:HEADER] + payload[HEADER + self._order_size :], 0)

    def _check_header(self, header: bytes, offset: int) -> None:
        if header[0] & _FORBIDDEN:
            explain = "The forbidden_zero_bit of the header is set"
            self._violate(offset, "nal.forbidden_bit", "RFC 7798 1.1.4", header, explain)
        if header[1] & 0x07 == 0:
            explain = "nuh_temporal_id_plus1 is 0"
            self._violate(offset, "nal.temporal_id", "RFC 7798 1.1.4", header, explain)

    def _take(self, nal: bytes, offset: int) -> None:
        kind = nal_type(nal)
        if kind in _RESERVED_NAL_TYPES:
            self._violate(offset, "nal.reserved", "H.265 7.4.2.2", nal, f"NAL unit type {kind} is reserved")
        if len(nal) <= HEADER:
            self._violate(offset, "nal.empty", "H.265 7.3.1.1", nal, "A NAL unit is a header without content")
        self._nal(nal)

    def _aggregate(self, payload: bytes) -> None:
        position, count = HEADER, 0
        nals = []
        while position < len(payload):
            position += (self._order_size if count == 0 else min(self._order_size, 1)) + 2
            size = int.from_bytes(payload[position - 2 : position], "big")
            nal = payload[position : position + size]
            if position > len(payload) or len(nal) < size or size < HEADER:
                explain = "A size in the aggregation packet is too small or goes beyond the packet"
                self._violate(position - 2, "ap.size", "RFC 7798 4.4.2", payload[position - 2 :], explain)
                self._spoil()
                return
            self._aggregated(nal, position)
            nals.append(nal)
            position, count = position + size, count + 1
        if count < 2:
            explain = f"An aggregation packet holds at least two NAL units, not {count}"
            self._violate(0, "ap.count", "RFC 7798 4.4.2", payload, explain)
        elif _aggregation_header(nals) != payload[:HEADER]:
            explain = (
                "LayerId and TID of the aggregation packet are not the lowest of its NAL units, or F is not the or"
            )
            self._violate(0, "ap.header", "RFC 7798 4.4.2", payload, explain)

    def _aggregated(self, nal: bytes, offset: int) -> None:
        self._check_header(nal, offset)
        if nal_type(nal) >= AGGREGATION:
            explain = f"An aggregation packet holds NAL units only, not type {nal_type(nal)}"
            self._violate(offset, "ap.nested", "RFC 7798 4.4.2", nal, explain)
            self._spoil()
            return
        self._take(nal, offset)

    def _fragment_unit(self, payload: bytes) -> None:
        head = payload[HEADER]
        kind, start = head & 0x3F, bool(head & 0x80)
        if kind >= AGGREGATION:
            explain = f"A fragmented NAL unit cannot have type {kind}"
            self._violate(HEADER, "fu.type", "RFC 7798 4.4.3", payload, explain)
            self._spoil()
        header = bytes((payload[0] & 0x81 | kind << 1, payload[1]))
        data = payload[HEADER + 1 + (self._order_size if start else 0) :]
        self._piece(start, bool(head & 0x40), header, data, payload)

    def _with_content_information(self, payload: bytes) -> None:
        """RFC 7798 4.4.4: behind its own fields a PACI packet carries the rest of another payload."""
        fields = int.from_bytes(payload[HEADER : HEADER + 2], "big")
        kind, rest = fields >> 9 & 0x3F, HEADER + 2 + (fields >> 4 & 0x1F)
        if kind == PACI or len(payload) <= rest:
            explain = "A PACI packet carries another PACI packet, or nothing"
            self._violate(HEADER, "paci", "RFC 7798 4.4.4", payload, explain)
            self._whole()
            self._spoil()
            return
        first = (fields >> 15) << 7 | kind << 1 | payload[0] & 0x01
        self._read(bytes((first, payload[1])) + payload[rest:])


def packetize(nals: Sequence[bytes], mtu: int, *, aggregate: bool = False) -> list[tuple[bytes, bool]]:
    """RTP payloads of one access unit and the marker bit of each, without decoding order numbers (RFC 7798 4.4).

    mtu: bytes an RTP payload may have (without RTP, UDP and IP headers), 4 or more. ``aggregate`` puts small NAL units
    that follow each other into an aggregation packet. Raises H265Error for what is no NAL unit.
    """
    if mtu < HEADER + 2:
        raise H265Error(0, "h265.mtu", b"", "A payload has at least 4 bytes", "RFC 7798 4.4.3")
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
            size = HEADER
        groups[-1].append(nal)
        size += 2 + len(nal)
    return groups


def _payloads(group: list[bytes], mtu: int) -> list[bytes]:
    for nal in group:
        if len(nal) <= HEADER or nal_type(nal) >= AGGREGATION:
            raise H265Error(0, "h265.nal.type", nal, "This is no NAL unit that RTP can carry", "RFC 7798 4.2")
    if len(group) > 1:
        return [_aggregation_header(group) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in group)]
    nal = group[0]
    if len(nal) <= mtu:
        return [nal]
    header = bytes((nal[0] & 0x81 | FRAGMENTATION << 1, nal[1]))
    kind, room = nal_type(nal), mtu - HEADER - 1
    pieces = [nal[at : at + room] for at in range(HEADER, len(nal), room)]
    last = len(pieces) - 1
    return [
        header + bytes(((index == 0) << 7 | (index == last) << 6 | kind,)) + piece for index, piece in enumerate(pieces)
    ]


def _aggregation_header(group: list[bytes]) -> bytes:
    """F is set when one has it; layer and temporal id are the lowest of all (RFC 7798 4.4.2)."""
    forbidden = max(nal[0] & _FORBIDDEN for nal in group)
    layer = min((nal[0] & 1) << 5 | nal[1] >> 3 for nal in group)
    temporal = min(nal[1] & 0x07 for nal in group)
    return bytes((forbidden | AGGREGATION << 1 | layer >> 5, (layer & 0x1F) << 3 | temporal))
