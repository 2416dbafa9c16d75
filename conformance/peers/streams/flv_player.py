"""An HTTP-FLV player: reads the tags of a stream for some time."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.peers.streams.http_fetcher import LARGEST_BODY, Asked, Fetched, Fetcher
from conformance.protocols.flv import FlvError, FlvReader, FlvTag
from conformance.protocols.http_answer import HttpAnswerError, HttpAnswerReader
from conformance.wire import Closed, Expired, Refused, Reset, Stream


@dataclass(slots=True)
class FlvPlay:
    """What came. ``fetched``: status and headers, body empty; ``arrivals``: seconds on the wire clock at which each tag
    was whole; ``began``: the moment of the request; ``complete``: the response ended by itself."""

    fetched: Fetched
    began: float
    reader: FlvReader = field(default_factory=FlvReader)
    tags: list[FlvTag] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    error: FlvError | None = None
    received: int = 0
    complete: bool = False


class FlvPlayer:
    """Plays one stream. ``target``: path and query of it."""

    def __init__(self, fetcher: Fetcher, target: str) -> None:
        self.fetcher, self.target = fetcher, target

    async def play(self, seconds: float, most: int = 100_000) -> FlvPlay:
        """Read for ``seconds`` after the response began, at most ``most`` tags."""
        asked = Asked(self.target)
        began = self.fetcher.wire.now()
        try:
            stream = await self.fetcher.open()
        except (Refused, Expired) as error:
            return FlvPlay(Fetched(asked, 0, failure=str(error)), began)
        try:
            stream.write(asked.to_bytes(self.fetcher.endpoint.authority))
            return await self._read(stream, asked, began, seconds, most)
        finally:
            stream.close()

    async def _read(self, stream: Stream, asked: Asked, began: float, seconds: float, most: int) -> FlvPlay:
        reader = HttpAnswerReader("GET", largest_body=LARGEST_BODY)
        found = FlvPlay(Fetched(asked, 0, failure="closed without a response"), began)
        until = began + self.fetcher.limits["exchange_wait"].seconds
        wait = self.fetcher.limits["answer_wait"].seconds
        wire = self.fetcher.wire
        while wire.now() < until and len(found.tags) < most and found.error is None:
            try:
                chunk = await stream.read(within=wait)
                found.complete = (reader.feed(chunk.data) if chunk.data else reader.end()) is not None
            except (Expired, Reset, Closed, HttpAnswerError) as error:
                if reader.head is None:
                    found.fetched = Fetched(asked, 0, failure=str(error))
                break
            head = reader.head
            if head is not None and found.fetched.failure:
                found.fetched = Fetched(asked, head.status, head.reason, head.headers)
                until = min(until, wire.now() + seconds)
            self._take(found, reader.drain())
            if found.complete or not chunk.data:
                break
        return found

    def _take(self, found: FlvPlay, data: bytes) -> None:
        found.received += len(data)
        try:
            tags = found.reader.feed(data) if data and found.fetched.ok else []
        except FlvError as error:
            found.error = error
            return
        found.tags += tags
        found.arrivals += [self.fetcher.wire.now()] * len(tags)
