"""Faulty treatment of NAL units on their way into RTP, for H.264 and H.265."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulators.camera.media_feed import Description
from simulators.camera.media_format import AccessUnit
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_server import RtspServer

Nals = tuple[bytes, ...]
Change = Callable[[Nals], Nals]
Rewrite = Callable[[str], str]
ONE_PICTURE_CUT_TO = 700
HALF_CLOCK = 45_000


def sender_of_units(codec: str, change: Change) -> type[RtpSender]:
    """A sender that changes the NAL units of each picture in this codec before it packs them."""

    class Sender(RtpSender):
        def payloads(self, unit: AccessUnit) -> list[bytes]:
            if unit.kind == "video" and unit.settings.codec == codec:
                unit = replace(unit, nals=change(unit.nals))
            return super().payloads(unit)

    return Sender


def sender_of_payloads(codec: str, change: Callable[[list[bytes]], list[bytes]]) -> type[RtpSender]:
    """A sender that changes the RTP payloads of each picture in this codec."""

    class Sender(RtpSender):
        def payloads(self, unit: AccessUnit) -> list[bytes]:
            found = super().payloads(unit)
            return change(found) if unit.kind == "video" and unit.settings.codec == codec else found

    return Sender


def sender_with_early_marker(codec: str) -> type[RtpSender]:
    """A sender that sets the marker on the first packet of a key picture in this codec, too."""

    class Sender(RtpSender):
        key = False

        def payloads(self, unit: AccessUnit) -> list[bytes]:
            self.key = unit.key and unit.settings.codec == codec
            return super().payloads(unit)

        def marker(self, index: int, count: int) -> bool:
            return super().marker(index, count) or (self.key and self.kind == "video" and index == 0)

    return Sender


class HalfClock(RtpSender):
    """A sender whose video timestamps count 45000 a second."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.clock_rate = HALF_CLOCK if self.kind == "video" else self.clock_rate


def server_saying(
    codec: str, rewrite: Rewrite, sender: type[RtpSender] = RtpSender, *, sets: Change | None = None
) -> type[RtspServer]:
    """A server whose SDP says something else of a video in this codec: its lines, one by one, or its parameter sets."""

    class Server(RtspServer):
        sender_class = sender

        def video_lines(self, description: Description) -> list[str]:
            if description.settings.codec != codec:
                return super().video_lines(description)
            if sets is not None:
                description = replace(description, parameter_sets=sets(description.parameter_sets))
            return [rewrite(line) for line in super().video_lines(description)]

    return Server


def as_it_is(line: str) -> str:
    """The line unchanged."""
    return line


def without(*names: str) -> Rewrite:
    """Leaves these parameters out of fmtp."""
    pattern = re.compile(f";({'|'.join(names)})=[^;]*")
    return lambda line: pattern.sub("", line)


def saying(name: str, value: str) -> Rewrite:
    """Gives a parameter of fmtp another value."""
    return lambda line: re.sub(f"{name}=[^;]*", f"{name}={value}", line)


def with_start_codes(name: str) -> Rewrite:
    """Puts a start code before each parameter set in a parameter of fmtp."""

    def change(found: re.Match[str]) -> str:
        sets = [base64.b64decode(text) for text in found[2].split(",")]
        return found[1] + ",".join(base64.b64encode(b"\0\0\0\1" + nal).decode() for nal in sets)

    return lambda line: re.sub(f"({name}=)([^;]*)", change, line)


def unescaped(nal: bytes) -> bytes:
    """Without emulation prevention bytes."""
    return nal.replace(b"\0\0\3", b"\0\0")


def escaped(data: bytes) -> bytes:
    """With emulation prevention bytes (H.264 7.4.1)."""
    out = bytearray()
    for byte in data:
        if byte <= 3 and out[-2:] == b"\0\0":
            out.append(3)
        out.append(byte)
    return bytes(out)
