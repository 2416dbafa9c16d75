"""CS-056, CS-057 and CS-REA-07: recordings play through signed URLs and by ranges."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.storage import clips
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.hls import HlsError, Playlist, parse_playlist
from conformance.protocols.raw_request import RawRequest
from conformance.suites.cloud_storage.steps import good, judge

PLAYLIST, SEGMENT = "application/vnd.apple.mpegurl", "video/mp2t"
DECODED = say("可解码的画面数", "pictures that decode")
HEAD = 16


def address(storage: Storage, bucket: str, key: str, life: float) -> str:
    """A signed URL."""
    request = storage.owner.presign(storage.owner.build("GET", bucket, key), expires=round(life))
    scheme = "https" if storage.declared.endpoint.startswith("https:") else "http"
    return f"{scheme}://{request.header('host')}{request.target}"


async def load(storage: Storage, url: str, span: tuple[int, int] | None = None) -> Answer:
    """As a player that has nothing but the URL. ``span``: first byte and count."""
    parts = urlsplit(url)
    request = RawRequest("GET", f"{parts.path}?{parts.query}", (("Host", parts.netloc),))
    if span is not None:
        request = request.with_header("Range", f"bytes={span[0]}-{span[0] + span[1] - 1}")
    return await storage.anonymous.send(request)


def playlist_of(entries: list[tuple[str, str]]) -> bytes:
    """A playlist of (URI, line before it or nothing)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
    for uri, extra in entries:
        lines += ["#EXTINF:1.000,", *filter(None, (extra,)), uri]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


async def read_playlist(storage: Storage, check: Checks, url: str) -> Playlist | None:
    """The playlist as a player gets it."""
    answer = await load(storage, url)
    await judge(storage, check, "CS-056", answer, (200,), about="playlist")
    check.equal("CS-056", answer.header("content-type"), PLAYLIST, "Content-Type")
    try:
        return parse_playlist(answer.body)
    except HlsError as error:
        check.fail("CS-056", say("播放列表", "a playlist"), str(error))
        return None


@verifies("CS-056", "CS-REA-07")
async def test_hls(storage: Storage, check: Checks, limits: Limits) -> None:
    """A playlist of signed URLs, segment by segment, and once more by byte range of one file."""
    limit, bucket, owner = limits("CS-056"), await storage.bucket(), storage.owner
    parts = clips.segments(int(limit.segments.number))
    check.step("s1")
    entries = []
    for number, part in enumerate(parts):
        written = await owner.put(bucket, f"clip-{number}.ts", part, [("Content-Type", SEGMENT)])
        await judge(storage, check, "CS-056", written, (200,))
        entries.append((address(storage, bucket, f"clip-{number}.ts", limit.life.seconds), ""))
    await owner.put(bucket, "clip.m3u8", playlist_of(entries), [("Content-Type", PLAYLIST)])
    check.step("s2")
    playlist = await read_playlist(storage, check, address(storage, bucket, "clip.m3u8", limit.life.seconds))
    loaded = b""
    for segment in playlist.segments if playlist else ():
        answer = await load(storage, segment.uri)
        await judge(storage, check, "CS-056", answer, (200,), about="segment")
        check.equal("CS-056", answer.header("content-type"), SEGMENT, "Content-Type")
        loaded += answer.body
    expected = clips.pictures(b"".join(parts))
    check.equal("CS-REA-07", clips.pictures(loaded), expected, DECODED)
    check.step("s3")
    await owner.put(bucket, "whole.ts", b"".join(parts), [("Content-Type", SEGMENT)])
    whole, start, ranged = address(storage, bucket, "whole.ts", limit.life.seconds), 0, []
    for part in parts:
        ranged.append((whole, f"#EXT-X-BYTERANGE:{len(part)}@{start}"))
        start += len(part)
    await owner.put(bucket, "ranges.m3u8", playlist_of(ranged), [("Content-Type", PLAYLIST)])
    playlist = await read_playlist(storage, check, address(storage, bucket, "ranges.m3u8", limit.life.seconds))
    loaded = b""
    for segment in playlist.segments if playlist else ():
        count, first = segment.byte_range or (0, 0)
        loaded += (await load(storage, segment.uri, (first or 0, count))).body
    check.equal("CS-056", clips.pictures(loaded), expected, DECODED)
    shot = await owner.put(bucket, "shot.jpg", b"\xff\xd8\xff\xd9", [("Content-Type", "image/jpeg")])
    await judge(storage, check, "CS-REA-07", shot, (200,))
    picture = await load(storage, address(storage, bucket, "shot.jpg", limit.life.seconds))
    check.equal("CS-REA-07", (picture.status, picture.header("content-type")), (200, "image/jpeg"), "Content-Type")


class RangedFile:
    """A file on the storage of which only what was asked for is known; the rest is zeros."""

    def __init__(self, storage: Storage, bucket: str, key: str, size: int) -> None:
        self.storage, self.bucket, self.key = storage, bucket, key
        self.known = bytearray(size)
        self.refused = ""

    async def fetch(self, start: int, count: int) -> bytes:
        """Bytes by a range request; what is not a right answer to it leaves zeros."""
        last = min(start + count, len(self.known)) - 1
        answer = await self.storage.owner.get(self.bucket, self.key, [("Range", f"bytes={start}-{last}")])
        await self.storage.judge_death(answer)
        if answer.status != 206 or len(answer.body) != last - start + 1:
            self.refused = self.refused or f"bytes={start}-{last}: {answer.summary}, {len(answer.body)} bytes"
            return b""
        self.known[start : last + 1] = answer.body
        return answer.body

    async def find_box(self, name: bytes) -> tuple[int, int] | None:
        """Start and size of a top-level box, walking from box to box (ISO 14496-12, 4.2)."""
        start = 0
        while start < len(self.known):
            header = await self.fetch(start, HEAD)
            if len(header) < 8:
                return None
            size = int.from_bytes(header[:4], "big")
            size = int.from_bytes(header[8:16], "big") if size == 1 else size or len(self.known) - start
            if header[4:8] == name:
                return start, size
            if size < 8:
                return None
            start += size
        return None


@verifies("CS-057")
async def test_seek(storage: Storage, check: Checks, limits: Limits) -> None:
    """Index and one group of pictures by ranges alone."""
    limit, bucket = limits("CS-057"), await storage.bucket()
    clip = clips.recording(limit.clip.seconds)
    check.step("s1")
    if not await good(storage, check, bucket, "clip.mp4", clip):
        return
    size = (await storage.owner.head(bucket, "clip.mp4")).header("content-length")
    check.equal("CS-057", size, str(len(clip)), "Content-Length")
    check.step("s2")
    file = RangedFile(storage, bucket, "clip.mp4", len(clip))
    moov = await file.find_box(b"moov")
    if moov is not None:
        await file.fetch(*moov)
    listed = clips.samples(bytes(file.known))
    check.equal("CS-057", file.refused, "", say("未按范围应答", "ranges not answered"))
    if not check.equal("CS-057", len(listed), len(clips.samples(clip)), say("索引中的画面数", "pictures of the index")):
        return
    check.step("s3")
    first = max(n for n, sample in enumerate(listed) if sample.key and sample.at <= limit.seek.seconds)
    after = next((n for n, sample in enumerate(listed) if sample.key and n > first), len(listed))
    for sample in listed[first:after]:
        await file.fetch(sample.start, sample.size)
    found = clips.pictures(bytes(file.known), listed[first].at, after - first)
    check.equal("CS-057", found, after - first, DECODED)
    same = hashlib.sha256(clip[listed[first].start : listed[after - 1].start + listed[after - 1].size]).hexdigest()
    got = file.known[listed[first].start : listed[after - 1].start + listed[after - 1].size]
    check.equal("CS-057", hashlib.sha256(got).hexdigest(), same, "SHA-256")
