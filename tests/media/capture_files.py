"""Capture files written byte by byte, for tests: (time in ns, frame) pairs in, files out."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

ETHERNET, NULL, RAW, SLL, SLL2 = 1, 0, 101, 113, 276
Timed = tuple[int, bytes]
MAGIC = {"micro": 0xA1B2C3D4, "nano": 0xA1B23C4D}


def write_pcap(
    path: Path, packets: Iterable[Timed], *, order: str = "<", unit: str = "micro", link: int = ETHERNET
) -> Path:
    """Classic pcap."""
    parts = [struct.pack(order + "IHHiIII", MAGIC[unit], 2, 4, 0, 0, 65535, link)]
    for at, frame in packets:
        fraction = at % 10**9 // (1000 if unit == "micro" else 1)
        parts.append(struct.pack(order + "IIII", at // 10**9, fraction, len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(parts))
    return path


def block(order: str, kind: int, body: bytes) -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str) -> bytes:
    """A section header."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int, *options: tuple[int, bytes]) -> bytes:
    """An interface description."""
    listed = b"".join(struct.pack(order + "HH", c, len(v)) + v + bytes(-len(v) % 4) for c, v in options)
    end = struct.pack(order + "HH", 0, 0) if options else b""
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + listed + end)


def enhanced(order: str, number: int, ticks: int, frame: bytes, comment: bytes = b"") -> bytes:
    """An enhanced packet block, with a comment option when one is given."""
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    body = head + frame + bytes(-len(frame) % 4)
    if comment:
        body += struct.pack(order + "HH", 1, len(comment)) + comment + bytes(-len(comment) % 4)
        body += struct.pack(order + "HH", 0, 0)
    return block(order, 6, body)
