"""HLS playlists (RFC 8216): lenient reading with the line of every violation; bounded, raises nothing but HlsError."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

LARGEST = 1 << 20
MOST_LINES = 50_000
MEDIA_ONLY = frozenset({"EXTINF", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-ENDLIST", "EXT-X-BYTERANGE"})
MASTER_ONLY = frozenset({"EXT-X-STREAM-INF", "EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA"})
ONCE = frozenset(
    {
        "EXT-X-VERSION",
        "EXT-X-TARGETDURATION",
        "EXT-X-MEDIA-SEQUENCE",
        "EXT-X-DISCONTINUITY-SEQUENCE",
        "EXT-X-PLAYLIST-TYPE",
    }
)
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^,]*)(?:,|\Z)')
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?\Z")
_WHOLE = re.compile(r"[0-9]{1,20}\Z")
_BYTERANGE = re.compile(r"([0-9]{1,20})(?:@([0-9]{1,20}))?\Z")


class HlsError(CodecError):
    """No playlist at all, or one larger than is read."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment. ``duration``: seconds; ``byte_range``: (length, offset or None); ``line``: that of its URI."""

    uri: str
    duration: float
    line: int
    sequence: int
    discontinuity: bool = False
    byte_range: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One EXT-X-STREAM-INF with its URI."""

    uri: str
    attributes: dict[str, str]
    line: int


@dataclass(slots=True)
class Playlist:
    """A media playlist (``segments``) or a master playlist (``variants``). ``target_duration`` (seconds) and
    ``discontinuity_sequence``: None when missing; ``violations``: with line and clause."""

    version: int = 1
    target_duration: int | None = None
    media_sequence: int = 0
    discontinuity_sequence: int | None = None
    playlist_type: str = ""
    ended: bool = False
    segments: list[Segment] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    keys: list[dict[str, str]] = field(default_factory=list)
    maps: list[dict[str, str]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @property
    def is_master(self) -> bool:
        """Whether it names variants instead of segments."""
        return bool(self.variants)


def parse_playlist(data: bytes) -> Playlist:
    """Read a playlist. Raises HlsError when it does not begin with #EXTM3U or is too large."""
    if len(data) > LARGEST:
        raise _error(
            "size", data[:16], f"The playlist has {len(data)} bytes, more than the {LARGEST} that are read", "4"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error("encoding", data[error.start : error.start + 16], "The playlist is not UTF-8", "4.1") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "#EXTM3U":
        raise _error("header", data[:16], "The first line is not #EXTM3U", "4.3.1.1")
    if len(lines) > MOST_LINES:
        raise _error(
            "lines", b"", f"The playlist has {len(lines)} lines, more than the {MOST_LINES} that are read", "4"
        )
    return _Reader(lines).read()


def _error(rule: str, seen: bytes, explain: str, clause: str) -> HlsError:
    return HlsError(0, f"hls.{rule}", seen, explain, f"RFC 8216 {clause}")


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.found = Playlist()
        self.seen: set[str] = set()
        self.duration: float | None = None
        self.discontinuity = False
        self.byte_range: tuple[int, int | None] | None = None
        self.stream: dict[str, str] | None = None
        self.number = 0

    def read(self) -> Playlist:
        for number, line in enumerate(self.lines[1:], 2):
            self.number = number
            if line.startswith("#EXT"):
                name, _, value = line[1:].partition(":")
                self._tag(name.rstrip(), value)
            elif line and not line.startswith("#"):
                self._uri(line)
        self._whole()
        return self.found

    def note(self, rule: str, seen: str, explain: str, clause: str) -> None:
        """A violation on the line at hand."""
        found = seen[:SEEN_BYTES].encode("utf-8", "replace")
        self.found.violations.append(Violation(0, f"hls.{rule}", f"RFC 8216 {clause}", found, explain, self.number))

    def _tag(self, name: str, value: str) -> None:
        if name in ONCE and name in self.seen:
            self.note("repeated", name, f"{name} stands here a second time", "4.3.1; 4.3.3")
        self.seen.add(name)
        if name in _TAGS:
            _TAGS[name](self, value)

    def _inf(self, value: str) -> None:
        text = value.partition(",")[0].strip()
        if not _DECIMAL.match(text):
            self.note("extinf", value, "EXTINF has no decimal duration", "4.3.2.1")
            self.duration = 0.0
            return
        if "," not in value:
            self.note("extinf.comma", value, "EXTINF lacks the comma after the duration", "4.3.2.1")
        self.duration = float(text)

    def _target(self, value: str) -> None:
        if self._is_whole("EXT-X-TARGETDURATION", value, "4.3.3.1"):
            self.found.target_duration = int(value)

    def _sequence(self, value: str) -> None:
        if self.found.segments:
            self.note("sequence.late", value, "EXT-X-MEDIA-SEQUENCE stands after the first segment", "4.3.3.2")
        if self._is_whole("EXT-X-MEDIA-SEQUENCE", value, "4.3.3.2"):
            self.found.media_sequence = int(value)

    def _discontinuity_sequence(self, value: str) -> None:
        if self.found.segments or self.discontinuity:
            explain = "EXT-X-DISCONTINUITY-SEQUENCE stands after a segment or a discontinuity"
            self.note("discontinuity_sequence.late", value, explain, "4.3.3.3")
        if self._is_whole("EXT-X-DISCONTINUITY-SEQUENCE", value, "4.3.3.3"):
            self.found.discontinuity_sequence = int(value)

    def _version(self, value: str) -> None:
        if self._is_whole("EXT-X-VERSION", value, "4.3.1.2"):
            self.found.version = int(value)

    def _is_whole(self, name: str, value: str, clause: str) -> bool:
        good = bool(_WHOLE.match(value.strip()))
        if not good:
            self.note("number", value, f"{name} is not a decimal integer", clause)
        return good

    def _end(self, value: str) -> None:
        self.found.ended = True

    def _type(self, value: str) -> None:
        self.found.playlist_type = value.strip()
        if self.found.playlist_type not in ("EVENT", "VOD"):
            self.note("type", value, "EXT-X-PLAYLIST-TYPE is neither EVENT nor VOD", "4.3.3.5")

    def _discontinuity(self, value: str) -> None:
        self.discontinuity = True

    def _range(self, value: str) -> None:
        found = _BYTERANGE.match(value.strip())
        if found is None:
            self.note("byterange", value, "EXT-X-BYTERANGE is not n[@o]", "4.3.2.2")
            return
        self.byte_range = (int(found[1]), int(found[2]) if found[2] is not None else None)

    def _key(self, value: str) -> None:
        self.found.keys.append(self._attributes(value))

    def _map(self, value: str) -> None:
        self.found.maps.append(self._attributes(value))

    def _stream(self, value: str) -> None:
        self.stream = self._attributes(value)
        if "BANDWIDTH" not in self.stream:
            self.note("bandwidth", value, "EXT-X-STREAM-INF lacks BANDWIDTH", "4.3.4.2")

    def _attributes(self, value: str) -> dict[str, str]:
        found: dict[str, str] = {}
        position = 0
        while position < len(value):
            match = _ATTRIBUTE.match(value, position)
            if match is None:
                self.note("attributes", value[position:], "An attribute list cannot be read from here", "4.2")
                break
            if match[1] in found:
                self.note("attributes.repeated", match[1], f"The attribute {match[1]} stands twice", "4.2")
            found[match[1]] = match[2].strip('"')
            position = match.end()
        return found

    def _uri(self, line: str) -> None:
        if self.stream is not None:
            self.found.variants.append(Variant(line, self.stream, self.number))
            self.stream = None
            return
        if self.duration is None:
            self.note("extinf.missing", line, "A segment without EXTINF", "4.3.2.1")
        sequence = self.found.media_sequence + len(self.found.segments)
        self.found.segments.append(
            Segment(line, self.duration or 0.0, self.number, sequence, self.discontinuity, self.byte_range)
        )
        self.duration, self.discontinuity, self.byte_range = None, False, None

    def _whole(self) -> None:
        found, self.number = self.found, 0
        if self.seen & MEDIA_ONLY and self.seen & MASTER_ONLY:
            self.note("mixed", "", "Tags of media and master playlists in one", "4.1")
        if found.is_master:
            return
        if found.target_duration is None:
            self.note("target.missing", "", "EXT-X-TARGETDURATION is missing", "4.3.3.1")
            return
        for segment in found.segments:
            if round(segment.duration) > found.target_duration:
                self.number = segment.line
                explain = f"The segment lasts {segment.duration} s, the target duration is {found.target_duration} s"
                self.note("target", segment.uri, explain, "4.3.3.1")
        self.number = 0
        needed = 4 if "EXT-X-BYTERANGE" in self.seen else 3 if any(s.duration % 1 for s in found.segments) else 1
        if found.version < needed:
            self.note("version", "", f"The playlist needs version {needed} and says {found.version}", "7")


_TAGS: dict[str, Callable[[_Reader, str], None]] = {
    "EXTINF": _Reader._inf,
    "EXT-X-TARGETDURATION": _Reader._target,
    "EXT-X-MEDIA-SEQUENCE": _Reader._sequence,
    "EXT-X-DISCONTINUITY-SEQUENCE": _Reader._discontinuity_sequence,
    "EXT-X-VERSION": _Reader._version,
    "EXT-X-ENDLIST": _Reader._end,
    "EXT-X-PLAYLIST-TYPE": _Reader._type,
    "EXT-X-DISCONTINUITY": _Reader._discontinuity,
    "EXT-X-BYTERANGE": _Reader._range,
    "EXT-X-KEY": _Reader._key,
    "EXT-X-MAP": _Reader._map,
    "EXT-X-STREAM-INF": _Reader._stream,
}
