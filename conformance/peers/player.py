"""A player as a phone client has one: DESCRIBE, SETUP, PLAY, then media; every step can be bent by a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from conformance.peers.faults import DeviceClosed, DeviceFault, NoAnswer
from conformance.peers.media_track import Track
from conformance.peers.rtsp_client import Answer, RtspClient
from conformance.protocols.rtsp_auth import (
    Challenge,
    answer_challenge,
    format_authorization,
    parse_www_authenticate,
)
from conformance.protocols.rtsp_headers import Transport, format_transport, parse_session, parse_transport
from conformance.protocols.rtsp_url import DEFAULT_PORT, append_control, control_base, resolve_control
from conformance.protocols.sdp import parse_sdp
from conformance.protocols.sdp_values import SessionDescription
from conformance.protocols.violation import CodecError
from conformance.wire import Datagram, Expired, Packet, Refused, Wire

Lower = Literal["tcp", "udp"]
OK = 200
UNAUTHORIZED = 401
PORT_TRIES = 32
BUSY, BUSY_TRIES, BUSY_PAUSE = 503, 3, 0.5


class PlayRefused(DeviceFault):
    """The device answered a step of the play sequence with an error status."""

    def __init__(self, method: str, answer: Answer) -> None:
        self.method = method
        self.answer = answer
        status = f"{answer.status} {answer.response.reason}"
        super().__init__(f"设备对 {method} 应答 {status}", f"the device answered {method} with {status}")


@dataclass
class Attempt:
    """What came of an attempt to play. ``statuses``: (method, status) in order; ``packets``: media packets received."""

    statuses: list[tuple[str, int]] = field(default_factory=list)
    packets: int = 0
    answered: bool = True
    fault: str = ""
    refused_after: float = 0.0

    @property
    def refused(self) -> bool:
        """Refused as it should be: a coded answer from 400 on, and not one media packet."""
        return self.packets == 0 and bool(self.statuses) and self.statuses[-1][1] >= 400

    @property
    def status(self) -> int:
        """The last status, 0 when there was none."""
        return self.statuses[-1][1] if self.statuses else 0

    def __str__(self) -> str:
        steps = ", ".join(f"{method} {status}" for method, status in self.statuses) or self.fault or "no answer"
        return f"{steps}; {self.packets} media packets"


class Player:
    """One viewer. ``url`` is what a client was given; credentials answer a 401 challenge once."""

    def __init__(
        self, wire: Wire, url: str, *, answer_wait: float, connect_wait: float, user: str = "", password: str = ""
    ) -> None:
        self.url = url
        self.tracks: list[Track] = []
        self.description: SessionDescription | None = None
        self.session = ""
        self.session_header = ""
        self.session_timeout = 60
        self.base = url
        self.played_at = 0.0
        self.play_answer: Answer | None = None
        self._wire = wire
        self._user, self._password = user, password
        self._challenge: Challenge | None = None
        self._connect_wait = connect_wait
        self._arrival = asyncio.Event()
        parts = urlsplit(url)  # any URL that names a host will do: bent URLs are part of the tests
        self.client = RtspClient(wire, parts.hostname or "", parts.port or DEFAULT_PORT, answer_wait=answer_wait)
        self.client.on_interleaved = self._interleaved

    # steps

    async def connect(self) -> Player:
        """Open the RTSP connection. Raises DeviceFault when the device does not take it."""
        try:
            await self.client.open(self._connect_wait)
        except (Refused, Expired) as error:
            raise DeviceFault(error.explain("zh"), error.explain("en")) from None
        return self

    async def request(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str] | None = None,
        *,
        session: bool = True,
        body: bytes = b"",
    ) -> Answer:
        """One request with session and credentials as needed. Raises NoAnswer, DeviceClosed."""
        own = {"Session": self.session} if session and self.session else {}
        answer = await self.client.request(method, uri, {**own, **(headers or {})}, body)
        if answer.status == UNAUTHORIZED and self._user:
            self._challenge = _best_challenge(answer)
            if credentials := self.credentials(method, uri):
                return await self.client.request(method, uri, {**own, **(headers or {}), **credentials}, body)
        return answer

    def credentials(self, method: str, uri: str) -> dict[str, str]:
        """The Authorization header for a request that a test writes itself; empty while the device has not asked."""
        if self._challenge is None:
            return {}
        cnonce = f"{self._wire.random.getrandbits(64):016x}"
        try:
            told = self.authorization(self._challenge, self._user, self._password, method, uri, cnonce)
        except CodecError:
            return {}
        return {"Authorization": told}

    def authorization(self, challenge: Challenge, user: str, password: str, method: str, uri: str, cnonce: str) -> str:
        """The value of an Authorization header. What follows from the password goes on the tape: a replay may not have
        it. Raises RtspError for a scheme, algorithm or qop that is not known."""

        def answer() -> str:
            return format_authorization(answer_challenge(challenge, user, password, method, uri, cnonce=cnonce))

        return str(self._wire.fact(f"digest {cnonce}", answer)) if challenge.is_digest else answer()

    async def describe(self, url: str = "") -> SessionDescription:
        """DESCRIBE and read the SDP; prepares one track per RTP section. A device that says that it is unavailable for
        the moment (503) is asked again. Raises PlayRefused, CodecError."""
        url = url or self.url
        answer = await self.request("DESCRIBE", url, {"Accept": "application/sdp"})
        for _ in range(BUSY_TRIES):
            if answer.status != BUSY:
                break
            await self._wire.sleep(BUSY_PAUSE)
            answer = await self.request("DESCRIBE", url, {"Accept": "application/sdp"})
        if answer.status != OK:
            raise PlayRefused("DESCRIBE", answer)
        headers = answer.response.headers
        self.base = control_base(url, headers.get("Content-Base"), headers.get("Content-Location"))
        self.description = parse_sdp(answer.response.body)
        self.tracks = [
            Track(media, self._control_url(media.control or "*", url))
            for media in self.description.media
            if media.payload_types
        ]
        return self.description

    def _control_url(self, control: str, url: str) -> str:
        """As RFC 2326 C.1.1 says; where a base without final slash would lose its last part, as players do."""
        if self.base.endswith("/") or "://" in control:
            return resolve_control(control, self.base)
        return append_control(control, self.base)

    @property
    def aggregate(self) -> str:
        """The URL of the whole presentation."""
        control = self.description.control if self.description else None
        return resolve_control(control or "*", self.base)

    @property
    def video(self) -> Track | None:
        """The first video track."""
        return next((t for t in self.tracks if t.media.kind == "video"), None)

    @property
    def audio(self) -> Track | None:
        """The first audio track."""
        return next((t for t in self.tracks if t.media.kind == "audio"), None)

    async def setup(self, track: Track, lower: Lower = "tcp", wanted: Transport | None = None) -> Answer:
        """SETUP one track. Raises PlayRefused."""
        transport = wanted or await self.offer(track, lower)
        answer = await self.setup_raw(track, transport)
        if answer.status != OK:
            raise PlayRefused("SETUP", answer)
        self.accept_setup(track, answer)
        return answer

    async def setup_raw(self, track: Track, transport: Transport) -> Answer:
        """SETUP with this transport, whatever comes of it."""
        return await self.request("SETUP", track.control, {"Transport": format_transport(transport)})

    def accept_setup(self, track: Track, answer: Answer) -> None:
        """Take session, timeout and transport from a SETUP answer. Raises CodecError."""
        self.session_header = answer.response.headers.get("Session")
        session = parse_session(self.session_header)
        self.session, self.session_timeout = session.id, session.lifetime
        track.transport = parse_transport(answer.response.headers.get("Transport"))[0]
        if track.transport.is_tcp:
            track.channels = track.transport.interleaved or track.channels
            self._flush_early(track)

    async def offer(self, track: Track, lower: Lower) -> Transport:
        """The transport that SETUP of this track asks for; opens the sockets for UDP."""
        if lower == "tcp":
            first = 2 * self.tracks.index(track)
            track.channels = (first, first + 1)
            return Transport("RTP/AVP/TCP", unicast=True, interleaved=track.channels)
        track.sockets = await self._port_pair(track)
        return Transport("RTP/AVP", unicast=True, client_port=(track.sockets[0].local[1], track.sockets[1].local[1]))

    async def _port_pair(self, track: Track) -> tuple[Datagram, Datagram]:
        """An even port for RTP and the next one for RTCP (RFC 3550 11)."""
        host = self.client.local_host
        for _ in range(PORT_TRIES):
            rtp = await self._wire.datagram(host, 0, label=f"rtp-{track.media.kind}")
            if rtp.local[1] % 2 == 0:
                try:
                    rtcp = await self._wire.datagram(host, rtp.local[1] + 1, label=f"rtcp-{track.media.kind}")
                except Refused:
                    rtp.close()
                    continue
                rtp.on_packet = lambda packet: self._datagram(track, packet, control=False)
                rtcp.on_packet = lambda packet: self._datagram(track, packet, control=True)
                return rtp, rtcp
            rtp.close()
        raise DeviceFault("测试台没有空闲的端口对", "the bench has no free pair of ports")

    async def play(self, headers: Mapping[str, str] | None = None) -> Answer:
        """PLAY the whole presentation. Raises PlayRefused."""
        answer = await self.request("PLAY", self.aggregate, {"Range": "npt=0.000-", **(headers or {})})
        self.played_at, self.play_answer = answer.sent_at, answer
        if answer.status != OK:
            raise PlayRefused("PLAY", answer)
        return answer

    async def start(self, lower: Lower = "tcp", kinds: tuple[str, ...] = ("video", "audio")) -> Player:
        """The whole sequence: connect, DESCRIBE, SETUP of the wanted kinds, PLAY. Raises DeviceFault."""
        await self.connect()
        await self.describe()
        for track in self.tracks:
            if track.media.kind in kinds:
                await self.setup(track, lower)
        await self.play()
        return self

    async def attempt(self, window: float, lower: Lower = "tcp") -> Attempt:
        """Try to play and count what comes; never raises for what the device does."""
        attempt = Attempt()
        started = self._wire.now()
        try:
            await self.start(lower, kinds=("video",))
            attempt.statuses.append(("PLAY", OK))
        except PlayRefused as refusal:
            attempt.statuses.append((refusal.method, refusal.answer.status))
            attempt.refused_after = refusal.answer.at - started
        except (DeviceFault, CodecError) as fault:
            attempt.answered = not isinstance(fault, NoAnswer)
            attempt.fault = str(fault)
        await self._wire.sleep(window)
        attempt.packets = self.media_packets
        return attempt

    # media

    def now(self) -> float:
        """The wire clock, in seconds."""
        return self._wire.now()

    @property
    def answer_wait(self) -> float:
        """Seconds that an answer is waited for."""
        return self.client.answer_wait

    @property
    def media_packets(self) -> int:
        """RTP packets and interleaved frames received so far, on every track."""
        early = len(self.client.interleaved)
        return sum(len(track.rtp) for track in self.tracks) + early

    def _interleaved(self, channel: int, data: bytes, at: float) -> None:
        for track in self.tracks:
            if channel in track.channels:
                track.take(data, at, control=track.channels.index(channel) == 1)
                self._arrival.set()
                return
        self.client.interleaved.append((channel, data, at))

    def _flush_early(self, track: Track) -> None:
        kept = []
        for channel, data, at in self.client.interleaved:
            if channel in track.channels:
                track.take(data, at, control=track.channels.index(channel) == 1)
            else:
                kept.append((channel, data, at))
        self.client.interleaved[:] = kept

    def _datagram(self, track: Track, packet: Packet, *, control: bool) -> None:
        track.sources.add(packet.source)
        track.take(packet.data, packet.at, control)
        self._arrival.set()

    async def watch(self, seconds: float) -> None:
        """Receive for that long."""
        await self._wire.sleep(seconds)

    async def wait_packets(self, track: Track, count: int, within: float) -> bool:
        """Whether at least ``count`` packets are there within ``within`` seconds."""
        try:
            async with self._wire.timeout(within, f"{count} packets"):
                while len(track.rtp) < count:
                    self._arrival.clear()
                    await self._arrival.wait()
        except Expired:
            return False
        return True

    async def wait_idr(self, track: Track, within: float) -> float | None:
        """Arrival time of the last packet of the first complete unit at which decoding can begin; None for none."""
        since = self.played_at
        try:
            async with self._wire.timeout(within, "a key frame"):
                while True:
                    for at, unit in track.access_units(since):
                        if unit.complete and track.is_random_access(unit):
                            return at
                    self._arrival.clear()
                    await self._arrival.wait()
        except Expired:
            return None

    # the end

    async def teardown(self) -> Answer:
        """TEARDOWN; media may still be on its way."""
        answer = await self.request("TEARDOWN", self.aggregate)
        if answer.status == OK:
            self.session = ""
        return answer

    async def close(self) -> None:
        """End politely where possible, then let go of everything."""
        if self.client.open_now and self.session:
            try:
                async with self._wire.timeout(1.0, "TEARDOWN"):
                    await self.teardown()
            except (Expired, NoAnswer, DeviceClosed):
                pass
        self.client.close()
        for track in self.tracks:
            for socket in track.sockets:
                socket.close()


def _best_challenge(answer: Answer) -> Challenge | None:
    """Digest before basic; None when there is no challenge that can be read."""
    try:
        challenges = parse_www_authenticate(answer.response.headers.all("WWW-Authenticate"))
    except CodecError:
        return None
    return min(challenges, key=lambda challenge: not challenge.is_digest, default=None)
