"""Past video as HLS: clips of the cloud storage, read by the platform, gaps shown as such (RFC 8216 4.3.2.3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.platform.cloud_store import StoreFault
from simulators.platform.database import Row
from simulators.platform.plays import Play
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

HEADERS = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
PLAYLIST = "application/vnd.apple.mpegurl"
SMALLEST_GAP = 0.2


class Playback:
    """Serves the plays of recordings."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def serve(self, play: Play, name: str) -> web.Response:
        """The playlist or a clip of a play. Raises Refused: not_found, storage_down."""
        rows = self.rows(play)
        if name == "index.m3u8":
            return web.Response(text=self.playlist(play, rows), content_type=PLAYLIST, headers=HEADERS)
        row = next((row for row in rows if name == f"{row['id']}.ts"), None)
        if row is None:
            raise Refused("not_found")
        try:
            data = await self.platform.recorder.store.get(str(row["object"]))
        except StoreFault:
            raise Refused("storage_down") from None
        return web.Response(body=data, content_type="video/mp2t", headers=HEADERS)

    def rows(self, play: Play) -> list[Row]:
        """What the play may see: only while the device still belongs to the owner of the recordings."""
        device = self.platform.devices.find(play.device)
        if device is None:
            raise Refused("not_found")
        return self.platform.recorder.search(device, play.channel, play.since, play.until)

    def playlist(self, play: Play, rows: list[Row]) -> str:
        """The media playlist; each run of clips names its date, and a gap is a discontinuity."""
        longest = max((row["end"] - row["start"] for row in rows), default=1.0)
        target = max(1, math.floor(longest + 0.5))
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-PLAYLIST-TYPE:VOD"]
        lines.append("#EXT-X-MEDIA-SEQUENCE:0")
        before = 0.0
        for row in rows:
            if abs(row["start"] - before) > SMALLEST_GAP:
                lines += ["#EXT-X-DISCONTINUITY"] if before else []
                lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{self.platform.clock.text(row['start'])}")
            lines += [f"#EXTINF:{row['end'] - row['start']:.3f},", self.platform.plays.sign(play, f"{row['id']}.ts")]
            before = row["end"]
        return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"
