"""Ranges of time in RTSP: normal play time, absolute clock and SMPTE (RFC 2326 3.5 to 3.7 and 12.29)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from conformance.protocols.rtsp import RtspError

_SECONDS = re.compile(r"([0-9]{1,10})(\.[0-9]{0,9})?\Z")
_HOURS = re.compile(r"([0-9]{1,6}):([0-5]?[0-9]):([0-5]?[0-9])(\.[0-9]{0,9})?\Z")
_CLOCK = re.compile(r"([0-9]{8}T[0-9]{6})(\.[0-9]{1,9})?Z\Z")
_SMPTE = re.compile(r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,2})?)?\Z")
_SMPTE_KINDS = ("smpte", "smpte-25", "smpte-30-drop")
_MICROSECONDS = 6


@dataclass(frozen=True, slots=True)
class NptRange:
    """Normal play time in seconds. ``start`` None with an ``end``: up to it; ``end`` None: open. ``now``: live edge."""

    start: float | None
    end: float | None = None
    now: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClockRange:
    """Absolute time, UTC. ``end`` None: open."""

    start: datetime
    end: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SmpteRange:
    """SMPTE time codes as written. ``end`` empty: open."""

    kind: str
    start: str
    end: str = ""
    at: datetime | None = None


Range: TypeAlias = NptRange | ClockRange | SmpteRange


def parse_range(value: str) -> Range:
    """The range of a Range header or of ``a=range`` in SDP. ``at``: its ``time`` parameter. Raises RtspError."""
    text, *parameters = [part.strip() for part in value.split(";")]
    at = None
    for parameter in parameters:
        name, _, moment = parameter.partition("=")
        if name.strip().lower() != "time":
            raise _error("parameter", value, "Only time follows a range", "12.29")
        at = _clock(moment.strip(), value)
    unit, equals, span = text.partition("=")
    unit = unit.strip().lower()
    first, dash, last = span.strip().partition("-")
    if not equals or not dash:
        raise _error("form", value, "A range is a unit, an equals sign and two times with a dash between them", "12.29")
    first, last = first.strip(), last.strip()
    if unit == "npt":
        return _npt_range(first, last, at, value)
    if unit == "clock":
        start, end = _clock(first, value), _clock(last, value) if last else None
        return ClockRange(start, end, at)
    if unit in _SMPTE_KINDS:
        if not _SMPTE.match(first) or (last and not _SMPTE.match(last)):
            raise _error("smpte", value, "An SMPTE time is hours:minutes:seconds[:frames]", "3.5")
        return SmpteRange(unit, first, last, at)
    raise _error("unit", value, "The unit of a range is npt, clock or smpte", "12.29")


def format_range(span: Range) -> str:
    """The text of a Range header. Times finer than a microsecond are rounded."""
    match span:
        case NptRange():
            start = "now" if span.now else _seconds(span.start)
            text = f"npt={start}-{_seconds(span.end)}"
        case ClockRange():
            text = f"clock={_moment(span.start)}-{_moment(span.end) if span.end else ''}"
        case SmpteRange():
            text = f"{span.kind}={span.start}-{span.end}"
    return f"{text};time={_moment(span.at)}" if span.at else text


def _npt_range(first: str, last: str, at: datetime | None, value: str) -> NptRange:
    if not first and not last:
        raise _error("npt", value, "A range has a start or an end", "3.6")
    now = first == "now"
    start = None if now or not first else _npt(first, value)
    return NptRange(start, _npt(last, value) if last else None, now, at)


def _npt(text: str, value: str) -> float:
    if _SECONDS.match(text):
        return float(text)
    if found := _HOURS.match(text):
        hours, minutes, seconds, fraction = found.groups()
        return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(fraction + "0" if fraction else 0)
    raise _error("npt", value, "Normal play time is seconds, hours:minutes:seconds or now", "3.6")


def _clock(text: str, value: str) -> datetime:
    found = _CLOCK.match(text)
    if not found:
        raise _error("clock", value, "An absolute time is YYYYMMDDThhmmss[.fraction]Z", "3.7")
    fraction = (found[2] or ".0")[1:].ljust(_MICROSECONDS, "0")[:_MICROSECONDS]
    try:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise _error("clock", value, "The absolute time is no date that exists", "3.7") from None
    return moment.replace(microsecond=int(fraction))


def _seconds(number: float | None) -> str:
    return "" if number is None else f"{number:.6f}".rstrip("0").rstrip(".")


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc.year:04d}{utc:%m%dT%H%M%S}{fraction}Z"


def _error(rule: str, seen: str, explain: str, clause: str) -> RtspError:
    return RtspError(0, f"rtsp.range.{rule}", seen.encode("utf-8", "replace"), explain, f"RFC 2326 {clause}")
