"""Rules over several lines of a session description: payload types, rtpmap, fmtp, connection, range."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from conformance.protocols.rtsp import RtspError
from conformance.protocols.rtsp_range import parse_range
from conformance.protocols.sdp_formats import read_aac_format, read_h264_format, read_h265_format
from conformance.protocols.sdp_lines import SdpError, SdpLine, SdpNotes
from conformance.protocols.sdp_values import (
    STATIC_PAYLOADS,
    Attribute,
    Media,
    RtpMap,
    SessionDescription,
    fmtp_pairs,
    parse_rtpmap,
)

_PAYLOAD = re.compile(r"[0-9]{1,3}\Z")
_FMTP = re.compile(r"([0-9]{1,3}) +(\S.*)\Z", re.DOTALL)
_FIRST_DYNAMIC = 96
_VIDEO_CLOCK = 90_000
_AUDIO_ONLY = frozenset(range(19))
_VIDEO_ONLY = frozenset({25, 26, 28, 31, 32, 34})
_READERS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "H264": read_h264_format,
    "H265": read_h265_format,
    "MPEG4-GENERIC": read_aac_format,
}

Places = Mapping[int, SdpLine]


def check_description(description: SessionDescription, places: Places, notes: SdpNotes) -> None:
    """Note every broken rule. ``places``: the lines by number."""
    _check_attributes(description.attributes, places, notes)
    meanings: dict[int, RtpMap] = {}
    for media in description.media:
        line = places[media.line]
        _check_attributes(media.attributes, places, notes)
        if media.protocol.upper().startswith("RTP/"):
            _check_formats(media, line, notes)
            mapped = _check_maps(media, line, places, notes)
            _check_parameters(media, mapped, places, notes)
            _check_clash(mapped, line, meanings, notes)


def _check_attributes(attributes: tuple[Attribute, ...], places: Places, notes: SdpNotes) -> None:
    for item in attributes:
        line = places[item.line]
        if item.name == "control" and not item.value:
            notes.add(line, "control", "a=control has a URL or *", "RFC 2326 C.1.1")
        if item.name == "range":
            try:
                parse_range(item.value or "")
            except RtspError as fault:
                notes.add(line, "range", fault.explain, "RFC 2326 C.1.5")


def _check_formats(media: Media, line: SdpLine, notes: SdpNotes) -> None:
    seen: set[str] = set()
    for text in media.formats:
        if not _PAYLOAD.match(text) or int(text) > 127:
            notes.add(line, "media.format", "A format of an RTP protocol is a payload type 0 to 127", "RFC 4566 5.14")
        if text in seen:
            notes.add(line, "media.format_twice", f"The format {text[:16]} stands twice", "RFC 4566 5.14")
        seen.add(text)
    other = {"video": _AUDIO_ONLY, "audio": _VIDEO_ONLY}.get(media.kind, frozenset())
    for payload in media.payload_types:
        if payload in other and payload in STATIC_PAYLOADS:
            explain = f"Payload type {payload} is {STATIC_PAYLOADS[payload][0]}, which is not {media.kind}"
            notes.add(line, "payload_type.kind", explain, "RFC 3551 6")


def _check_maps(media: Media, line: SdpLine, places: Places, notes: SdpNotes) -> dict[int, RtpMap]:
    mapped: dict[int, RtpMap] = {}
    listed = dict.fromkeys(media.payload_types)
    for item in media.attributes:
        if item.name != "rtpmap":
            continue
        place = places[item.line]
        found = parse_rtpmap(item.value or "")
        if found is None:
            explain = "a=rtpmap is a payload type, a blank and encoding/clock[/channels]"
            notes.add(place, "rtpmap", explain, "RFC 4566 6")
            continue
        if found.payload_type not in listed:
            notes.add(place, "rtpmap.unlisted", f"m= does not list {found.payload_type}", "RFC 4566 6")
        if found.payload_type in mapped:
            explain = f"Payload type {found.payload_type} is mapped twice in one section"
            notes.add(place, "rtpmap.duplicate", explain, "RFC 4566 6")
        mapped.setdefault(found.payload_type, found)
        _check_map(found, place, notes)
    for payload in listed:
        if payload not in STATIC_PAYLOADS and payload not in mapped:
            explain = f"Payload type {payload} has no fixed meaning and no a=rtpmap"
            notes.add(line, "rtpmap.missing", explain, "RFC 4566 6")
    return mapped


def _check_map(found: RtpMap, place: SdpLine, notes: SdpNotes) -> None:
    fixed = STATIC_PAYLOADS.get(found.payload_type)
    meaning = (found.encoding.upper(), found.clock, found.channels)
    if fixed is not None and (fixed[0].upper(), *fixed[1:]) != meaning:
        explain = f"Payload type {found.payload_type} is {fixed[0]}/{fixed[1]} for ever"
        notes.add(place, "rtpmap.static", explain, "RFC 3551 6")
    if found.encoding.upper() in ("H264", "H265") and found.clock != _VIDEO_CLOCK:
        clause = "RFC 6184 8.2.1" if found.encoding.upper() == "H264" else "RFC 7798 7.2.1"
        notes.add(place, "rtpmap.clock", f"The clock of {found.encoding} is 90000 Hz", clause)


def _check_parameters(media: Media, mapped: Mapping[int, RtpMap], places: Places, notes: SdpNotes) -> None:
    listed = frozenset(media.payload_types)
    for item in media.attributes:
        if item.name != "fmtp":
            continue
        place = places[item.line]
        found = _FMTP.match(item.value or "")
        if found is None:
            notes.add(place, "fmtp", "a=fmtp is a payload type, a blank and parameters", "RFC 4566 6")
            continue
        payload = int(found[1])
        if payload not in listed:
            notes.add(place, "fmtp.unlisted", f"m= does not list {payload}", "RFC 4566 6")
        meaning = mapped.get(payload)
        reader = _READERS.get(meaning.encoding.upper()) if meaning else None
        if reader is None:
            continue
        names = [name for name, _ in fmtp_pairs(found[2])]
        if len(set(names)) != len(names):
            notes.add(place, "fmtp.duplicate", "No parameter of fmtp stands twice", "RFC 4566 6")
        try:
            reader(dict(fmtp_pairs(found[2])))
        except SdpError as fault:
            notes.add(place, fault.rule.removeprefix("sdp."), fault.explain, fault.clause)


def _check_clash(mapped: Mapping[int, RtpMap], line: SdpLine, meanings: dict[int, RtpMap], notes: SdpNotes) -> None:
    """One dynamic payload type with two meanings: legal where every section is its own RTP session, still a trap."""
    for payload, found in mapped.items():
        if payload < _FIRST_DYNAMIC:
            continue
        earlier = meanings.setdefault(payload, found)
        if (earlier.encoding.upper(), earlier.clock) != (found.encoding.upper(), found.clock):
            explain = f"Payload type {payload} means {found.encoding} here and {earlier.encoding} in an earlier section"
            notes.add(line, "payload_type.clash", explain, "RFC 3551 6")
