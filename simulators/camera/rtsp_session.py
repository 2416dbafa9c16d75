"""One RTSP session of the simulated camera: its tracks, its state, its life time (RFC 2326 A.2)."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulators.camera.media_feed import Description, Feed
from simulators.camera.media_format import AccessUnit
from simulators.camera.play_url import Target
from simulators.camera.rtp_sender import PacketSink, RtpSender

if TYPE_CHECKING:
    from simulators.camera.rtsp_server import RtspServer

VIDEO_TRACK, AUDIO_TRACK = 0, 1

_LOG = logging.getLogger(__name__)
_KINDS = {"video": VIDEO_TRACK, "audio": AUDIO_TRACK}


@dataclass(slots=True)
class Play:
    """One permission to play: what a DESCRIBE asked for and the platform allowed.

    base: path below which the tracks of this play are set up, ending with a slash. owner: the
    connection on which it was allowed. spent: a SETUP has used it; it serves once.
    """

    target: Target
    channel: int
    stream: int
    path: str
    base: str
    description: Description
    owner: object
    spent: bool = False

    @property
    def tracks(self) -> tuple[int, ...]:
        """The tracks its SDP offers."""
        return (VIDEO_TRACK, AUDIO_TRACK) if self.description.settings.audio else (VIDEO_TRACK,)


@dataclass(frozen=True, slots=True)
class Started:
    """What a PLAY has done: the range in seconds (None: live), the scale, and (track, sequence, rtptime) triples."""

    span: tuple[float, float] | None
    scale: float
    tracks: tuple[tuple[int, int, int], ...]


class RtspSession:
    """Tracks set up by one viewer for one play. Ends by TEARDOWN, time-out, end of its connection or of the server."""

    def __init__(self, server: RtspServer, play: Play, peer: str, connection: object) -> None:
        self.id = secrets.token_hex(8)
        self.server, self.play, self.peer = server, play, peer
        self.connection = connection
        self.state: Literal["ready", "playing", "ended"] = "ready"
        self.senders: dict[int, RtpSender] = {}
        self.interleaved = False
        self.begun = False
        self.scale = 1.0
        self.position = 0.0
        self._feed: Feed | None = None
        self._stop_at: float | None = None
        self.skipping = False
        self._last_heard = time.monotonic()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._allowance, self._check_alive)
        self._reports: asyncio.TimerHandle | None = None

    @property
    def _allowance(self) -> float:
        """Seconds of silence after which the session ends: the announced time-out and a little grace."""
        timeout = self.server.announced_timeout
        return timeout + min(1.0, 0.1 * timeout)

    def touch(self) -> None:
        """The viewer has shown a sign of life by RTSP or RTCP."""
        self._last_heard = time.monotonic()

    def hear_report(self) -> None:
        """RTCP has come from the viewer, of whatever kind: a sign of life, nothing more."""
        self.touch()

    def add_track(self, track: int, sink: PacketSink, payload_type: int) -> RtpSender:
        """Set up a track, or set it up anew with another transport."""
        if track in self.senders:
            self.senders.pop(track).sink.close()
        kind = "video" if track == VIDEO_TRACK else "audio"
        codec = self.play.description.settings.audio_codec
        sender = self.server.sender_class(kind, payload_type, sink, self.server.cname, codec=codec)
        self.senders[track] = sender
        return sender

    def start(self, start: float | None, end: float | None, scale: float | None) -> Started:
        """Begin, resume or seek. ``start`` None goes on from where it stands. Raises NoVideo."""
        if self._feed is None:
            self._feed = self.server.open_feed(self.play)
        playing, before = self.state == "playing", self.scale
        self.scale = self.choose_scale(scale)
        if self._feed.duration is None:
            if not playing:
                self._run(self._feed)
            return Started(None, 1.0, self._announcement())
        return self._start_file(self._feed, self._feed.duration, start, end, changed=self.scale != before)

    def _start_file(
        self, feed: Feed, duration: float, start: float | None, end: float | None, *, changed: bool
    ) -> Started:
        playing = self.state == "playing"
        if start is not None:
            self.position, self._stop_at = start, end
        elif playing:
            self.position = feed.position
        elif self.position >= duration:
            self.position = 0.0
        if start is not None or changed or not playing:
            self._run(feed)
            self.position = feed.position
        finish = duration if self._stop_at is None else min(self._stop_at, duration)
        return Started((self.position, finish), self.scale, self._announcement())

    def choose_scale(self, wanted: float | None) -> float:
        """The speed that will be used for the one that was asked for; live streams have only 1."""
        if wanted is None:
            return self.scale
        if self.play.target.kind == "live" or not self.server.config.scale or wanted <= 0:
            return 1.0
        return 2.0 if wanted > 1.5 else 1.0 if wanted > 0.75 else 0.5

    def pause(self) -> None:
        """Stop sending until the next start."""
        if self._feed is not None:
            self.position = self._feed.halt()
        self.state = "ready"
        self._cancel_reports()

    def end(self, *, bye: bool = True) -> None:
        """End for good: BYE on every track, sockets closed, the viewer's place free."""
        if self.state == "ended":
            return
        self.state = "ended"
        self._watch.cancel()
        self._cancel_reports()
        if self._feed is not None:
            self._feed.halt()
        if bye:
            self.say_bye()
        for sender in self.senders.values():
            sender.sink.close()
        self.play.spent = True
        self.server.forget(self)

    def say_bye(self) -> None:
        """Announce the end of every track by RTCP."""
        if self.server.config.rtcp:
            now, epoch = time.monotonic(), self.server.clock()
            for sender in self.senders.values():
                sender.bye(now, epoch)

    def report(self) -> None:
        """Send a sender report on every track that has begun."""
        if self.server.config.rtcp:
            now, epoch = time.monotonic(), self.server.clock()
            for sender in self.senders.values():
                if sender.started:
                    sender.report(now, epoch)

    def take(self, unit: AccessUnit) -> None:
        """Send one unit; called by the feed."""
        sender = self.senders.get(_KINDS[unit.kind])
        if self.state != "playing" or sender is None:
            return
        if unit.kind == "video" and unit.settings.codec != self.play.description.settings.codec:
            _LOG.info("session %s ends: the codec of its stream has changed", self.id)
            self.end()
            return
        if not sender.started and not self._open(unit):
            return
        if unit.kind == "video" and self._too_slow(sender, unit):
            return
        if unit.kind == "audio" and not sender.sink.ready():
            return
        sender.send(unit)
        if self._reports is None:
            self._report_and_repeat()

    def finished(self) -> None:
        """The recording has come to its end: say so, and wait for the viewer."""
        self.position = self._stop_at if self._stop_at is not None else self.play.description.duration or 0.0
        self.state = "ready"
        self._cancel_reports()
        self.say_bye()

    def _run(self, feed: Feed) -> None:
        feed.halt()
        now = time.monotonic()
        for sender in self.senders.values():
            sender.arm(now)
        self.state, self.begun = "playing", True
        self.skipping = False
        self._cancel_reports()
        feed.begin(self.take, self.finished, self.position, self._stop_at, self.scale)

    def _announcement(self) -> tuple[tuple[int, int, int], ...]:
        now = time.monotonic()
        return tuple((track, sender.sequence, sender.timestamp(now)) for track, sender in sorted(self.senders.items()))

    def _open(self, unit: AccessUnit) -> bool:
        """Bind the announced timestamps to the first unit: an IDR picture, or sound when only sound was set up."""
        if unit.kind == "audio" and VIDEO_TRACK in self.senders:
            return False
        if unit.kind == "video" and not unit.key:
            return False
        for sender in self.senders.values():
            sender.start(unit.at)
        return True

    def _too_slow(self, sender: RtpSender, unit: AccessUnit) -> bool:
        """Drop whole pictures for a viewer who does not read, up to the next IDR picture that fits."""
        if self.skipping and not unit.key:
            return True
        self.skipping = not sender.sink.ready()
        if self.skipping and self._feed is not None and unit.key:
            _LOG.info("session %s: viewer too slow, pictures are left out", self.id)
        return self.skipping

    def _report_and_repeat(self) -> None:
        self.report()
        delay = self.server.config.report_interval * random.uniform(0.8, 1.2)
        self._reports = asyncio.get_running_loop().call_later(delay, self._report_and_repeat)

    def _cancel_reports(self) -> None:
        if self._reports is not None:
            self._reports.cancel()
            self._reports = None

    def _check_alive(self) -> None:
        silence = time.monotonic() - self._last_heard
        remaining = self._allowance - silence
        if remaining <= 0 and self.server.session_timed_out(self):
            _LOG.info("session %s ends: nothing heard for %.1f s", self.id, silence)
            self.end()
            return
        self._watch = asyncio.get_running_loop().call_later(max(remaining, 0.05), self._check_alive)
