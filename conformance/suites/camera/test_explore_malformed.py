"""IF-FRM-06g, IF-RTSP-50a: frames and requests bent in ways nobody wrote down, each followed by a sign of life."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.device_link import DeviceLink
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.suites.camera.rtsp_steps import goes_on, playing
from conformance.suites.camera.signalling_steps import (
    other_frame_rate,
    parameters,
    request_frame,
)
from conformance.suites.exploration import Finding, explore, rows

PIECES = (
    b"<", b">", b"&", b"</", b"/>", b"<>", b"&#0;", b"&#x110000;", b"&#xD800;", b"&amp", b"&x;", b"]]>", b"<![CDATA[",
    b"<!--", b"--><!--", b"<?", b"<?xml?>", b"\0", b"\x1b", b"\xff", b"\xef\xbb\xbf", b"\xc0\x80", b"%n%s%n", b'"',
    b" xmlns:a='b'", b" a=", b"-1", b"99999999999999999999", b"A" * 300, b"<a><a><a>", b"\r\n\r\n", "看店".encode(),
    b"<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>", b"<!DOCTYPE a SYSTEM 'x'>", b"<!ELEMENT a ANY>",
)  # fmt: skip
WORST = 4
ENVELOPES = ("short", "long", "digest", "start", "cut")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of some bytes. ``place``: 0..1000 thousandths of their length."""

    kind: str
    place: int
    size: int
    piece: bytes

    def apply(self, data: bytes) -> bytes:
        """The changed bytes."""
        start = len(data) * self.place // 1000
        end = min(start + self.size, len(data))
        if self.kind == "insert":
            return data[:start] + self.piece + data[start:]
        if self.kind == "overwrite":
            return data[:start] + self.piece + data[start + len(self.piece) :]
        if self.kind == "drop":
            return data[:start] + data[end:]
        if self.kind == "repeat":
            return data[:end] + data[start:end] + data[end:]
        return data[:end]


def edits(pieces: tuple[bytes, ...]) -> st.SearchStrategy[list[Edit]]:
    """A few changes, by far most of them something put in."""
    kinds = st.sampled_from(("insert", "insert", "insert", "overwrite", "drop", "repeat", "cut"))
    edit = st.builds(Edit, kinds, st.integers(0, 1000), st.integers(1, 40), st.sampled_from(pieces))
    return st.lists(edit, min_size=1, max_size=WORST)


def changed(data: bytes, made: list[Edit]) -> bytes:
    """The bytes after all changes."""
    for edit in made:
        data = edit.apply(data)
    return data


@dataclass(frozen=True, slots=True)
class Bend:
    """A bent setting. ``envelope``: empty for a right one, else what is wrong with length, start or digest."""

    made: list[Edit]
    envelope: str = ""

    def frame(self, frame: Frame, largest: int) -> bytes:
        """The bytes to send; XML over ``largest`` bytes is cut, for longer ones are judged elsewhere."""
        xml = changed(frame.xml, self.made)[:largest]
        raw = bytearray(encode_frame(dataclasses.replace(frame, xml=xml)))
        length = len(xml)
        if self.envelope == "short":
            raw[6:8] = (length // 2).to_bytes(2, "big")
        elif self.envelope == "long":
            raw[6:8] = (length + 1000).to_bytes(2, "big")
        elif self.envelope == "digest":
            raw[-1] ^= 1
        elif self.envelope == "start":
            raw[0] ^= 1
        elif self.envelope == "cut":
            del raw[len(raw) // 2 :]
        return bytes(raw)


def bends() -> st.SearchStrategy[Bend]:
    """Mostly bent XML in a right envelope; a wrong one costs a reconnect."""
    wrong = st.sampled_from((*("",) * 20, *ENVELOPES))
    return st.builds(Bend, edits(PIECES), wrong)


def well_formed(xml: bytes) -> bool:
    """Whether the XML could be read at all."""
    try:
        ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, LookupError):
        return False
    return True


class _Frames:
    """Sends bent settings to one device and looks after it."""

    def __init__(self, province: Province, largest: int, answer_within: float, back_within: float) -> None:
        self.province, self.largest = province, largest
        self.answer_within, self.back_within = answer_within, back_within
        self.present: dict[str, str] = {}
        self.first: dict[str, str] = {}

    async def ready(self) -> None:
        """The device is online, its parameters are known."""
        await self.province.online(within=self.back_within)
        if not self.present:
            self.present = await parameters(self.province)
            self.first = self.first or self.present

    async def trial(self, row: list[Bend]) -> Finding | None:
        """Bent settings up to the first that does harm."""
        for bend in row:
            found = await self._one(bend)
            if found is not None:
                return found
        return None

    async def _one(self, bend: Bend) -> Finding | None:
        """One bent setting, then a query."""
        province, before = self.province, self.present
        link = await province.online(within=self.back_within)
        rate = other_frame_rate(before)
        frame = request_frame(province, "SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=rate)
        data = bend.frame(frame, self.largest)
        self.present = {}
        seen = len(province.received)
        link.send_raw(data)
        try:
            if bend.envelope or not await self._answers(link):
                link.close()
                await province.online(within=self.back_within)
            self.present = await parameters(province)
        except DeviceFault as fault:
            came = b"".join(r.received.raw for r in province.received[seen:])
            return Finding(say("设备存活并应答", "the device is alive and answers"), fault.text, data, came)
        refused = bool(bend.envelope) or not well_formed(changed(frame.xml, bend.made)[: self.largest])
        if not refused or self.present == before:
            return None
        came = b"".join(r.received.raw for r in province.received[seen:])
        shown = f"{before} -> {self.present}"
        return Finding(say("参数不变", "the parameters are as before"), say(shown, shown), data, came)

    async def _answers(self, link: DeviceLink) -> bool:
        """Whether a query is answered on this very connection."""
        try:
            await self.province.command("STORE_QUERY", within=self.answer_within, link=link)
        except DeviceFault:
            return False
        return True

    async def restore(self) -> None:
        """The parameters as they were at first; a device that is gone keeps what it has."""
        if self.province.link is None:
            return
        values: dict[str, Any] = dict(self.first)
        await self.province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, breaking=True, **values)


@verifies("IF-FRM-06g")
def test_bent_frames(run: Run, province: Province, check: Checks, limits: Limits) -> None:
    """Settings with bent XML and bent frames: the device lives on, and does not act on what cannot be read."""
    limit = limits("IF-FRM-06g")
    back = limit.reconnect_within.seconds + limit.reconnect_within.uncertainty
    largest = int(limit.device_xml.number)
    frames = _Frames(province, largest, limit.liveness_within.seconds, max(back, limit.liveness_within.seconds))
    check.step("s1")
    run.run(frames.ready())
    check.step("s2")
    explore(run, check, "IF-FRM-06g", rows(bends()), frames.trial, frames.ready)
    check.step("s4")
    with contextlib.suppress(DeviceFault):
        run.run(frames.restore())


HEADERS = (
    b"CSeq: 1", b"CSeq:", b"CSeq: -1", b"CSeq: 99999999999999999999", b"CSeq: 1\r\nCSeq: 2", b"NoColon", b": empty",
    b"Content-Length: 18446744073709551616", b"Content-Length: 1e9", b"Content-Length: 0\r\nContent-Length: 5",
    b"Session: ;timeout=", b"Session: " + b"7" * 300, b"Session: %s%n", b"Range: npt=-", b"Range: npt=99999999999-",
    b"Range: smpte=::;", b"Scale: nan", b"Scale: -1e308", b"Transport: RTP/AVP/TCP;interleaved=-1-300",
    b"Transport: X", b"Transport: ;;=;", b"Transport: ,",
    b"Authorization: Basic ====", b'Authorization: Digest username="', b"Require: \0", b"Accept: ", b" folded",
    b"Content-Type: " + b";" * 200, b"X: \xff\xfe", b"User-Agent: " + b"U" * 2000, b"Blocksize: -1", b"Timestamp: x y",
)  # fmt: skip
METHODS = (
    b"OPTIONS",
    b"DESCRIBE",
    b"SETUP",
    b"PLAY",
    b"PAUSE",
    b"GET_PARAMETER",
    b"TEARDOWN",
    b"options",
    b"",
    b"X" * 99,
)
VERSIONS = (b"RTSP/1.0", b"RTSP/2.0", b"HTTP/1.1", b"RTSP/1", b"", b"RTSP/99999999999.0")
SMALL = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b";", b"=", b"%", b"%00", b"%zz", b"?", b"&&", b"://", b"[::1", b"$",
    b"$\0\xff\xff", b"\xff", b"A" * 500, b"rtsp:", b"@", b"..", b"-1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Odd:
    """An odd request: method, version and headers, a body, and bytes changed in the whole."""

    method: bytes
    version: bytes
    headers: list[bytes]
    body: bytes
    made: list[Edit]

    def request(self, url: bytes) -> bytes:
        """The bytes to send."""
        lines = [self.method + b" " + url + b" " + self.version, *self.headers]
        return changed(b"\r\n".join(lines) + b"\r\n\r\n" + self.body, self.made)


def odd_requests() -> st.SearchStrategy[Odd]:
    """Requests with a few odd things each."""
    headers = st.lists(st.sampled_from(HEADERS), max_size=6)
    body = st.sampled_from((b"", b"", b"\0" * 64, b"$\0\0\4abcd"))
    none: list[Edit] = []
    made = st.one_of(st.just(none), edits(SMALL))
    return st.builds(Odd, st.sampled_from(METHODS), st.sampled_from(VERSIONS), headers, body, made)


@verifies("IF-RTSP-50a")
def test_odd_requests(run: Run, player: Players, check: Checks, limits: Limits) -> None:
    """Odd requests, each on a connection of its own; then a new connection is answered, and a running play goes on."""
    within = limits("IF-RTSP-50a").alive_within
    check.step("s1")
    viewer = run.run(playing(player, check, limits))
    if viewer is None:
        check.inconclusive("IF-RTSP-50a", say("没有可用的播放", "nothing plays"))
        return

    async def alive() -> None:
        one = await player().connect()
        try:
            await one.client.request("OPTIONS", one.url, within=within.seconds)
        finally:
            await one.close()

    async def trial(row: list[Odd]) -> Finding | None:
        for odd in row:
            found = await bear(odd)
            if found is not None:
                return found
        return None

    async def bear(odd: Odd) -> Finding | None:
        one = await player().connect()
        data = odd.request(one.url.encode())
        one.client.send(data)
        one.client.close()
        try:
            await alive()
        except DeviceFault as fault:
            return Finding(
                say("新连接得到应答", "a new connection is answered"), fault.text, data, one.client.transcript
            )
        return None

    async def ready() -> None:
        return

    check.step("s2")
    explore(run, check, "IF-RTSP-50a", rows(odd_requests()), trial, ready)
    check.step("s4")
    on = run.run(goes_on(viewer, within.seconds))
    check.true("IF-RTSP-50a", on, say("播放会话继续", "the playing session goes on"), on)
