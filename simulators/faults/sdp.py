"""Faults of the session description."""

from __future__ import annotations

import re

from simulators.camera.camera import Camera
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import Play
from simulators.faults.registry import mutant


class _Edited(RtspServer):
    """An SDP with one replacement made in it."""

    pattern, by = "", ""

    async def sdp_for(self, play: Play, host: str) -> str:
        return re.sub(self.pattern, self.by, await super().sdp_for(play, host), count=1)


def edited(pattern: str, by: str) -> type[RtspServer]:
    """A server whose SDP has the first match of ``pattern`` replaced."""
    return type("BrokenServer", (_Edited,), {"pattern": pattern, "by": by})


@mutant(violates="IF-SDP-01")
class TimesBeforeTheName(Camera):
    """t= stands before s=."""

    zh = "t= 行出现在 s= 行之前。"
    server_class = edited(r"(s=[^\r]*\r\n)(c=[^\r]*\r\n)(t=[^\r]*\r\n)", r"\3\1\2")


@mutant(violates="IF-SDP-02")
class BlankAfterTheEquals(Camera):
    """A line is written as `t = 0 0`."""

    zh = "有一行写成了 `t = 0 0`。"
    server_class = edited(r"t=0 0", "t = 0 0")


@mutant(violates="IF-SDP-03")
class OriginWithoutAddress(Camera):
    """o= lacks its address."""

    zh = "o= 行缺少地址。"
    server_class = edited(r"(o=[^\r]*) [^ \r]*\r\n", r"\1\r\n")


class _SameVersion(RtspServer):
    calls = 0

    async def sdp_for(self, play: Play, host: str) -> str:
        self.calls += 1
        text = re.sub(r"o=[^\r]*", f"o=- 4711 1 IN IP4 {host}", await super().sdp_for(play, host))
        return text.replace("a=framerate:", f"a=x-call:{self.calls}\r\na=framerate:")


@mutant(violates="IF-SDP-04")
class VersionNeverChanges(Camera):
    """Session id and version of o= are constants while the description changes."""

    zh = "o= 的会话标识与版本为常量，而内容在变化。"
    server_class = _SameVersion


@mutant(violates="IF-SDP-05")
class NameIsEmpty(Camera):
    """s= has no value."""

    zh = "s= 行没有值。"
    server_class = edited(r"s=[^\r]*", "s=")


@mutant(violates="IF-SDP-06")
class TimesAreMissing(Camera):
    """There is no t= line."""

    zh = "没有 t= 行。"
    server_class = edited(r"t=0 0\r\n", "")


@mutant(violates="IF-SDP-07")
class NoConnectionLine(Camera):
    """There is no c= line."""

    zh = "没有 c= 行。"
    server_class = edited(r"c=[^\r]*\r\n", "")


@mutant(violates="IF-SDP-09")
class PayloadTypeOfReports(Camera):
    """The sound has payload type 72, which RTCP reserves."""

    zh = "音频使用 RTCP 保留的载荷类型 72。"
    server_class = edited(r"m=audio 0 RTP/AVP [0-9]+", "m=audio 0 RTP/AVP 72")


@mutant(violates="IF-SDP-10")
class NoMapForVideo(Camera):
    """The dynamic payload type of the video has no rtpmap."""

    zh = "视频的动态载荷类型没有 rtpmap。"
    server_class = edited(r"a=rtpmap:[0-9]+ H26[45]/90000\r\n", "")


@mutant(violates="IF-SDP-11")
class SoundAtAnotherRate(Camera):
    """Payload type 8 is mapped to PCMA/16000."""

    zh = "载荷类型 8 被映射为 PCMA/16000。"
    server_class = edited(r"PCMA/8000", "PCMA/16000")


@mutant(violates="IF-SDP-13")
class FormatOfAnotherType(Camera):
    """fmtp names a payload type that its media does not list."""

    zh = "fmtp 指向其媒体未列出的载荷类型。"
    server_class = edited(r"a=fmtp:[0-9]+ ", "a=fmtp:113 ")


@mutant(violates="IF-SDP-14")
class OneControlUrlForAll(Camera):
    """Video and sound have the same control URL."""

    zh = "视频与音频使用同一控制地址。"
    server_class = edited(r"a=control:trackID=1", "a=control:trackID=0")
