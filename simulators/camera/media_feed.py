"""What the RTSP server asks of the media side: descriptions, and feeds that deliver access units."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from simulators.camera.encoder import EncoderBank, LiveEncoder, Sink, parameter_sets
from simulators.camera.media_format import StreamSettings


@dataclass(frozen=True, slots=True)
class Description:
    """What a stream looks like. duration: seconds of a recording, None for a live stream."""

    settings: StreamSettings
    parameter_sets: tuple[bytes, ...]
    duration: float | None = None
    audio_packet_ms: int = 40


class NoVideo(Exception):
    """The stream exists but delivers no pictures now."""


class Feed(Protocol):
    """Access units for one viewer. Capture times are on the monotonic clock, in presentation pace."""

    duration: float | None

    @property
    def position(self) -> float:
        """The position reached, in seconds."""

    def begin(self, sink: Sink, finished: Callable[[], None], start: float, end: float | None, scale: float) -> None:
        """Deliver units from ``start`` seconds on (0 for live), at ``scale`` times the normal speed.

        ``finished`` is called once when ``end`` or the end of the recording is reached.
        """

    def halt(self) -> float:
        """Stop delivering. Returns the position reached, in seconds."""


class MediaSource(Protocol):
    """All the media a camera offers. Channels count from 0; streams are 1 main, 2 sub."""

    def has_channel(self, channel: int) -> bool:
        """Whether the camera has this channel."""

    def has_stream(self, channel: int, stream: int) -> bool:
        """Whether the channel has this stream."""

    async def describe_live(self, channel: int, stream: int) -> Description:
        """Describe a live stream. Raises NoVideo."""

    def open_live(self, channel: int, stream: int) -> Feed:
        """A feed of a live stream."""

    async def describe_file(self, channel: int, name: str) -> Description | None:
        """Describe a recording, or None when there is none of this name on this channel."""

    def open_file(self, channel: int, name: str) -> Feed:
        """A feed of a recording. Raises NoVideo when it has gone."""


class LiveFeed:
    """A live encoder as a feed. Position and scale mean nothing here."""

    duration: float | None = None

    def __init__(self, encoder: LiveEncoder) -> None:
        self._encoder = encoder
        self._sink: Sink | None = None

    @property
    def position(self) -> float:
        """Live has no position: 0."""
        return 0.0

    def begin(self, sink: Sink, finished: Callable[[], None], start: float, end: float | None, scale: float) -> None:
        """Join the encoder; its next picture is an IDR picture."""
        self.halt()
        self._sink = sink
        self._encoder.subscribe(sink)

    def halt(self) -> float:
        """Leave the encoder."""
        if self._sink is not None:
            self._encoder.unsubscribe(self._sink)
            self._sink = None
        return 0.0


class LiveOnlySource:
    """The media of a camera without recordings."""

    def __init__(self, bank: EncoderBank) -> None:
        self.bank = bank

    def has_channel(self, channel: int) -> bool:
        """Whether any stream of the channel exists."""
        return any(key[0] == channel for key in self.bank.encoders)

    def has_stream(self, channel: int, stream: int) -> bool:
        """Whether the channel has this stream."""
        return self.bank.get(channel, stream) is not None

    async def describe_live(self, channel: int, stream: int) -> Description:
        """Settings and parameter sets in force now. Raises NoVideo."""
        encoder = self.bank.get(channel, stream)
        if encoder is None or not encoder.video_present:
            raise NoVideo(f"channel {channel} stream {stream} delivers no pictures")
        settings = encoder.settings
        sets = await asyncio.to_thread(parameter_sets, settings)
        return Description(settings, sets, None, encoder.audio_packet_ms)

    def open_live(self, channel: int, stream: int) -> Feed:
        """A feed of a live stream. Raises NoVideo."""
        encoder = self.bank.get(channel, stream)
        if encoder is None or not encoder.video_present:
            raise NoVideo(f"channel {channel} stream {stream} delivers no pictures")
        return LiveFeed(encoder)

    async def describe_file(self, channel: int, name: str) -> Description | None:
        """There are no recordings."""
        return None

    def open_file(self, channel: int, name: str) -> Feed:
        """There are no recordings. Raises NoVideo."""
        raise NoVideo(f"no recording {name}")
