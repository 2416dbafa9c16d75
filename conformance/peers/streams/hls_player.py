"""An HLS player: reloads a live playlist as RFC 8216 section 6.3.4 tells, and fetches segments."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from conformance.peers.streams.http_fetcher import Fetched, Fetcher
from conformance.protocols.hls import HlsError, Playlist, Segment, parse_playlist
from conformance.protocols.mpeg_ts import TransportStream, TsError, parse_transport_stream


@dataclass(frozen=True, slots=True)
class Loaded:
    """One loading of a playlist. ``at``: seconds on the wire clock; ``playlist``: None where it cannot be read, for
    which ``error`` is the reason."""

    at: float
    fetched: Fetched
    playlist: Playlist | None
    error: HlsError | None = None

    @property
    def numbers(self) -> list[int]:
        """Media sequence numbers."""
        return [segment.sequence for segment in self.playlist.segments] if self.playlist else []


@dataclass(frozen=True, slots=True)
class FetchedSegment:
    """A segment with what it holds; ``stream`` None: no transport stream, for which ``error`` is the reason."""

    segment: Segment
    target: str
    fetched: Fetched
    stream: TransportStream | None
    error: TsError | None = None


class HlsPlayer:
    """Plays one media playlist. ``target``: path and query of it; a master playlist leads to its first variant."""

    def __init__(self, fetcher: Fetcher, target: str) -> None:
        self.fetcher, self.target = fetcher, target
        self.loads: list[Loaded] = []

    async def load(self) -> Loaded:
        """Load the playlist once."""
        fetched = await self.fetcher.get(self.target)
        at = self.fetcher.wire.now()
        playlist, error = None, None
        if fetched.ok:
            try:
                playlist = parse_playlist(fetched.body)
            except HlsError as failure:
                error = failure
        if playlist is not None and playlist.is_master:
            self.target = self.address(playlist.variants[0].uri)
            return await self.load()
        loaded = Loaded(at, fetched, playlist, error)
        self.loads.append(loaded)
        return loaded

    async def watch(self, targets: float, *, shortest: float = 0.0) -> list[Loaded]:
        """Load again and again for ``targets`` target durations, at least ``shortest`` seconds: after half a target
        duration where nothing is new, after a quarter where something is, to see changes in time."""
        first = await self.load()
        if first.playlist is None or not first.playlist.target_duration:
            return self.loads
        target = float(first.playlist.target_duration)
        until = self.fetcher.wire.now() + max(shortest, targets * target)
        while self.fetcher.wire.now() < until and not (self.loads[-1].playlist and self.loads[-1].playlist.ended):
            await self.fetcher.wire.sleep(target / 4)
            await self.load()
        return self.loads

    def address(self, uri: str) -> str:
        """Path and query of what a playlist names; the whole URI where it lies on another server."""
        base = self.fetcher.endpoint.url + self.target
        joined = urljoin(base, uri)
        parts = urlsplit(joined)
        if f"{parts.scheme}://{parts.netloc}" != self.fetcher.endpoint.url:
            return joined
        return joined[len(self.fetcher.endpoint.url) :].partition("#")[0] or "/"

    async def segment(self, segment: Segment) -> FetchedSegment:
        """Fetch a segment and take it apart."""
        target = self.address(segment.uri)
        fetched = await self.fetcher.get(target, _byte_range(segment))
        if not fetched.ok:
            return FetchedSegment(segment, target, fetched, None)
        try:
            return FetchedSegment(segment, target, fetched, parse_transport_stream(fetched.body))
        except TsError as error:
            return FetchedSegment(segment, target, fetched, None, error)

    async def segments(self, count: int) -> list[FetchedSegment]:
        """The next ``count`` segments in order, reloading as they come; fewer where the playlist ends or stands still
        for three target durations."""
        found: list[FetchedSegment] = []
        seen, still = -1, 0
        while len(found) < count and still < 12:
            loaded = self.loads[-1] if self.loads and not found else await self.load()
            if loaded.playlist is None:
                break
            fresh = [s for s in loaded.playlist.segments if s.sequence > seen][: count - len(found)]
            for segment in fresh:
                found.append(await self.segment(segment))
                seen = segment.sequence
            if len(found) < count:
                if loaded.playlist.ended:
                    break
                still = 0 if fresh else still + 1
                await self.fetcher.wire.sleep((loaded.playlist.target_duration or 1) / 4)
                await self.load()
        return found


def _byte_range(segment: Segment) -> list[tuple[str, str]]:
    if segment.byte_range is None:
        return []
    length, offset = segment.byte_range
    return [("Range", f"bytes={offset or 0}-{(offset or 0) + length - 1}")]
