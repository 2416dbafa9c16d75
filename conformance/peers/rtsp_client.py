"""One RTSP connection to the device: requests, pipelining, malformed requests, interleaved media.

Everything that the device sends is kept with its arrival time; responses are matched to requests by order, as RTSP
demands on one connection, and the CSeq is left to the suites to judge.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.peers.faults import DeviceClosed, NoAnswer
from conformance.protocols.rtsp import Interleaved, Raw, Request, Response, RtspParser, Stray, serialize
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Expired, Reset, Stream, Wire

USER_AGENT = "Kandian"
MEDIA_BACKLOG = 200_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A response and when it came; ``sent_at`` is when its request left (0 for responses nobody asked for)."""

    response: Response
    sent_at: float
    at: float

    @property
    def status(self) -> int:
        """Status code."""
        return self.response.status

    @property
    def seconds(self) -> float:
        """Time from request to response."""
        return self.at - self.sent_at


OnInterleaved = Callable[[int, bytes, float], None]


class RtspClient:
    """See the module text. ``open`` first. ``authorize`` may add headers to each request (set by the player)."""

    def __init__(self, wire: Wire, host: str, port: int, *, answer_wait: float, label: str = "rtsp") -> None:
        self.host = host
        self.port = port
        self.answer_wait = answer_wait
        self.cseq = 0
        self.closed_at: float | None = None
        self.strays: list[Stray] = []
        self.server_requests: list[Request] = []
        self.interleaved: list[tuple[int, bytes, float]] = []
        self.on_interleaved: OnInterleaved | None = None
        self.broken: CodecError | None = None
        self._wire = wire
        self._label = label
        self._stream: Stream | None = None
        self._answers: deque[tuple[Response, float]] = deque()
        self._arrived = asyncio.Event()
        self._sent: deque[float] = deque()
        self._reader: asyncio.Task[None] | None = None
        self._tail = b""
        self._heads: list[bytes] = []

    @property
    def transcript(self) -> bytes:
        """The exact bytes of every response and request of the device, media left out."""
        return b"".join(self._heads)

    async def open(self, within: float) -> RtspClient:
        """Connect. Raises Refused or Expired."""
        self._stream = await self._wire.connect(self.host, self.port, label=self._label, within=within)
        self._reader = self._wire.spawn(self._read(self._stream), f"{self._label} reader")
        return self

    @property
    def waiting(self) -> list[Response]:
        """Responses that came and were not asked for yet."""
        return [response for response, _ in self._answers]

    @property
    def local_host(self) -> str:
        """Our own address on this connection."""
        return self._stream.local[0] if self._stream else ""

    @property
    def open_now(self) -> bool:
        """Whether the device still holds the connection."""
        return self._stream is not None and self.closed_at is None and not self._stream.closed

    async def _read(self, stream: Stream) -> None:
        parser = RtspParser()
        try:
            while chunk := await stream.read():
                if not chunk.data:
                    break
                self._tail = (self._tail + chunk.data)[-256:]
                for message in parser.feed(chunk.data):
                    self._sort(message, chunk.at)
                self._arrived.set()
        except CodecError as error:
            self.broken = error
        except (Reset, Closed):
            pass
        finally:
            self.closed_at = self._wire.now()
            stream.close()
            self._arrived.set()

    def _sort(self, message: Any, at: float) -> None:
        if isinstance(message, Interleaved):
            if self.on_interleaved is not None:
                self.on_interleaved(message.channel, message.data, at)
            elif len(self.interleaved) < MEDIA_BACKLOG:
                self.interleaved.append((message.channel, message.data, at))
        elif isinstance(message, Response):
            self._heads.append(message.raw)
            self._answers.append((message, at))
        elif isinstance(message, Request):
            self._heads.append(message.raw)
            self.server_requests.append(message)
        else:
            self.strays.append(message)

    # requests

    def build(self, method: str, uri: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Request:
        """A request with the next CSeq; a header given as CSeq wins."""
        self.cseq += 1
        own = {"CSeq": str(self.cseq), "User-Agent": USER_AGENT}
        return Request.build(method, uri, {**own, **(headers or {})}, body)

    def send(self, message: Request | Raw | bytes) -> float:
        """Send without waiting (pipelining); returns the moment of sending. Raises DeviceClosed."""
        data = message if isinstance(message, bytes) else serialize(message)
        if self._stream is None:
            raise Closed(self._label)
        try:
            at = self._stream.write(data)
        except (Closed, Reset):
            raise DeviceClosed("RTSP", self._tail) from None
        self._sent.append(at)
        return at

    def send_part(self, data: bytes) -> None:
        """Send a piece of a request; its last piece goes by ``send``."""
        if self._stream is not None:
            self._stream.write(data)

    async def response(self, within: float | None = None, what: str = "RTSP response") -> Answer:
        """The next response. Raises NoAnswer, or DeviceClosed when the device has closed without one."""
        seconds = self.answer_wait if within is None else within
        try:
            async with self._wire.timeout(seconds, what):
                while not self._answers:
                    if self.closed_at is not None:
                        raise DeviceClosed(what, self._tail)
                    self._arrived.clear()
                    await self._arrived.wait()
        except Expired:
            raise NoAnswer(what, seconds) from None
        response, at = self._answers.popleft()
        return Answer(response, self._sent.popleft() if self._sent else 0.0, at)

    async def request(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        within: float | None = None,
    ) -> Answer:
        """Send a request and wait for its response. Raises NoAnswer, DeviceClosed."""
        self.send(self.build(method, uri, headers, body))
        return await self.response(within, f"{method} response")

    def send_interleaved(self, channel: int, data: bytes) -> None:
        """Send a binary frame, RTCP for one."""
        if self._stream is not None and self.open_now:
            self._stream.write(serialize(Interleaved(channel, data)))

    async def wait_closed(self, within: float) -> bool:
        """Whether the device closes within ``within`` seconds."""
        try:
            async with self._wire.timeout(within, "the device to close"):
                while self.closed_at is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except Expired:
            return False
        return True

    def close(self) -> None:
        """Close our side."""
        if self._stream is not None:
            self._stream.close()

    def abort(self) -> None:
        """Drop the connection."""
        if self._stream is not None:
            self._stream.abort()
