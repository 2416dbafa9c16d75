"""Blocks of a pcapng file (draft-ietf-opsawg-pcapng) and a file that holds whole blocks or nothing."""

from __future__ import annotations

import os
import platform
import struct
from collections.abc import Iterable
from pathlib import Path

from conformance.wire.errors import EvidenceError

PRIVATE_ENTERPRISE_NUMBER = 32_473
SECTION, INTERFACE, PACKET, CUSTOM = 0x0A0D0D0A, 1, 6, 0x00000BAD
BYTE_ORDER = 0x1A2B3C4D
OPT_END, OPT_COMMENT, OPT_CUSTOM_TEXT = 0, 1, 2988
IF_NAME, IF_DESCRIPTION, IF_TSRESOL = 2, 3, 9
SHB_OS, SHB_APPLICATION = 3, 4
EPB_FLAGS = 2
INBOUND, OUTBOUND = 1, 2
LINKTYPE_ETHERNET = 1
OPTION_LIMIT = 65_535


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + padded(value)


def text(code: int, value: str) -> bytes:
    """A UTF-8 option, cut to what an option can hold."""
    return option(code, value.encode("utf-8", "replace")[:OPTION_LIMIT].decode("utf-8", "ignore").encode())


def machine_option(value: bytes) -> bytes:
    """The machine part of an event: a custom UTF-8 option, safe to copy, under our enterprise number."""
    return option(OPT_CUSTOM_TEXT, struct.pack("<I", PRIVATE_ENTERPRISE_NUMBER) + value)


def block(kind: int, body: bytes, options: Iterable[bytes] = ()) -> bytes:
    listed = b"".join(options)
    if listed:
        listed += option(OPT_END, b"")
    length = 12 + len(body) + len(listed)
    return struct.pack("<II", kind, length) + body + listed + struct.pack("<I", length)


def section_block(application: str, comment: str) -> bytes:
    body = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)
    options = [text(SHB_OS, platform.platform()), text(SHB_APPLICATION, application)]
    return block(SECTION, body, [*([text(OPT_COMMENT, comment)] if comment else []), *options])


def interface_block(name: str, description: str) -> bytes:
    """An Ethernet interface with stamps in nanoseconds and packets of any length."""
    options = [text(IF_NAME, name), text(IF_DESCRIPTION, description), option(IF_TSRESOL, b"\x09")]
    return block(INTERFACE, struct.pack("<HHI", LINKTYPE_ETHERNET, 0, 0), options)


def packet_block(interface: int, stamp: int, data: bytes, outbound: bool, options: Iterable[bytes] = ()) -> bytes:
    """An Enhanced Packet Block; ``stamp`` in ns of Unix time."""
    head = struct.pack("<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
    flags = option(EPB_FLAGS, struct.pack("<I", OUTBOUND if outbound else INBOUND))
    return block(PACKET, head + padded(data), [flags, *options])


def custom_block(value: bytes) -> bytes:
    """A custom block under our enterprise number; the value says its own length, the block pads it."""
    return block(CUSTOM, struct.pack("<II", PRIVATE_ENTERPRISE_NUMBER, len(value)) + padded(value))


class BlockFile:
    """A new file to which whole groups of blocks are appended, unbuffered: a killed process loses no finished group."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise EvidenceError(path, _reason(error)) from error

    def append(self, data: bytes) -> None:
        """Write all of ``data`` or, when that fails, leave the file as it was and raise EvidenceError."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise EvidenceError(self.path, _reason(error)) from error
        self._size += len(data)

    def close(self) -> None:
        """Have the file on the disk and let go of it."""
        if self._descriptor < 0:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise EvidenceError(self.path, _reason(error)) from error
        finally:
            os.close(self._descriptor)
            self._descriptor = -1


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
