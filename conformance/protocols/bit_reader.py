"""Bits of H.26x parameter sets and slice headers: fixed length and Exp-Golomb codes, emulation prevention."""

from __future__ import annotations

from conformance.protocols.violation import SEEN_BYTES, CodecError

LONGEST_PREFIX = 32


class BitReader:
    """Reads bits from the most significant one on. What runs over the end raises ``error`` with rule ``rule``."""

    def __init__(self, data: bytes, error: type[CodecError], rule: str) -> None:
        self._data = data
        self._number = int.from_bytes(data, "big")
        self._size = len(data) * 8
        self._error = error
        self._rule = rule
        self.position = 0

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._size - self.position

    def bits(self, count: int) -> int:
        """An unsigned number of ``count`` bits, u(n)."""
        if count > self.left:
            raise self.broken(f"{count} bits are wanted, {self.left} are left")
        self.position += count
        return self._number >> (self._size - self.position) & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit, u(1)."""
        return bool(self.bits(1))

    def skip(self, count: int) -> None:
        """Pass over ``count`` bits."""
        self.bits(count)

    def ue(self, largest: int = (1 << 32) - 2) -> int:
        """An unsigned Exp-Golomb code, ue(v), refused above ``largest``."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > LONGEST_PREFIX:
                raise self.broken(f"an Exp-Golomb code has more than {LONGEST_PREFIX} leading zeros")
        value = (1 << zeros) - 1 + self.bits(zeros)
        if value > largest:
            raise self.broken(f"a code has the value {value}, at most {largest} is allowed")
        return value

    def se(self) -> int:
        """A signed Exp-Golomb code, se(v)."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def broken(self, explain: str) -> CodecError:
        """The error for what stands at the current position."""
        offset = min(self.position // 8, max(0, len(self._data) - 1))
        return self._error(offset, self._rule, self._data[offset : offset + SEEN_BYTES], explain)


def unescape(data: bytes) -> bytes:
    """Without emulation prevention bytes (ITU-T H.264 7.3.1, H.265 7.3.1.1)."""
    return data.replace(b"\0\0\3", b"\0\0")
