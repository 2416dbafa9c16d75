"""An access unit: everything a sender sent for one picture, as it came out of RTP packets."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.violation import Violation

START_CODE = b"\x00\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture with its parameter sets and messages.

    nals: NAL units with their headers, without start codes, in the order of arrival.
    timestamp: RTP timestamp, 32 bit, in units of the clock of the stream.
    sequences: RTP sequence numbers (16 bit) of the packets it came in.
    complete: no packet is missing before or inside it, and no part of it was unreadable.
    marker: its last packet carries the marker bit.
    violations: broken rules in its packets; ``offset`` counts from the start of the RTP payload.
    """

    nals: tuple[bytes, ...]
    timestamp: int
    sequences: tuple[int, ...]
    complete: bool
    marker: bool
    violations: tuple[Violation, ...] = ()

    def annex_b(self) -> bytes:
        """The byte stream with start codes (H.264 and H.265 Annex B), as decoders take it."""
        return b"".join(START_CODE + nal for nal in self.nals)


def split_annex_b(stream: bytes) -> tuple[bytes, ...]:
    """NAL units of a byte stream, without start codes and trailing zero bytes; bytes before the first code are lost."""
    found = []
    start = stream.find(b"\x00\x00\x01")
    while start >= 0:
        end = stream.find(b"\x00\x00\x01", start + 3)
        nal = stream[start + 3 : end if end >= 0 else len(stream)].rstrip(b"\x00")
        if nal:
            found.append(nal)
        start = end
    return tuple(found)
