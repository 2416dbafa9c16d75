"""What the player receives on one track: packets with their arrival times, read when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.protocols import h264, h265
from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.rtcp import Compound, looks_like_rtcp, parse_rtcp
from conformance.protocols.rtp import RtpPacket, parse_rtp
from conformance.protocols.rtsp_headers import Transport
from conformance.protocols.sdp_values import Media, RtpMap
from conformance.protocols.violation import CodecError
from conformance.wire import Datagram

MAX_PACKETS = 500_000


@dataclass(frozen=True, slots=True)
class ArrivedPacket:
    """An RTP packet and when it came, in seconds on the wire clock."""

    at: float
    size: int
    packet: RtpPacket


@dataclass(frozen=True, slots=True)
class ArrivedReport:
    """An RTCP compound and when it came. ``after``: RTP datagrams of its track that had come before it."""

    at: float
    raw: bytes
    compound: Compound | None
    error: CodecError | None
    after: int = 0


@dataclass
class Track:
    """One media section under way. ``rtp`` and ``rtcp`` hold raw datagrams in the order of arrival."""

    media: Media
    control: str
    transport: Transport | None = None
    channels: tuple[int, ...] = ()
    sockets: tuple[Datagram, ...] = ()
    rtp: list[tuple[float, bytes]] = field(default_factory=list)
    rtcp: list[tuple[float, bytes]] = field(default_factory=list)
    errors: list[tuple[float, CodecError]] = field(default_factory=list)
    sources: set[tuple[str, int]] = field(default_factory=set)
    _before_reports: list[int] = field(default_factory=list)
    _parsed: list[ArrivedPacket] = field(default_factory=list)
    _read: int = 0

    def take(self, data: bytes, at: float, control: bool) -> None:
        """One datagram or interleaved frame."""
        kept = self.rtcp if control else self.rtp
        if len(kept) < MAX_PACKETS:
            kept.append((at, data))
            if control:
                self._before_reports.append(len(self.rtp))

    @property
    def packets(self) -> list[ArrivedPacket]:
        """Every readable RTP packet so far; RTCP sent on the RTP path is left out."""
        for number, (at, data) in enumerate(self.rtp[self._read :], self._read):
            if looks_like_rtcp(data) and (data[1] & 0x7F) not in self.media.payload_types:
                self.rtcp.append((at, data))
                self._before_reports.append(number)
                continue
            try:
                self._parsed.append(ArrivedPacket(at, len(data), parse_rtp(data)))
            except CodecError as error:
                self.errors.append((at, error))
        self._read = len(self.rtp)
        return self._parsed

    @property
    def reports(self) -> list[ArrivedReport]:
        """Every RTCP compound so far."""
        found = []
        for (at, data), after in zip(self.rtcp, self._before_reports, strict=True):
            try:
                found.append(ArrivedReport(at, data, parse_rtcp(data), None, after))
            except CodecError as error:
                found.append(ArrivedReport(at, data, None, error, after))
        return found

    @property
    def rtpmap(self) -> RtpMap | None:
        """What the first payload type of the section means."""
        types = self.media.payload_types
        return self.media.rtpmap(types[0]) if types else None

    @property
    def codec(self) -> str:
        """``h264``, ``h265``, or the encoding name in lower case; empty when unknown."""
        found = self.rtpmap
        return found.encoding.lower() if found else ""

    @property
    def clock(self) -> int:
        """Clock rate in Hz; 90000 when the description does not say."""
        found = self.rtpmap
        return found.clock if found else 90_000

    def since(self, moment: float) -> list[ArrivedPacket]:
        """Packets that came at or after ``moment``."""
        return [arrived for arrived in self.packets if arrived.at >= moment]

    def access_units(self, since: float = 0.0) -> list[tuple[float, AccessUnit]]:
        """Access units with the arrival time of the packet that completed them; a unit not yet complete is left out."""
        return list(self._units(since))

    def _units(self, since: float) -> Iterator[tuple[float, AccessUnit]]:
        module = {"h264": h264, "h265": h265}.get(self.codec)
        if module is None:
            return
        depacketizer = module.Depacketizer()
        for arrived in self.packets:
            for unit in depacketizer.push(arrived.packet):
                if arrived.at >= since:
                    yield arrived.at, unit

    def is_random_access(self, unit: AccessUnit) -> bool:
        """Whether decoding can begin at this unit."""
        return h265.is_idr(unit) if self.codec == "h265" else h264.is_idr(unit)
