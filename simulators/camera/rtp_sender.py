"""Sends one media track of one viewer as RTP, with its RTCP reports.

Packetisation by RFC 6184 (H.264: single NAL unit and FU-A), RFC 7798 (H.265: single NAL unit,
aggregation of parameter sets, FU), RFC 3551 (G.711, G.726) and RFC 3640 (AAC). Written for the simulator alone; the
toolkit reads these packets with codecs of its own.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Callable
from typing import Protocol

from simulators.camera.media_format import VIDEO_CLOCK, AccessUnit, AudioCodec, audio_clock

MTU = 1460
RTP_HEADER = 12
NTP_EPOCH = 2_208_988_800
_SR, _SDES, _BYE = 200, 202, 203
_FU_A, _H265_AP, _H265_FU = 28, 48, 49


class PacketSink(Protocol):
    """Where the packets of one track go."""

    def send_frame(self, packets: list[bytes]) -> None:
        """Send all RTP packets of one access unit."""

    def send_report(self, packet: bytes) -> None:
        """Send one RTCP compound packet."""

    def ready(self) -> bool:
        """Whether a whole access unit can be taken now; a viewer who is too slow loses it."""

    def close(self) -> None:
        """Give up sockets that belong to this track alone."""


class InterleavedSink:
    """Packets inside the RTSP connection (RFC 2326 10.12), one write for each access unit."""

    def __init__(self, transport: asyncio.WriteTransport, channels: tuple[int, int], limit: int = 512 << 10) -> None:
        self.channels = channels
        self._transport = transport
        self._limit = limit

    def send_frame(self, packets: list[bytes]) -> None:
        """Write the packets behind their ``$`` headers."""
        channel = self.channels[0]
        self._write(b"".join(struct.pack(">cBH", b"$", channel, len(packet)) + packet for packet in packets))

    def send_report(self, packet: bytes) -> None:
        """Write one RTCP packet on the second channel."""
        self._write(struct.pack(">cBH", b"$", self.channels[1], len(packet)) + packet)

    def ready(self) -> bool:
        """False while the viewer has left more than the limit unread."""
        return self._transport.get_write_buffer_size() < self._limit

    def close(self) -> None:
        """Nothing: the connection belongs to the RTSP session."""

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class UdpSink:
    """Packets over a pair of UDP sockets, RTP on the even port and RTCP on the odd one above it."""

    def __init__(self, transports: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport]) -> None:
        self._transports = transports
        self._targets: tuple[tuple[str, int], tuple[str, int]] | None = None
        self.ports = (transports[0].get_extra_info("sockname")[1], transports[1].get_extra_info("sockname")[1])

    def aim(self, host: str, ports: tuple[int, int]) -> None:
        """Send to these ports of the viewer."""
        self._targets = ((host, ports[0]), (host, ports[1]))

    def send_frame(self, packets: list[bytes]) -> None:
        """Send each packet as one datagram."""
        if self._targets is not None and not self._transports[0].is_closing():
            for packet in packets:
                self._transports[0].sendto(packet, self._targets[0])

    def send_report(self, packet: bytes) -> None:
        """Send one RTCP packet."""
        if self._targets is not None and not self._transports[1].is_closing():
            self._transports[1].sendto(packet, self._targets[1])

    def ready(self) -> bool:
        """Always: what UDP cannot carry is lost."""
        return True

    def close(self) -> None:
        """Close both sockets."""
        for transport in self._transports:
            transport.close()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._heard(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A viewer who closed its port answers with ICMP; the session timeout deals with it."""


async def open_udp_pair(host: str, heard: Callable[[bytes, tuple[str, int]], None], *, odd: bool = False) -> UdpSink:
    """Bind an even (or ``odd``) port and the one above it. ``heard`` gets what viewers send to the RTCP port.

    Raises OSError when no pair is free.
    """
    loop = asyncio.get_running_loop()
    for _ in range(64):
        rtp, _protocol = await loop.create_datagram_endpoint(
            lambda: _Listener(lambda data, peer: None), local_addr=(host, 0)
        )
        port = rtp.get_extra_info("sockname")[1]
        if port % 2 == odd:
            try:
                rtcp, _protocol = await loop.create_datagram_endpoint(
                    lambda: _Listener(heard), local_addr=(host, port + 1)
                )
            except OSError:
                rtp.close()
                continue
            return UdpSink((rtp, rtcp))
        rtp.close()
    raise OSError(f"no free pair of UDP ports on {host}")


class RtpSender:
    """One track of one session. Methods without underscore are what a faulty camera may do differently."""

    def __init__(
        self, kind: str, payload_type: int, sink: PacketSink, cname: str, *, mtu: int = MTU, codec: AudioCodec = "pcma"
    ) -> None:
        self.kind = kind
        self.sink = sink
        self.cname = cname
        self.mtu = mtu
        self.clock_rate = VIDEO_CLOCK if kind == "video" else audio_clock(codec)
        self.ssrc = secrets.randbits(32)
        self.sequence = secrets.randbits(16)
        self.packets = 0
        self.octets = 0
        self._payload_type = payload_type
        self._codec = codec
        self._rtptime = secrets.randbits(32)
        self._origin: float | None = None
        self._said_bye = False

    def payload_type(self) -> int:
        """The payload type in every packet, as announced in the SDP."""
        return self._payload_type

    def next_sequence(self) -> int:
        """The sequence number of the packet that goes out now."""
        value = self.sequence
        self.sequence = (value + 1) & 0xFFFF
        return value

    def timestamp(self, at: float) -> int:
        """The RTP timestamp of capture time ``at`` (monotonic seconds)."""
        origin = at if self._origin is None else self._origin
        return (self._rtptime + round((at - origin) * self.clock_rate)) & 0xFFFFFFFF

    def marker(self, index: int, count: int) -> bool:
        """The marker bit of packet ``index`` of ``count``: the end of a picture, a whole AAC unit (RFC 3640 3.1); never
        set in other steady audio."""
        return index == count - 1 if self.kind == "video" else self._codec == "aac"

    def payloads(self, unit: AccessUnit) -> list[bytes]:
        """The payloads of one access unit, each no longer than the MTU allows."""
        room = self.mtu - RTP_HEADER
        if unit.kind == "audio":
            return [aac_payload(frame) for frame in unit.nals] if self._codec == "aac" else list(unit.nals)
        return h264_payloads(unit.nals, room) if unit.settings.codec == "h264" else h265_payloads(unit.nals, room)

    def arm(self, now: float) -> int:
        """Prepare a start or resumption: the RTP timestamp that the next start will carry."""
        self._rtptime = self.timestamp(now)
        self._origin = None
        return self._rtptime

    def start(self, origin: float) -> None:
        """The announced RTP timestamp belongs to capture time ``origin``."""
        self._origin = origin
        self._said_bye = False

    @property
    def started(self) -> bool:
        """Whether the timestamps are bound to a capture time."""
        return self._origin is not None

    def send(self, unit: AccessUnit) -> None:
        """Packetise one access unit and hand it to the sink."""
        payloads = self.payloads(unit)
        last, timestamp = len(payloads), self.timestamp(unit.at)
        packets = [self.packet(data, self.marker(index, last), timestamp) for index, data in enumerate(payloads)]
        self.count(payloads)
        self.deliver(packets)

    def packet(self, payload: bytes, marker: bool, timestamp: int) -> bytes:
        """One RTP packet (RFC 3550 5.1)."""
        second = marker << 7 | self.payload_type()
        return struct.pack(">BBHII", 0x80, second, self.next_sequence(), timestamp, self.ssrc) + payload

    def count(self, payloads: list[bytes]) -> None:
        """Count what goes out, for the sender reports (RFC 3550 6.4.1)."""
        self.packets += len(payloads)
        self.octets += sum(map(len, payloads))

    def deliver(self, packets: list[bytes]) -> None:
        """Hand the packets of one access unit to the sink."""
        self.sink.send_frame(packets)

    def report(self, at: float, epoch: float) -> None:
        """Send a sender report for capture time ``at``, which is ``epoch`` by the device clock, and the CNAME."""
        self.sink.send_report(self.sender_report(at, epoch) + self.description())

    def bye(self, at: float, epoch: float) -> None:
        """Say once that this source has ended (RFC 3550 6.6)."""
        if not self._said_bye and self.started:
            self._said_bye = True
            goodbye = struct.pack(">BBHI", 0x81, _BYE, 1, self.ssrc)
            self.sink.send_report(self.sender_report(at, epoch) + self.description() + goodbye)

    def sender_report(self, at: float, epoch: float) -> bytes:
        """A sender report without report blocks (RFC 3550 6.4.1)."""
        seconds, fraction = divmod(round((epoch + NTP_EPOCH) * (1 << 16)), 1 << 16)
        return struct.pack(
            ">BBHIIIIII", 0x80, _SR, 6, self.ssrc, seconds & 0xFFFFFFFF, fraction << 16,
            self.timestamp(at), self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF,
        )  # fmt: skip

    def description(self) -> bytes:
        """A source description with the CNAME (RFC 3550 6.5.1)."""
        name = self.cname.encode("utf-8")[:255]
        item = bytes((1, len(name))) + name
        item += b"\0" * (4 - len(item) % 4)
        return struct.pack(">BBHI", 0x81, _SDES, 1 + len(item) // 4, self.ssrc) + item


def h264_payloads(nals: tuple[bytes, ...], room: int) -> list[bytes]:
    """RFC 6184 5.6 and 5.8: each NAL unit by itself, or in FU-A fragments when longer than ``room``."""
    payloads = []
    for nal in nals:
        if len(nal) <= room:
            payloads.append(nal)
            continue
        indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
        payloads += [
            bytes((indicator, first << 7 | last << 6 | kind)) + piece
            for first, last, piece in _pieces(nal[1:], room - 2)
        ]
    return payloads


def h265_payloads(nals: tuple[bytes, ...], room: int) -> list[bytes]:
    """RFC 7798 4.4: parameter sets together in one aggregation packet, the rest single or in fragments."""
    payloads = []
    sets = [nal for nal in nals if nal[0] >> 1 & 0x3F in (32, 33, 34)]
    together = sum(len(nal) + 2 for nal in sets) + 2 <= room and len(sets) > 1
    if together:
        body = b"".join(struct.pack(">H", len(nal)) + nal for nal in sets)
        payloads.append(bytes((_H265_AP << 1, 1)) + body)
    for nal in nals:
        if together and nal in sets:
            continue
        if len(nal) <= room:
            payloads.append(nal)
            continue
        header, kind = bytes((nal[0] & 0x81 | _H265_FU << 1, nal[1])), nal[0] >> 1 & 0x3F
        payloads += [
            header + bytes((first << 7 | last << 6 | kind,)) + piece
            for first, last, piece in _pieces(nal[2:], room - 3)
        ]
    return payloads


def aac_payload(frame: bytes) -> bytes:
    """RFC 3640 3.2 and 3.3.6: one AU header of 13 bits of size and 3 bits of index, then the access unit."""
    return struct.pack(">HH", 16, len(frame) << 3) + frame


def _pieces(data: bytes, size: int) -> list[tuple[bool, bool, bytes]]:
    """Cut ``data`` into pieces: whether it is the first, whether it is the last, its bytes."""
    starts = range(0, len(data), size)
    return [(start == 0, start + size >= len(data), data[start : start + size]) for start in starts]
