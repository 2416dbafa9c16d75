"""The checksums of S3: CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256 (S3 API, Checking object integrity).

The two CRCs that the standard library lacks are computed here, long blocks in many lanes at once: a CRC is linear, so
the lanes are computed side by side and folded, and the CRCs of parts combine to that of the whole.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from functools import cache
from typing import Any, Protocol

import numpy as np

HEADER = "x-amz-checksum-"
SHORT = 512
BUFFERED = 1 << 20


class Sum(Protocol):
    """A checksum as it grows."""

    def update(self, data: bytes) -> None:
        """Append."""

    def digest(self) -> bytes:
        """What it has come to."""


class Crc:
    """A reflected CRC of ``width`` bits with all ones before and after; ``polynomial`` reflected."""

    def __init__(self, width: int, polynomial: int) -> None:
        self.width, self.ones = width, (1 << width) - 1
        self.table = [self._entry(byte, polynomial) for byte in range(256)]
        self._dtype = np.uint32 if width == 32 else np.uint64
        self._lookup = np.array(self.table, self._dtype)
        self._powers: list[list[list[int]]] = []

    @staticmethod
    def _entry(byte: int, polynomial: int) -> int:
        for _ in range(8):
            byte = (byte >> 1) ^ (polynomial if byte & 1 else 0)
        return byte

    def of(self, data: bytes, crc: int = 0) -> int:
        """The CRC of what had ``crc``, followed by ``data``."""
        register = crc ^ self.ones
        if len(data) >= SHORT:
            return self.shift(register, len(data)) ^ self._lanes(data) ^ self.ones
        for byte in data:
            register = (register >> 8) ^ self.table[(register ^ byte) & 0xFF]
        return register ^ self.ones

    def combine(self, first: int, second: int, length: int) -> int:
        """The CRC of two pieces, the second of ``length`` bytes."""
        return self.shift(first, length) ^ second

    def shift(self, register: int, count: int) -> int:
        """A register after ``count`` bytes of zero."""
        power = 0
        while count:
            if count & 1:
                register = self._apply(self._power(power), register)
            count, power = count >> 1, power + 1
        return register

    @staticmethod
    def _apply(tables: list[list[int]], register: int) -> int:
        found = 0
        for table in tables:
            found ^= table[register & 0xFF]
            register >>= 8
        return found

    def _power(self, power: int) -> list[list[int]]:
        """Tables, one a byte of the register, that skip 2**power bytes of zero."""
        if not self._powers:
            first = [[self._zero(byte << (8 * place)) for byte in range(256)] for place in range(self.width // 8)]
            self._powers.append(first)
        while len(self._powers) <= power:
            last = self._powers[-1]
            self._powers.append([[self._apply(last, entry) for entry in table] for table in last])
        return self._powers[power]

    def _zero(self, register: int) -> int:
        return (register >> 8) ^ self.table[register & 0xFF]

    def _lanes(self, data: bytes) -> int:
        """The register that an empty one has become after ``data``."""
        depth = max(4, len(data).bit_length() // 2 - 2)
        step = 1 << depth
        lanes = 1 << (-(-len(data) // step) - 1).bit_length()
        padded = np.zeros(lanes * step, np.uint8)
        padded[-len(data) :] = np.frombuffer(data, np.uint8)
        columns = np.ascontiguousarray(padded.reshape(lanes, step).T)
        registers: Any = np.zeros(lanes, self._dtype)
        for column in columns:
            registers = (registers >> self._dtype(8)) ^ self._lookup[(registers.astype(np.uint8)) ^ column]
        while len(registers) > 1:
            registers = self._folded(registers[0::2], depth) ^ registers[1::2]
            depth += 1
        return int(registers[0])

    def _folded(self, registers: Any, depth: int) -> Any:
        found = np.zeros_like(registers)
        for place, table in enumerate(self._arrays(depth)):
            found ^= table[(registers >> self._dtype(8 * place)).astype(np.uint8)]
        return found

    @cache  # noqa: B019 - there are two CRCs, and they live as long as the program
    def _arrays(self, power: int) -> list[Any]:
        return [np.array(table, self._dtype) for table in self._power(power)]


@cache
def crc32() -> Crc:
    """CRC-32 of zlib, here for combining only."""
    return Crc(32, 0xEDB88320)


@cache
def crc32c() -> Crc:
    """CRC-32C, Castagnoli (RFC 3720 B.4)."""
    return Crc(32, 0x82F63B78)


@cache
def crc64nvme() -> Crc:
    """CRC-64/NVME (NVM Express NVM Command Set)."""
    return Crc(64, 0x9A6C9329AC4BC9B5)


class Zlib:
    """CRC-32 as it grows."""

    def __init__(self) -> None:
        self.crc = 0

    def update(self, data: bytes) -> None:
        """Append."""
        self.crc = zlib.crc32(data, self.crc)

    def digest(self) -> bytes:
        """Four bytes, most significant first."""
        return self.crc.to_bytes(4, "big")


class Buffered:
    """One of the other CRCs as it grows; short pieces are gathered, because long blocks go faster."""

    def __init__(self, crc: Crc) -> None:
        self.crc, self.value, self.waiting = crc, 0, bytearray()

    def update(self, data: bytes) -> None:
        """Append."""
        self.waiting += data
        if len(self.waiting) >= BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Compute what waits."""
        self.value = self.crc.of(bytes(self.waiting), self.value)
        self.waiting.clear()

    def digest(self) -> bytes:
        """Most significant byte first."""
        self.flush()
        return self.value.to_bytes(self.crc.width // 8, "big")


SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
COMBINED = {"crc32": crc32, "crc32c": crc32c, "crc64nvme": crc64nvme}


def new(algorithm: str) -> Sum:
    """An empty checksum of that algorithm, a key of SIZES."""
    match algorithm:
        case "crc32":
            return Zlib()
        case "crc32c":
            return Buffered(crc32c())
        case "crc64nvme":
            return Buffered(crc64nvme())
        case "sha1":
            return hashlib.sha1(usedforsecurity=False)
    return hashlib.sha256()


def text_of(digest: bytes) -> str:
    """As a header or element tells it."""
    return base64.b64encode(digest).decode()


def composite(algorithm: str, digests: list[bytes]) -> str:
    """The checksum of the checksums of the parts, with their number."""
    whole = new(algorithm)
    whole.update(b"".join(digests))
    return f"{text_of(whole.digest())}-{len(digests)}"


def combined(algorithm: str, parts: list[tuple[bytes, int]]) -> str:
    """The CRC of the whole from (CRC, length) of its parts."""
    crc = COMBINED[algorithm]()
    value = 0
    for digest, length in parts:
        value = crc.combine(value, int.from_bytes(digest, "big"), length)
    return text_of(value.to_bytes(SIZES[algorithm], "big"))
