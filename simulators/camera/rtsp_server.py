"""The RTSP server of the simulated camera: who may watch what, and how many.

The rules a faulty camera breaks are methods here, each doing one thing, so that a mutant overrides
exactly one of them. ``RtspConnection`` reads and dispatches, ``RtspSession`` sends.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from simulators.camera.media_feed import Description, Feed, MediaSource
from simulators.camera.media_format import AAC_CLOCK
from simulators.camera.play_url import Target
from simulators.camera.rtp_sender import RtpSender, UdpSink, open_udp_pair
from simulators.camera.rtsp_auth import Authenticator
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Answer, Request, TransportOption
from simulators.camera.rtsp_session import AUDIO_TRACK, VIDEO_TRACK, Play, RtspSession

Verify = Callable[[Literal["live", "record"], str, str, str], Awaitable[bool]]

MAX_CONNECTIONS = 64

_LOG = logging.getLogger(__name__)
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,5})\Z")
AAC_CONFIG = "1408"  # AudioSpecificConfig: AAC-LC, 16000 Hz, mono (ISO/IEC 14496-3 1.6.2.1)
_PAYLOAD_TYPES = {"h264": 96, "h265": 97, "pcma": 8, "g726": 98, "aac": 99}
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


@dataclass(frozen=True, slots=True)
class RtspConfig:
    """How the server is set up.

    port: 0 takes any free one. max_viewers: sessions at a time. session_timeout: seconds of silence
    after which a session ends, before ``timer_scale``; whole seconds, at least 1, are announced.
    token_wait: seconds to wait for a verdict. token_guard: False for a device without the platform's
    tokens; then ``/live/<channel>/<stream>`` plays too. auth: login by RTSP itself.
    """

    dev_id: str
    host: str = "127.0.0.1"
    port: int = 0
    max_viewers: int = 4
    session_timeout: float = 120.0
    timer_scale: float = 1.0
    token_wait: float = 4.0
    token_guard: bool = True
    auth: Literal["none", "digest", "basic"] = "none"
    user: str = ""
    password: str = ""
    udp: bool = True
    tcp: bool = True
    rtcp: bool = True
    pause: bool = True
    get_parameter: bool = True
    scale: bool = True
    report_interval: float = 5.0
    agent: str = "Kandian-Camera/1.0"


class RtspServer:
    """Serves the media of one camera.

    source: the media. verify: asks the platform about (kind, channel text, stream or file text,
    token); needed when ``config.token_guard``. clock: wall clock of the device in epoch seconds.
    """

    connection_class: type[RtspConnection] = RtspConnection
    session_class: type[RtspSession] = RtspSession
    sender_class: type[RtpSender] = RtpSender

    def __init__(
        self,
        config: RtspConfig,
        source: MediaSource,
        verify: Verify | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if config.token_guard and verify is None:
            raise ValueError("a server with the token guard needs a verifier")
        self.config = config
        self.source = source
        self.clock = clock
        self.cname = f"{config.dev_id}@{config.host}"
        self.sessions: dict[str, RtspSession] = {}
        self.connections: set[RtspConnection] = set()
        self.authenticator = (
            None if config.auth == "none" else Authenticator(config.auth, config.user, config.password, config.dev_id)
        )
        self._verify = verify
        self._server: asyncio.Server | None = None

    async def start(self) -> tuple[str, int]:
        """Listen. Returns the host and the port that was bound. Raises OSError."""
        self._server = await asyncio.start_server(self.serve, self.config.host, self.config.port)
        return self.address

    @property
    def address(self) -> tuple[str, int]:
        """Host and port while the server is listening."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the RTSP server is not listening")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def stop(self) -> None:
        """Say BYE to every viewer and close everything."""
        await self._shut(bye=True)

    async def cut(self) -> None:
        """Vanish as in a power cut: no BYE, connections reset."""
        await self._shut(bye=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends: an accepted one, or one the camera has opened to a relay."""
        if len(self.connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        connection = self.connection_class(self, reader, writer)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)

    @property
    def viewers(self) -> int:
        """Sessions that have begun to play and have not ended: what a heartbeat reports."""
        return sum(bool(session.begun) for session in self.sessions.values())

    @property
    def announced_timeout(self) -> int:
        """Whole seconds in the Session header."""
        return max(1, math.ceil(self.config.session_timeout * self.config.timer_scale))

    def forget(self, session: RtspSession) -> None:
        """A session has ended."""
        self.sessions.pop(session.id, None)

    def open_feed(self, play: Play) -> Feed:
        """The media of a play. Raises NoVideo."""
        if play.target.kind == "live":
            return self.source.open_live(play.channel, play.stream)
        return self.source.open_file(play.channel, play.target.file_text)

    # Rules, each of which a faulty camera may break by itself.

    async def udp_pair(self, host: str, heard: Callable[[bytes, tuple[str, int]], None]) -> UdpSink:
        """Two ports for a track over UDP, an even one and the next (RFC 3550 11). Raises OSError when none are free."""
        return await open_udp_pair(host, heard)

    def public_methods(self) -> str:
        """The Public header: every method that is served."""
        left_out = {"PAUSE": self.config.pause, "GET_PARAMETER": self.config.get_parameter}
        return ", ".join(name for name in _METHODS.split(", ") if left_out.get(name, True))

    def unsupported_options(self, tags: str) -> list[str]:
        """Feature tags of a Require header that are not supported: all of them (RFC 2326 12.32)."""
        return [tag.strip() for tag in tags.split(",") if tag.strip()]

    def device_matches(self, dev_id: str) -> bool:
        """Whether the play URL names this device."""
        return dev_id == self.config.dev_id

    async def resolve_channel(self, text: str) -> int | None:
        """The channel of a play URL, counted from 0; None when there is no such channel."""
        return int(text) if _NUMBER.match(text) and self.source.has_channel(int(text)) else None

    async def resolve_stream(self, channel: int, text: str) -> int | None:
        """The stream of a play URL, 1 main or 2 sub; None when the channel has no such stream."""
        return int(text) if _NUMBER.match(text) and self.source.has_stream(channel, int(text)) else None

    async def resolve_file(self, channel: int, name: str) -> bool:
        """Whether a file name belongs to this device and the channel of the URL."""
        return name.startswith(f"{self.config.dev_id}_{channel}_")

    async def token_accepted(self, target: Target) -> bool:
        """Whether the platform lets this play go on. Silence, a failure and a missing token count as no."""
        if not self.config.token_guard:
            return True
        if not target.token or self._verify is None:
            return False
        subject = target.stream_text if target.kind == "live" else target.file_text
        try:
            async with asyncio.timeout(self.config.token_wait):
                return await self._verify(target.kind, target.channel_text, subject, target.token) is True
        except (TimeoutError, OSError) as error:
            _LOG.info("token check failed: %r", error)
            return False

    async def credentials_accepted(self, request: Request) -> bool:
        """Whether the request passes digest or basic authentication, where that is switched on."""
        return self.authenticator is None or self.authenticator.accepts(request)

    async def play_permitted(self, play: Play, connection: RtspConnection) -> bool:
        """Whether SETUP may use this play: allowed on this very connection, and not used up."""
        return not self.config.token_guard or (play.owner is connection and not play.spent)

    def session_usable(self, session: RtspSession, connection: RtspConnection) -> bool:
        """Whether a connection may use a session: from the same address, under the token guard its own only."""
        own = session.connection is connection or not self.config.token_guard
        return own and session.peer == connection.peer

    async def transport_allowed(self, option: TransportOption, peer: str) -> bool:
        """Whether one alternative of a Transport header can be used; media go to the peer and nowhere else."""
        if option.multicast or option.mode != "PLAY" or not self._is_peer(option.destination, peer):
            return False
        if option.tcp:
            return self.config.tcp
        return self.config.udp and option.ports is not None and min(option.ports) > 0

    async def viewer_admitted(self) -> bool:
        """Whether there is room for one more session."""
        return len(self.sessions) < self.config.max_viewers

    def session_timed_out(self, session: RtspSession) -> bool:
        """Whether a session that has been silent for too long really ends."""
        return True

    def payload_type(self, format_name: str) -> int:
        """The RTP payload type of a codec; all different."""
        return _PAYLOAD_TYPES[format_name]

    def finish(self, request: Request, answer: Answer) -> Answer:
        """The last look at every answer before it is written."""
        return answer

    async def sdp_for(self, play: Play, host: str) -> str:
        """The session description (RFC 4566, RFC 2326 appendix C)."""
        settings = play.description.settings
        duration = play.description.duration
        lines = [
            "v=0",
            f"o=- {secrets.randbelow(1 << 31)} {int(self.clock())} IN IP4 {host}",
            f"s={self.config.dev_id} channel {play.channel}",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            "a=range:npt=now-" if duration is None else f"a=range:npt=0-{duration:.3f}",
            *self.video_lines(play.description),
        ]
        if settings.audio:
            lines += self.audio_lines(play.description)
        return "\r\n".join([*lines, ""])

    def video_lines(self, description: Description) -> list[str]:
        """The video section of the SDP (RFC 6184 8.2, RFC 7798 7.2)."""
        settings = description.settings
        number = self.payload_type(settings.codec)
        return [
            f"m=video 0 RTP/AVP {number}",
            f"b=AS:{settings.kbit_s}",
            f"a=rtpmap:{number} {settings.codec.upper()}/90000",
            f"a=fmtp:{number} {_video_format(description)}",
            f"a=framerate:{settings.fps}",
            f"a=control:trackID={VIDEO_TRACK}",
        ]

    def audio_lines(self, description: Description) -> list[str]:
        """The audio section of the SDP (RFC 3551 6, RFC 3640 4.1)."""
        codec = description.settings.audio_codec
        number = self.payload_type(codec)
        told = {
            "pcma": ["b=AS:64", f"a=rtpmap:{number} PCMA/8000", f"a=ptime:{description.audio_packet_ms}"],
            "g726": ["b=AS:32", f"a=rtpmap:{number} G726-32/8000", f"a=ptime:{description.audio_packet_ms}"],
            "aac": [
                f"a=rtpmap:{number} mpeg4-generic/{AAC_CLOCK}",
                f"a=fmtp:{number} streamtype=5;profile-level-id=15;mode=AAC-hbr;config={AAC_CONFIG};"
                "sizelength=13;indexlength=3;indexdeltalength=3",
            ],
        }
        return [f"m=audio 0 RTP/AVP {number}", *told[codec], f"a=control:trackID={AUDIO_TRACK}"]

    def _is_peer(self, destination: str, peer: str) -> bool:
        if not destination:
            return True
        try:
            return ipaddress.ip_address(destination) == ipaddress.ip_address(peer)
        except ValueError:
            return False

    async def _shut(self, *, bye: bool) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in tuple(self.sessions.values()):
            session.end(bye=bye)
        connections = tuple(self.connections)
        for connection in connections:
            connection.close(abruptly=not bye)
        await asyncio.gather(*(connection.closed.wait() for connection in connections))


def _video_format(description: Description) -> str:
    sets = [base64.b64encode(nal).decode() for nal in description.parameter_sets]
    if description.settings.codec == "h264":
        level = description.parameter_sets[0][1:4].hex().upper()
        return f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={','.join(sets)}"
    layer = description.parameter_sets[1].replace(b"\0\0\3", b"\0\0")[3:15]
    return (
        f"profile-space={layer[0] >> 6};profile-id={layer[0] & 31};tier-flag={layer[0] >> 5 & 1};level-id={layer[11]};"
        f"sprop-vps={sets[0]};sprop-sps={sets[1]};sprop-pps={sets[2]}"
    )
