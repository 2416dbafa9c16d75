"""The RTSP server of a device peer: asks the platform about every token, then sends labelled H.264 (tykd 5).

Media go interleaved over the RTSP connection, the one transport that passes everywhere; another is answered 461.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from conformance.media.labelled_video import LabelledVideo
from conformance.peers.platform.device import DevicePeer
from conformance.protocols.rtp import RtpPacket, serialize_rtp
from conformance.protocols.rtsp import Interleaved, Request, Response, RtspParser, serialize
from conformance.protocols.rtsp_headers import format_transport, parse_transport
from conformance.protocols.rtsp_url import parse_query, split_url
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Listener, Reset, Stream

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
CLOCK, PAYLOAD_TYPE, ROOM = 90_000, 96, 1200
SPS, PPS, FRAGMENT = 7, 8, 28
HOST = "127.0.0.1"
#: Seconds from one key picture to the next: whoever joins does not wait longer than that.
KEYS = 1
GOOD = 0
NAMES = ("devid", "channelno", "hashtoken")


@dataclass(slots=True)
class Viewer:
    """One RTSP connection. ``url``: the one that the platform found good; ``pictures``: how many were sent, the first
    and the last of them at the Unix times ``first_at`` and ``last_at``, as their labels say."""

    stream: Stream
    url: str = ""
    channel: int = 0
    video: int = 1
    interleaved: int = -1
    pictures: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    pump: asyncio.Task[None] | None = None
    sequence: int = 0
    asked: list[int] = field(default_factory=list)


class DeviceMedia:
    """``await DeviceMedia(device).start()`` before the device logs in: its login tells the port.

    ``viewers``: every connection so far; ``check_tokens`` False plays without asking; ``interrupted``: whoever asks is
    refused.
    """

    def __init__(self, device: DevicePeer) -> None:
        self.device = device
        self.wire = device.wire
        self.viewers: list[Viewer] = []
        self.check_tokens = True
        self.interrupted = False
        self._listener: Listener | None = None

    async def start(self) -> DeviceMedia:
        """Listen on a free port of this machine. Raises Refused."""
        self._listener = await self.wire.listen(HOST, 0, self._serve, label=f"{self.device.label} rtsp")
        self.device.identity = self.device.identity.but(host=self._listener.host, port=self._listener.port)
        return self

    @property
    def playing(self) -> list[Viewer]:
        """Those who get pictures now."""
        return [viewer for viewer in self.viewers if viewer.pump is not None and not viewer.pump.done()]

    def interrupt(self) -> None:
        """Drop everybody and refuse whoever comes, until ``resume``."""
        self.interrupted = True
        self._drop()

    def resume(self) -> None:
        """Pictures for everybody again."""
        self.interrupted = False

    def stop(self) -> None:
        """Stop listening, drop everybody."""
        if self._listener is not None:
            self._listener.close()
        self._drop()

    def _drop(self) -> None:
        for viewer in self.viewers:
            self._end(viewer)
            viewer.stream.close()

    # RTSP

    async def _serve(self, stream: Stream) -> None:
        viewer, parser = Viewer(stream), RtspParser()
        self.viewers.append(viewer)
        try:
            while (chunk := await stream.read()).data:
                for message in parser.feed(chunk.data):
                    if isinstance(message, Request):
                        stream.write(serialize(await self._respond(viewer, message)))
                        self._begin_after(viewer, message)
        except (CodecError, Closed, Reset):
            pass
        finally:
            self._end(viewer)
            stream.close()

    async def _respond(self, viewer: Viewer, request: Request) -> Response:
        method = request.method.upper()
        handlers: Mapping[str, Callable[[Viewer, Request], Response]] = {
            "OPTIONS": lambda v, r: _answer(r, 200, "OK", Public=METHODS),
            "SETUP": self._setup,
            "PLAY": self._play,
            "GET_PARAMETER": lambda v, r: _answer(r, 200, "OK"),
            "TEARDOWN": self._teardown,
        }
        if method == "DESCRIBE":
            return await self._describe(viewer, request)
        if method not in handlers:
            return _answer(request, 501, "Not Implemented")
        return handlers[method](viewer, request)

    async def _describe(self, viewer: Viewer, request: Request) -> Response:
        if self.interrupted:
            return _answer(request, 503, "Service Unavailable")
        if not await self._admitted(viewer, request.uri):
            return _answer(request, 403, "Forbidden")
        viewer.url = request.uri
        body = await self.wire.compute("parameter sets", partial(self._description, viewer))
        return _answer(
            request, 200, "OK", body=body, **{"Content-Type": "application/sdp", "Content-Base": request.uri}
        )

    async def _admitted(self, viewer: Viewer, url: str) -> bool:
        """Whether the platform says that this URL may be played."""
        try:
            query = parse_query(split_url(url).query or "")
            device, channel, token = (query.one(name) for name in NAMES)
            target = query.one("streamtype")
            viewer.channel, viewer.video = int(channel), int(target)
        except (CodecError, ValueError, KeyError):
            return False
        if device != self.device.identity.dev_id:
            return False
        if not self.check_tokens:
            return True
        verdict = await self.device.verdict("VIDEO_PLAY", ChannelNo=channel, StreamType=target, HashToken=token)
        viewer.asked.append(verdict)
        return verdict == GOOD

    def _setup(self, viewer: Viewer, request: Request) -> Response:
        if not viewer.url:
            return _answer(request, 403, "Forbidden")
        try:
            wanted = next((t for t in parse_transport(request.headers.get("transport") or "") if t.is_tcp), None)
        except CodecError:
            wanted = None
        if wanted is None:
            return _answer(request, 461, "Unsupported Transport")
        viewer.interleaved = wanted.interleaved[0] if wanted.interleaved else 0
        return _answer(request, 200, "OK", Transport=format_transport(wanted), Session=self._session(viewer))

    def _session(self, viewer: Viewer) -> str:
        return f"{self.viewers.index(viewer) + 1:08d};timeout=60"

    def _play(self, viewer: Viewer, request: Request) -> Response:
        if viewer.interleaved < 0:
            return _answer(request, 455, "Method Not Valid in This State")
        return _answer(request, 200, "OK", Session=self._session(viewer), Range="npt=0-")

    def _teardown(self, viewer: Viewer, request: Request) -> Response:
        self._end(viewer)
        return _answer(request, 200, "OK")

    def _begin_after(self, viewer: Viewer, request: Request) -> None:
        """Pictures begin behind the answer to PLAY."""
        if request.method.upper() == "PLAY" and viewer.interleaved >= 0 and viewer.pump is None:
            viewer.pump = self.wire.spawn(self._send(viewer), f"{self.device.label} pictures")

    @staticmethod
    def _end(viewer: Viewer) -> None:
        if viewer.pump is not None:
            viewer.pump.cancel()

    # media

    def _video(self, viewer: Viewer) -> LabelledVideo:
        """The stream with the parameters that are in force."""
        size, rate = self._in_force(viewer)
        dev_id = self.device.identity.dev_id
        return LabelledVideo(size, rate, dev_id, viewer.channel, viewer.video, key_interval=KEYS * rate)

    def _in_force(self, viewer: Viewer) -> tuple[tuple[int, int], int]:
        values = self.device.state.picture(viewer.channel, viewer.video)
        return self.device.table.frame_sizes[values["FrameSize"]], values["FrameRate"]

    def _description(self, viewer: Viewer) -> bytes:
        nals = self._video(viewer).encode(0.0)
        sets = {nal[0] & 0x1F: nal for nal in nals}
        sprop = ",".join(base64.b64encode(sets[kind]).decode() for kind in (SPS, PPS))
        profile = sets[SPS][1:4].hex().upper()
        form = f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sprop}"
        lines = (
            "v=0", f"o=- 1 1 IN IP4 {HOST}", "s=live", f"c=IN IP4 {HOST}", "t=0 0", "a=control:*", "a=range:npt=0-",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}", f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK}",
            f"a=fmtp:{PAYLOAD_TYPE} {form}", "a=control:track1",
        )  # fmt: skip
        return "".join(f"{line}\r\n" for line in lines).encode()

    async def _send(self, viewer: Viewer) -> None:
        """Picture after picture; new parameters begin a new stream of pictures in the same RTP stream."""
        settings = self._in_force(viewer)
        video = await self.wire.compute("encoder", partial(self._video, viewer))
        begun = self.wire.now()
        while not viewer.stream.closed:
            if settings != self._in_force(viewer):
                settings = self._in_force(viewer)
                video = await self.wire.compute("encoder", partial(self._video, viewer))
            at = self.wire.now()
            taken = self.wire.epoch()
            nals = await self.wire.compute("picture", partial(video.encode, taken))
            try:
                self._write(viewer, nals, round((at - begun) * CLOCK))
                await viewer.stream.drain()
            except (Closed, Reset):
                return
            viewer.pictures += 1
            viewer.first_at, viewer.last_at = viewer.first_at or taken, taken
            await self.wire.sleep(max(0.0, at + 1 / settings[1] - self.wire.now()))

    def _write(self, viewer: Viewer, nals: tuple[bytes, ...], timestamp: int) -> None:
        payloads = [payload for nal in nals for payload in fragments(nal)]
        frames = []
        for number, payload in enumerate(payloads, 1):
            viewer.sequence = (viewer.sequence + 1) & 0xFFFF
            packet = RtpPacket(
                PAYLOAD_TYPE, viewer.sequence, timestamp & 0xFFFFFFFF, viewer.stream.channel, payload,
                marker=number == len(payloads),
            )  # fmt: skip
            frames.append(Interleaved(viewer.interleaved, serialize_rtp(packet)).raw)
        viewer.stream.write(b"".join(frames))


def fragments(nal: bytes) -> list[bytes]:
    """RTP payloads of one NAL unit: itself, or FU-A fragments (RFC 6184 5.6, 5.8)."""
    if len(nal) <= ROOM:
        return [nal]
    size = ROOM - 2
    starts = range(1, len(nal), size)
    head = nal[0] & 0xE0 | FRAGMENT
    marks = [(start == 1) << 7 | (start + size >= len(nal)) << 6 | nal[0] & 0x1F for start in starts]
    return [bytes((head, mark)) + nal[start : start + size] for start, mark in zip(starts, marks, strict=True)]


def _answer(request: Request, status: int, reason: str, body: bytes = b"", **headers: str) -> Response:
    return Response.build(status, reason, {"CSeq": request.headers.get("cseq") or "0", **headers}, body)
