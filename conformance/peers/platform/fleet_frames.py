"""What the members of a fleet send, built once: the codec makes each body, only the sequence and the digest change.

The same bytes as `encode_frame(Frame(code, sequence, encode_message(...)))` (tykd 2), several times cheaper.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.protocols.tykd_frame import DIGEST_SIZE, HEADER, HEADER_SIZE, START
from conformance.protocols.tykd_message import encode_message
from specs.messages import MessageTable

ACCESS_ELEMENTS = {"UpnpIP": "", "RtspUpnpPort": 0, "TurnRelayIP": "", "RtspTurnRelayPort": 0}
WIRED, CAMERA, MAIN, LARGEST_PICTURE = 0, 1, 1, 1
NAT_UNKNOWN = 0
LOCAL_IP, LOCAL_PORT = "127.0.0.1", 1554
_AROUND = HEADER_SIZE + DIGEST_SIZE
_PACK = HEADER.pack


@dataclass(frozen=True, slots=True)
class Identity:
    """How the members are called: ``prefix`` and a number of ``digits`` digits; one ``key`` and ``model`` for all.
    The first three characters, the maker, are those of all."""

    prefix: str
    digits: int
    key: str
    model: str
    version: str

    def device_id(self, number: int) -> str:
        """The DevID of a member."""
        return f"{self.prefix}{number:0{self.digits}d}"


class FrameBuilder:
    """Frames and HTTP requests of members."""

    def __init__(self, table: MessageTable, identity: Identity) -> None:
        self.table = table
        self.identity = identity
        self.codes = {name: self._code(name) for name in ("LOGIN", "ABILITYUP", "HEARTBEAT")}
        self._forms: dict[str, tuple[bytes, bytes]] = {}

    def _code(self, name: str) -> int:
        code = self.table.command(name).code
        assert code is not None
        return code

    def _body(self, dev_id: str, name: str, values: dict[str, object]) -> bytes:
        """The body of a member: that of the first one, with the DevID changed."""
        if name not in self._forms:
            first = self.identity.device_id(0)
            parts = encode_message(self.table, name, "request", {**values, "DevID": first}).split(f">{first}<".encode())
            self._forms[name] = parts[0] + b">", b"<" + parts[1]
        before, after = self._forms[name]
        return before + dev_id.encode() + after

    def login(self, dev_id: str) -> bytes:
        """The body of LOGIN."""
        values = {"DevVer": self.identity.version, "DevKey": self.identity.key, **ACCESS_ELEMENTS}
        values |= {"LocalIP": LOCAL_IP, "RtspLocalPort": LOCAL_PORT, "NetType": WIRED, "NatType": NAT_UNKNOWN}
        return self._body(dev_id, "LOGIN", values)

    def abilities(self, dev_id: str) -> bytes:
        """The body of ABILITYUP: one channel, the main stream, nothing else."""
        names = [element.name for element in self.table.command("ABILITYUP").request.elements]
        values: dict[str, object] = {name: 0 for name in names if name.endswith(("Flag", "Num"))}
        values |= {"ChannelNum": 1, "Video": [{"StreamType": MAIN, "FrameSize": LARGEST_PICTURE}]}
        onvif = {"Port": 0, "Account": "", "Password": ""}
        return self._body(dev_id, "ABILITYUP", {**values, "Onvif": onvif})

    def heartbeat(self, dev_id: str) -> bytes:
        """The body of HEARTBEAT: nobody watches."""
        values = {"CurVideoNum": 0, "LocalIP": LOCAL_IP, "RtspLocalPort": LOCAL_PORT}
        return self._body(dev_id, "HEARTBEAT", {**values, **ACCESS_ELEMENTS})

    def registration(self, dev_id: str, url: str) -> bytes:
        """The HTTP request of REGISTER; it asks to keep the connection, as devices do (tykd 1)."""
        maker = self.identity.device_id(0)[:3]
        values = {"ManufacturerNo": maker, "Mode": self.identity.model, "DevType": CAMERA, "DevKey": self.identity.key}
        body = self._body(dev_id, "REGISTER", values)
        parts = urlsplit(url)
        headers = (
            ("Host", parts.netloc),
            ("Content-Type", "text/xml;charset=UTF-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "Keep-Alive"),
            ("Cache-Control", "no-cache"),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"POST {parts.path or '/'} HTTP/1.1\r\n{lines}\r\n".encode() + body


def framed(command: int, sequence: int, xml: bytes) -> bytes:
    """The frame of a body that is known to fit."""
    head = _PACK(START, command, sequence, 0, len(xml)) + xml
    return head + hashlib.md5(head, usedforsecurity=False).digest()


def split_frame(data: bytes | bytearray) -> int:
    """The whole size of the frame at the beginning of ``data``; 0 while that is unknown, -1 where none begins."""
    if data[:2] != START and data != START[: len(data)]:
        return -1
    if len(data) < HEADER_SIZE:
        return 0
    return _AROUND + (data[6] << 8 | data[7])


def digest_holds(frame: bytes) -> bool:
    """Whether the MD5 at the end of a frame fits it."""
    return hashlib.md5(frame[:-DIGEST_SIZE], usedforsecurity=False).digest() == frame[-DIGEST_SIZE:]


def text_of(xml: bytes, name: bytes) -> str | None:
    """The text of an element without children, None where it is not there. For answers without escapes only."""
    start = xml.find(b"<" + name + b">")
    end = xml.find(b"</" + name + b">", start)
    if start < 0 or end < 0:
        return None
    return xml[start + len(name) + 2 : end].decode("utf-8", "replace").strip()
