"""Mutants of a platform that records to the cloud storage: what it keeps, finds, shows, and for whom."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web
from sqlalchemy import select

from simulators.faults.registry import mutant
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.client_watching import WatchingOperations
from simulators.platform.cloud_store import StoreFault
from simulators.platform.database import Row
from simulators.platform.media_server import MediaServer
from simulators.platform.platform import Platform
from simulators.platform.playback import Playback
from simulators.platform.plays import Play, Plays
from simulators.platform.recorder import Clip, Place, Recorder, Window
from simulators.platform.refused import Refused
from simulators.platform.tables import PLANS, RECORDINGS

LATE = 5.0
EIGHT_HOURS = 8 * 3600.0

# BIZ-REC-03


class _Forever(Recorder):
    def horizon(self) -> float:
        return 0.0


@mutant(violates="BIZ-REC-03")
class RecordingsAreKeptForever(Platform):
    """Recordings stay after the end of the package's time."""

    zh = "超过期限的录像仍可检索与播放。"
    recorder_class = _Forever


class _HalfTheTime(Recorder):
    def horizon(self) -> float:
        return self.platform.clock.now() - self.retention / 2


@mutant(violates="BIZ-REC-03")
class RecordingsEndEarly(Platform):
    """Recordings are removed after half of the package's time."""

    zh = "录像在期限过半时即被删除。"
    recorder_class = _HalfTheTime


# BIZ-REC-05


class _Inside(Recorder):
    def search(self, device: Row, channel: int, start: float, end: float) -> list[Row]:
        return [row for row in super().search(device, channel, start, end) if row["start"] >= start]


@mutant(violates="BIZ-REC-05")
class ClipsThatBeginBeforeAreMissed(Platform):
    """A search finds only the clips that begin in the span."""

    zh = "检索遗漏起点早于时段的片段。"
    recorder_class = _Inside


class _TimesOfUpload(Recorder):
    async def keep(self, clip: Clip) -> None:
        late = Clip(clip.device, clip.channel, clip.start + LATE, clip.end + LATE, clip.data, clip.event)
        await super().keep(late)


@mutant(violates="BIZ-REC-05")
class ClipsAreDatedLate(Platform):
    """Clips have the time of an upload seconds later."""

    zh = "片段时间取自数秒之后的上传。"
    recorder_class = _TimesOfUpload


class _Seamless(Playback):
    def playlist(self, play: Play, rows: list[Row]) -> str:
        return super().playlist(play, rows).replace("#EXT-X-DISCONTINUITY\n", "")


@mutant(violates="BIZ-REC-05")
class GapsAreSkipped(Platform):
    """Playback goes over a gap without a mark."""

    zh = "播放列表不标明空档。"
    playback_class = _Seamless


class _FromTheStart(Playback):
    def rows(self, play: Play) -> list[Row]:
        device = self.platform.devices.find(play.device) or {}
        return self.platform.recorder.search(device, play.channel, 0.0, play.until)


@mutant(violates="BIZ-REC-05")
class SeekingIsIgnored(Platform):
    """Playback begins with the oldest recording, whatever was asked for."""

    zh = "回放总是自最早的录像开始，不理会所求时刻。"
    playback_class = _FromTheStart


# BIZ-REC-07


class _Universal(Recorder):
    def wanted(self) -> set[Place]:
        now = dt.datetime.fromtimestamp(self.platform.clock.now(), dt.UTC)
        minute, rows = now.hour * 60 + now.minute, self.platform.database.rows(select(PLANS))
        fits = (row for row in rows if row["week"] == now.isoweekday() and row["start"] <= minute < row["end"])
        return {(str(row["device"]), int(row["channel"])) for row in fits}


@mutant(violates="BIZ-REC-07")
class RecordPlansAreInUtc(Platform):
    """Record plans are followed in UTC."""

    zh = "云录像计划按 UTC 执行。"
    recorder_class = _Universal


class _Endless(Recorder):
    def follow(self, now: float) -> None:
        for device, channel in self.wanted() if self.store.usable else ():
            self._begin(device, channel, "")


@mutant(violates="BIZ-REC-07")
class RecordingsDoNotEnd(Platform):
    """What was begun by a plan goes on when another takes its place."""

    zh = "更换计划之后录制不停止。"
    recorder_class = _Endless


class _OneWindow(Recorder):
    def set_plan(self, dev_id: str, channel: int, windows: Sequence[Window]) -> None:
        super().set_plan(dev_id, channel, list({week: (week, start, end) for week, start, end in windows}.values()))


@mutant(violates="BIZ-REC-07")
class OneWindowADayIsKept(Platform):
    """Of several windows of a day the last is kept."""

    zh = "每天只保存一个时段。"
    recorder_class = _OneWindow


# BIZ-REC-06


class _Eternal(Recorder):
    async def forget(self, dev_id: str) -> None:
        return


@mutant(violates="BIZ-REC-06")
class RecordingsOutliveTheRelease(Platform):
    """Who binds a device again finds the recordings from before it was given back."""

    zh = "退还终端不删除录像，再次绑定后仍可检索。"
    recorder_class = _Eternal


class _Inherited(_Eternal):
    def search(self, device: Row, channel: int, start: float, end: float) -> list[Row]:
        r = RECORDINGS.c
        rows = select(RECORDINGS).where(r.device == device["id"], r.channel == channel, r.start < end, r.end > start)
        return self.platform.database.rows(rows.order_by(r.start))


@mutant(violates="BIZ-REC-06")
class RecordingsGoWithTheDevice(Platform):
    """The next owner of a device sees what it recorded for the one before."""

    zh = "终端的新属主可见原属主的录像。"
    recorder_class = _Inherited


class _Lasting(Plays):
    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        return 0 if device and not user else super().end(user=user, device=device, session=session)


@mutant(violates="BIZ-REC-06")
class AddressesOutliveTheRelease(Platform):
    """An address of a playback is good until it expires, though the device was given back."""

    zh = "退还终端之后原回放地址仍有效。"
    plays_class = _Lasting
    recorder_class = _Inherited


# BIZ-REC-08


class _ViewIsEnough(WatchingOperations):
    def device(self, call: Call, right: str, channel: int) -> Row:
        return super().device(call, "view", channel)


class _ClientOfViewers(ClientApi):
    watching_class = _ViewIsEnough


@mutant(violates="BIZ-REC-08")
class WhoMayViewMayPlayBack(Platform):
    """Playback needs no right of its own."""

    zh = "有观看权者即可回放。"
    client_class = _ClientOfViewers


class _AnySignature(Plays):
    def genuine(self, target: str) -> bool:
        return True


@mutant(violates="BIZ-REC-08")
class SignaturesOfPlaybackAreNotChecked(Platform):
    """The address of a playback may be altered."""

    zh = "不验证回放地址的签名。"
    plays_class = _AnySignature


class _Withdrawn(Plays):
    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        return 0 if user and device else super().end(user=user, device=device, session=session)


@mutant(violates="BIZ-REC-08")
class PlaybackOutlivesTheShare(Platform):
    """The addresses of a sharee are good until they expire, though the share was withdrawn."""

    zh = "共享撤回之后原回放地址仍有效。"
    plays_class = _Withdrawn


class _LoggedOut(Plays):
    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        return 0 if session else super().end(user=user, device=device)


@mutant(violates="BIZ-REC-08")
class PlaybackOutlivesTheSession(Platform):
    """The addresses of a session are good until they expire, though its user has logged out."""

    zh = "退出登录之后原回放地址仍有效。"
    plays_class = _LoggedOut


# CS-077


class _ChinaTime(Recorder):
    def key_of(self, owner: str, clip: Clip) -> str:
        return super().key_of(owner, replace(clip, start=clip.start + EIGHT_HOURS, end=clip.end + EIGHT_HOURS))


@mutant(violates="CS-077")
class KeysAreInChinaTime(Platform):
    """The times in keys are those of UTC+8."""

    zh = "键中的时间为 UTC+8。"
    recorder_class = _ChinaTime


class _Numbered(Recorder):
    def key_of(self, owner: str, clip: Clip) -> str:
        return f"{owner}/{clip.device}/{clip.channel}/{self.platform.new_id()}.ts"


@mutant(violates="CS-077")
class KeysAreRandom(Platform):
    """Keys have a random id in place of the time."""

    zh = "键中以随机编号代替时间。"
    recorder_class = _Numbered


class _ChannelsFromOne(Recorder):
    def key_of(self, owner: str, clip: Clip) -> str:
        return super().key_of(owner, replace(clip, channel=clip.channel + 1))


@mutant(violates="CS-077")
class KeysCountChannelsFromOne(Platform):
    """Keys count channels from one."""

    zh = "键中的通道号从 1 起。"
    recorder_class = _ChannelsFromOne


# CS-REL-05


class _Careless(Recorder):
    async def keep(self, clip: Clip) -> None:
        with contextlib.suppress(StoreFault):
            await super().keep(clip)


@mutant(violates="CS-REL-05")
class ClipsOfAnOutageAreLost(Platform):
    """What cannot be stored at once is lost, and nothing tells of it."""

    zh = "不能立即存入的录像丢失且无记录。"
    recorder_class = _Careless


class _Linked(MediaServer):
    async def serve(self, request: web.BaseRequest, play: Play, name: str) -> web.StreamResponse:
        if self.platform.recorder.waiting:
            raise Refused("storage_down")
        return await super().serve(request, play, name)


@mutant(violates="CS-REL-05")
class LiveViewNeedsTheStorage(Platform):
    """There is no live view while recordings wait for the storage."""

    zh = "录像等待存储期间没有实时观看。"
    media_class = _Linked
