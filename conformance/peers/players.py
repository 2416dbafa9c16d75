"""Makes players for the device under test: knows where its streams are and which token opens them."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.peers.bench import Bench
from conformance.peers.faults import BenchFault
from conformance.peers.player import Player
from conformance.protocols.rtsp_url import format_query


class Players:
    """The ``player`` fixture: ``player(channel=0, stream=1)`` has a fresh good token and is not yet connected."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._made: list[Player] = []

    @property
    def tokens_needed(self) -> bool:
        """Whether plays go through the anti-hotlink check."""
        return not self.bench.media_url

    @property
    def authority(self) -> str:
        """``host:port`` of the device's RTSP server, as its last LOGIN said."""
        logins = self.bench.province.messages("LOGIN")
        if not logins:
            raise BenchFault("设备尚未登录，播放地址未知", "the device has not logged in: its play address is unknown")
        message = logins[-1].message
        return f"{message.get('LocalIP')}:{message.get('RtspLocalPort')}"

    def live_url(
        self, channel: int | str = 0, stream: int | str = 1, token: str | None = None, **changes: str | None
    ) -> str:
        """The live play URL; without ``token`` a fresh good one is issued. ``changes``: other values by name, None
        leaves the parameter out."""
        if not self.tokens_needed:
            return self.bench.media_url
        if token is None:
            token = self.bench.province.tokens.issue(channel=channel, stream=stream)
        pairs = {"devid": self.bench.province.device_id, "channelno": str(channel), "streamtype": str(stream)}
        return self._url({**pairs, "hashtoken": token, **changes})

    def record_url(self, file: str, channel: int | str = 0, token: str | None = None, **changes: str | None) -> str:
        """The playback URL of a recording."""
        if token is None:
            token = self.bench.province.tokens.issue(channel=channel, file=file)
        pairs = {"devid": self.bench.province.device_id, "channelno": str(channel), "filename": file}
        return self._url({**pairs, "hashtoken": token, **changes})

    def _url(self, pairs: Mapping[str, str | None]) -> str:
        kept = [(name, value) for name, value in pairs.items() if value is not None]
        return f"rtsp://{self.authority}/realplay?{format_query(kept)}"

    def __call__(self, url: str = "", *, channel: int = 0, stream: int = 1, token: str | None = None) -> Player:
        """A player for a URL, or for a live stream with a fresh good token."""
        media = self.bench.loaded.declaration.media
        player = Player(
            self.bench.wire,
            url or self.live_url(channel, stream, token),
            answer_wait=self.bench.limits["answer_wait"].seconds,
            connect_wait=self.bench.limits["connect_wait"].seconds,
            user=media.user if media else "",
            password=self.bench.loaded.password,
        )
        self._made.append(player)
        return player

    async def close(self) -> None:
        """Close every player made."""
        for player in self._made:
            await player.close()
        self._made.clear()
