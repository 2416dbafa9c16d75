"""The HTTP forms of a play, HLS and HTTP-FLV, as a phone plays them; and what was burned into their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from conformance.media.decoding import Decoded, decode_units
from conformance.peers.http_connection import Endpoint
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import Reply
from conformance.peers.streams.flv_player import FlvPlay, FlvPlayer
from conformance.peers.streams.hls_player import FetchedSegment, HlsPlayer
from conformance.peers.streams.http_fetcher import Fetcher
from conformance.protocols.flv import AVC, FlvError, annex_b_pictures, read_avc_record
from conformance.protocols.mpeg_ts import H264_TYPE, H265_TYPE
from specs.model import Limit

CODECS = {H264_TYPE: "h264", H265_TYPE: "h265"}
NO_PICTURES = Decoded((), ())


class HttpPlay:
    """What a play answer gives over HTTP. ``hls``, ``flv``: the addresses, empty where there is none."""

    def __init__(self, phone: Phone, reply: Reply, limits: Mapping[str, Limit]) -> None:
        self.phone, self.limits = phone, limits
        self.hls, self.flv = (str(reply.at(name) or "") for name in ("hls", "flv"))
        self._fetchers: dict[Endpoint, Fetcher] = {}

    def fetcher(self, url: str) -> Fetcher:
        """Requests to the server of an address."""
        endpoint = Endpoint.of(url, self.phone.endpoint.ca_file)
        if endpoint not in self._fetchers:
            self._fetchers[endpoint] = Fetcher(
                self.phone.wire, endpoint, self.limits, "media", source=self.phone.connections.source
            )
        return self._fetchers[endpoint]

    def hls_player(self) -> HlsPlayer:
        """A player of the playlist."""
        return HlsPlayer(self.fetcher(self.hls), target_of(self.hls))

    def flv_player(self) -> FlvPlayer:
        """A player of the FLV stream."""
        return FlvPlayer(self.fetcher(self.flv), target_of(self.flv))

    def close(self) -> None:
        """Close what is open."""
        for fetcher in self._fetchers.values():
            fetcher.close()


def target_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def segment_pictures(segments: Iterable[FetchedSegment]) -> Decoded:
    """The pictures of transport stream segments that follow one another."""
    units: list[bytes] = []
    codec = ""
    for segment in segments:
        stream = segment.stream
        if stream is not None:
            codec = CODECS.get(stream.streams.get(stream.video_pid or 0, 0), "") or codec
            units += [pes.payload for pes in stream.of(stream.video_pid)]
    return decode_units(codec, units) if codec else NO_PICTURES


def flv_pictures(play: FlvPlay) -> Decoded:
    """The H.264 pictures of an FLV stream from the first key picture on; none where they cannot be taken apart."""
    setup = next((tag for tag in play.tags if tag.is_setup and tag.codec == AVC), None)
    try:
        record = read_avc_record(setup.units) if setup is not None else None
        units = annex_b_pictures(record, play.tags) if record is not None else []
    except FlvError:
        return NO_PICTURES
    if record is None or not units:
        return NO_PICTURES
    return decode_units("h264", units, parameter_sets=record.annex_b)
