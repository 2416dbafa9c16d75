"""What the answers to SETUP and PLAY say about the stream, held against the first packets."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.plugin.fixtures import Limits
from conformance.protocols.rtp import timestamp_step
from conformance.protocols.rtsp_headers import RtpInfo, parse_rtp_info
from conformance.protocols.rtsp_range import NptRange, parse_range
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import Observation


def judge_info(seen: Observation, check: Checks, limits: Limits) -> None:
    """IF-RTSP-37 and 38: RTP-Info is there, and true."""
    text = seen.play.response.headers.get("RTP-Info")
    infos: list[RtpInfo] = []
    fault = ""
    if text:
        try:
            infos = parse_rtp_info(text)
        except CodecError as error:
            fault = str(error)
    told = {id(track): _info(track, infos, alone=len(seen.tracks) == 1) for track in seen.tracks}
    bare = [track.media.control for track in seen.tracks if not _says_something(told[id(track)])]
    expected = say("每一路的 url 与 seq 或 rtptime", "url and seq or rtptime of every stream")
    check.true("IF-RTSP-37", not bare and not fault, expected, fault or text or "-")
    judged = False
    for track in seen.tracks:
        info = told[id(track)]
        if info is None or not track.packets:
            continue
        first, kind = track.packets[0].packet, track.media.kind
        if info.seq is not None:
            judged = True
            check.equal("IF-RTSP-38", first.sequence, info.seq, say(f"{kind}: 首包序号", f"{kind}: first sequence"))
        if info.rtptime is not None:
            judged = True
            off = abs(timestamp_step(info.rtptime, first.timestamp)) / track.clock
            about = say(f"{kind}: 首包时间戳与 rtptime", f"{kind}: first timestamp against rtptime")
            check.within("IF-RTSP-38", off, limits("IF-RTSP-38").rtptime_slack, about)
    if not judged:
        check.not_applicable("IF-RTSP-38", say("没有可读的 seq 或 rtptime", "no readable seq or rtptime"))


def _says_something(info: RtpInfo | None) -> bool:
    return info is not None and (info.seq is not None or info.rtptime is not None)


def _info(track: Track, infos: list[RtpInfo], *, alone: bool) -> RtpInfo | None:
    """The entry of a track: by its URL, or the only one of the only track."""
    control = track.media.control or track.control
    found = next((info for info in infos if info.url.rstrip("/").endswith(control.rstrip("/"))), None)
    return found or (infos[0] if alone and len(infos) == 1 else None)


def judge_range(seen: Observation, check: Checks) -> None:
    """IF-RTSP-39: a Range in npt."""
    text = seen.play.response.headers.get("Range")
    try:
        held = bool(text) and isinstance(parse_range(text), NptRange)
    except CodecError:
        held = False
    check.true("IF-RTSP-39", held, "Range: npt=...", text or "-")


def judge_ssrc(seen: Observation, check: Checks) -> None:
    """IF-RTSP-30: the ssrc of Transport is that of the packets."""
    told = [(track, track.transport.ssrc) for track in seen.tracks if track.transport and track.packets]
    given = [(track, ssrc) for track, ssrc in told if ssrc is not None]
    if not given:
        check.not_applicable("IF-RTSP-30", say("应答中没有 ssrc", "the answers name no ssrc"))
    for track, ssrc in given:
        first = track.packets[0].packet
        check.equal("IF-RTSP-30", f"{first.ssrc:08X}", f"{ssrc:08X}", f"{track.media.kind} ssrc")
        odd = [v.explain for v in track.transport.violations if "ssrc" in v.rule] if track.transport else []
        check.equal("IF-RTSP-30", odd, [], f"{track.media.kind} ssrc")
