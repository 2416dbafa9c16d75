"""One RTSP connection: reads requests in order and carries out the methods (RFC 2326 10)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from simulators.camera.media_feed import NoVideo
from simulators.camera.play_url import Target, UrlFault, parse_target, split_track, split_url
from simulators.camera.rtp_sender import InterleavedSink, PacketSink
from simulators.camera.rtsp_request import (
    Answer,
    Interleaved,
    RangeFault,
    Request,
    RequestReader,
    TransportOption,
    parse_range,
    parse_transport,
)
from simulators.camera.rtsp_session import VIDEO_TRACK, Play, RtspSession, Started

if TYPE_CHECKING:
    from simulators.camera.rtsp_server import RtspServer

MAX_PLAYS = 8
MAX_FAULTS = 20
WRITE_BUFFER = 2 << 20

_LOG = logging.getLogger(__name__)
_DRAIN_SECONDS = 10.0
_FLUSH_SECONDS = 0.5


class Refusal(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, status: int, why: str = "", **headers: str) -> None:
        self.answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()})
        super().__init__(why)


class RtspConnection:
    """Reads requests one after the other; the next waits until the last is answered."""

    reader_class: type[RequestReader] = RequestReader

    def __init__(self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.peer = str(writer.get_extra_info("peername")[0])
        self.local = str(writer.get_extra_info("sockname")[0])
        self.closed = asyncio.Event()
        self.plays: dict[str, Play] = {}
        self._reader, self._writer = reader, writer
        writer.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._channels: dict[int, RtspSession] = {}
        self._faults = 0
        self._task: asyncio.Task[None] | None = None
        self._handlers: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "OPTIONS": self.options, "DESCRIBE": self.describe, "SETUP": self.setup, "PLAY": self.play,
            "PAUSE": self.pause, "TEARDOWN": self.teardown,
            "GET_PARAMETER": self.parameter, "SET_PARAMETER": self.parameter,
        }  # fmt: skip

    async def run(self) -> None:
        """Serve until the peer goes, is silent without a session, or the server stops."""
        self._task = asyncio.current_task()
        items = self.reader_class()
        try:
            while data := await self._read():
                for item in items.feed(data):
                    if isinstance(item, Interleaved):
                        self._heard_on(item.channel)
                    elif not await self._serve(item):
                        return
        except (ConnectionError, TimeoutError, asyncio.CancelledError) as error:
            _LOG.debug("connection of %s ends: %r", self.peer, error)
        finally:
            for session in {session for session in self.server.sessions.values() if session.connection is self}:
                if session.interleaved:
                    session.end(bye=False)
            try:
                await self._hang_up()
            finally:
                self.closed.set()

    def close(self, *, abruptly: bool = False) -> None:
        """End from the side of the camera."""
        if abruptly:
            self._writer.transport.abort()
        else:
            self._writer.close()
        if self._task is not None:
            self._task.cancel()

    async def _hang_up(self) -> None:
        """Let what was written go out, but wait for no viewer who does not read."""
        self._writer.close()
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._writer.wait_closed()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            self._writer.transport.abort()

    async def _read(self) -> bytes:
        """More bytes; nothing when a connection without a session has been silent for a whole session time-out."""
        while True:
            try:
                async with asyncio.timeout(self.server.announced_timeout * 2):
                    return await self._reader.read(65536)
            except TimeoutError:
                if not any(session.connection is self for session in self.server.sessions.values()):
                    return b""

    async def _serve(self, request: Request) -> bool:
        """Answer one request. False when the connection has to end."""
        if request.fault < 0:
            return True
        session = self._known_session(request)
        if session is not None:
            session.touch()
        answer = await self._answer(request)
        if request.header("cseq").isdecimal():
            answer.headers = {"CSeq": request.header("cseq"), **answer.headers}
        if request.header("timestamp"):
            answer.headers.setdefault("Timestamp", request.header("timestamp"))
        answer.headers.setdefault("Server", self.server.config.agent)
        answer = self.server.finish(request, answer)
        self._writer.write(answer.encode())
        async with asyncio.timeout(_DRAIN_SECONDS):
            await self._writer.drain()
        self._faults = self._faults + 1 if answer.status == 400 else 0
        wants_close = request.header("connection").lower() == "close"
        return not (request.close or wants_close or self._faults >= MAX_FAULTS)

    async def _answer(self, request: Request) -> Answer:
        if request.fault:
            return Answer(request.fault)
        try:
            handler = self._handlers.get(request.method)
            if handler is None or request.method not in self.server.public_methods().split(", "):
                raise Refusal(501, Public=self.server.public_methods())
            unsupported = self.server.unsupported_options(
                f"{request.header('require')},{request.header('proxy-require')}"
            )
            if unsupported:
                raise Refusal(551, Unsupported=", ".join(unsupported))
            if request.method != "OPTIONS" and not await self.server.credentials_accepted(request):
                raise self._unauthorized(request)
            return await handler(request)
        except Refusal as refusal:
            return refusal.answer
        except UrlFault as fault:
            return Answer(fault.status)
        except RangeFault as fault:
            return Answer(fault.status)
        except NoVideo:
            return Answer(503)
        except OSError as error:
            _LOG.warning("%s failed: %r", request.method, error)
            return Answer(500)

    async def options(self, request: Request) -> Answer:
        """OPTIONS: the methods, for any URL or ``*``."""
        if request.url != "*":
            split_url(request.url)
        headers = {"Public": self.server.public_methods()}
        if request.session:
            headers["Session"] = self._session_header(self._session(request))
        return Answer(200, headers)

    async def describe(self, request: Request) -> Answer:
        """DESCRIBE: the point at which the platform is asked about the token."""
        authority, path = split_url(request.url)
        if not accepts_sdp(request.header("accept")):
            raise Refusal(406)
        play = await self._new_play(request, path)
        while len(self.plays) >= MAX_PLAYS:
            del self.plays[next(iter(self.plays))]
        self.plays[play.base] = play
        body = (await self.server.sdp_for(play, self.local)).encode()
        headers = {"Content-Type": "application/sdp", "Content-Base": f"rtsp://{authority}{play.base}"}
        return Answer(200, headers, body)

    async def _new_play(self, request: Request, path: str) -> Play:
        """Resolve the URL, then ask for the token, and only then touch the media. Raises Refusal, NoVideo, UrlFault."""
        server = self.server
        target = self._target(path)
        channel = await server.resolve_channel(target.channel_text)
        if not server.device_matches(target.dev_id) or channel is None:
            raise Refusal(404)
        stream: int | None = 0
        if target.kind == "live":
            stream = await server.resolve_stream(channel, target.stream_text)
        elif not await server.resolve_file(channel, target.file_text):
            raise Refusal(404)
        if stream is None:
            raise Refusal(404)
        if not await server.token_accepted(target):
            raise self._unauthorized(request)
        if target.kind == "live":
            description = await server.source.describe_live(channel, stream)
        else:
            found = await server.source.describe_file(channel, target.file_text)
            if found is None:
                raise Refusal(404)
            description = found
        base = f"/play/{secrets.token_hex(8)}/"
        return Play(target, channel, stream, path, base, description, self)

    def _target(self, path: str) -> Target:
        """The target of a play path; a camera without the token guard has a short form too. Raises UrlFault."""
        parts = path.strip("/").split("/")
        if not self.server.config.token_guard and len(parts) == 3 and parts[0] == "live":
            return Target("live", self.server.config.dev_id, parts[1], parts[2], "", "")
        return parse_target(path)

    async def setup(self, request: Request) -> Answer:
        """SETUP: one track of a play that was allowed on this connection."""
        _authority, path = split_url(request.url)
        base, track = split_track(path)
        session = self._session(request) if request.session else None
        play = await self._permitted_play(request, base, session)
        if track is None:
            if len(play.tracks) > 1:
                raise Refusal(459)
            track = VIDEO_TRACK
        if track not in play.tracks:
            raise Refusal(404)
        if session is not None and session.state == "playing":
            raise Refusal(455, Allow="OPTIONS, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER")
        if not request.header("transport"):
            raise Refusal(400)
        for option in parse_transport(request.header("transport")):
            if await self.server.transport_allowed(option, self.peer):
                return await self._set_up(play, session, track, option)
        raise Refusal(461)

    async def _permitted_play(self, request: Request, base: str, session: RtspSession | None) -> Play:
        if session is not None:
            if base not in (session.play.base, session.play.path, session.play.path + "/"):
                raise Refusal(459)
            return session.play
        play = self.plays.get(base)
        if play is None:
            play = next((p for p in self.plays.values() if base in (p.path, p.path + "/") and not p.spent), None)
        if play is None and not self.server.config.token_guard:
            play = await self._new_play(request, base.rstrip("/"))
            self.plays[play.base] = play
        if play is None or not await self.server.play_permitted(play, self):
            raise self._unauthorized(request)
        return play

    async def _set_up(self, play: Play, session: RtspSession | None, track: int, option: TransportOption) -> Answer:
        server = self.server
        if session is None:
            if not await server.viewer_admitted():
                raise Refusal(453)
            session = server.session_class(server, play, self.peer, self)
            server.sessions[session.id] = session
            play.spent = True
        settings = play.description.settings
        name = settings.codec if track == VIDEO_TRACK else settings.audio_codec
        try:
            sink, transport = await self._sink(session, option)
        except (Refusal, OSError):
            if not session.senders:
                session.end()
            raise
        sender = session.add_track(track, sink, server.payload_type(name))
        transport += f';ssrc={sender.ssrc:08X};mode="PLAY"'
        return Answer(200, {"Transport": transport, "Session": self._session_header(session)})

    async def _sink(self, session: RtspSession, option: TransportOption) -> tuple[PacketSink, str]:
        if option.tcp:
            channels = self._free_channels(option.channels)
            for channel in channels:
                self._channels[channel] = session
            session.interleaved = True
            sink = InterleavedSink(self._writer.transport, channels)
            return sink, f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}"
        udp = await self.server.udp_pair(self.local, lambda data, source: self._heard_from(session, source))
        ports = option.ports or (0, 0)
        udp.aim(self.peer, ports)
        return udp, (
            f"RTP/AVP;unicast;source={self.local};client_port={ports[0]}-{ports[1]};"
            f"server_port={udp.ports[0]}-{udp.ports[1]}"
        )

    def _free_channels(self, wanted: tuple[int, int] | None) -> tuple[int, int]:
        taken = {channel for channel, session in self._channels.items() if session.state != "ended"}
        if wanted is not None and not taken & set(wanted):
            return wanted
        first = next((n for n in range(0, 255, 2) if not taken & {n, n + 1}), None)
        if first is None:
            raise Refusal(461)
        return first, first + 1

    async def play(self, request: Request) -> Answer:
        """PLAY: start, resume, or seek in a recording."""
        session = self._session(request)
        self._check_aggregate(request, session)
        if not session.senders:
            raise Refusal(455)
        start: float | None = None
        end: float | None = None
        if request.header("range"):
            start, end = parse_range(request.header("range"))
            duration = session.play.description.duration
            if start is not None and start > (0.0 if duration is None else duration):
                raise Refusal(457)
        scale = _scale(request.header("scale"))
        started = session.start(start, end, scale)
        return Answer(200, self._play_headers(request, session, started))

    def _play_headers(self, request: Request, session: RtspSession, started: Started) -> dict[str, str]:
        authority, _path = split_url(request.url)
        base = f"rtsp://{authority}{session.play.base}"
        span = "now-" if started.span is None else f"{started.span[0]:.3f}-{started.span[1]:.3f}"
        headers = {"Session": self._session_header(session), "Range": f"npt={span}"}
        if request.header("scale"):
            headers["Scale"] = f"{started.scale:g}" if started.scale % 1 else f"{started.scale:.1f}"
        headers["RTP-Info"] = ",".join(
            f"url={base}trackID={track};seq={sequence};rtptime={rtptime}" for track, sequence, rtptime in started.tracks
        )
        return headers

    async def pause(self, request: Request) -> Answer:
        """PAUSE: sending stops, also for a live stream."""
        session = self._session(request)
        self._check_aggregate(request, session)
        if session.state != "playing":
            raise Refusal(455)
        session.pause()
        return Answer(200, {"Session": self._session_header(session)})

    async def teardown(self, request: Request) -> Answer:
        """TEARDOWN: the session ends with BYE on every track, before the answer."""
        session = self._session(request)
        self._check_aggregate(request, session)
        session.end()
        return Answer(200, {"Session": session.id})

    async def parameter(self, request: Request) -> Answer:
        """GET_PARAMETER and SET_PARAMETER: without a body they keep the session alive; no parameter is known."""
        headers = {}
        if request.url != "*":
            split_url(request.url)
        if request.session:
            headers["Session"] = self._session_header(self._session(request))
        if request.body.strip():
            media_type = request.header("content-type").partition(";")[0].strip().lower()
            if media_type != "text/parameters":
                raise Refusal(415)
            raise Refusal(451, **headers)
        return Answer(200, headers)

    def _known_session(self, request: Request) -> RtspSession | None:
        session = self.server.sessions.get(request.session)
        return session if session is not None and self.server.session_usable(session, self) else None

    def _session(self, request: Request) -> RtspSession:
        session = self._known_session(request)
        if session is None:
            raise Refusal(454)
        return session

    def _check_aggregate(self, request: Request, session: RtspSession) -> None:
        """The URL has to be that of the session: the whole presentation, or its only track."""
        _authority, path = split_url(request.url)
        base, track = split_track(path)
        if base not in (session.play.base, session.play.path, session.play.path + "/"):
            raise Refusal(404)
        if track is not None and track not in session.senders:
            raise Refusal(404)
        if track is not None and len(session.senders) > 1:
            raise Refusal(460)

    def _session_header(self, session: RtspSession) -> str:
        return f"{session.id};timeout={self.server.announced_timeout}"

    def _unauthorized(self, request: Request) -> Refusal:
        realm = self.server.config.dev_id
        authenticator = self.server.authenticator
        challenge = f'HashToken realm="{realm}"' if authenticator is None else authenticator.challenge(request)
        return Refusal(401, WWW_Authenticate=challenge)

    def _heard_on(self, channel: int) -> None:
        session = self._channels.get(channel)
        if session is not None:
            session.hear_report()

    def _heard_from(self, session: RtspSession, source: tuple[str, int]) -> None:
        if source[0] == session.peer:
            session.hear_report()


def accepts_sdp(accept: str) -> bool:
    """Whether an Accept header lets the answer be application/sdp; a missing one does."""
    if not accept:
        return True
    for entry in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        refused = any(part.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters)
        if media_type in ("application/sdp", "application/*", "*/*") and not refused:
            return True
    return False


def _scale(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Refusal(400) from None
    if value != value or value in (float("inf"), float("-inf")):
        raise Refusal(400)
    return value
