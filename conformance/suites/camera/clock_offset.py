"""By how much the device's clock is off, as exactly as can be known from outside."""

from __future__ import annotations

import datetime as dt

from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault
from conformance.peers.media_track import Track
from conformance.suites.camera.observed_play import sender_reports

CHINA = dt.timezone(dt.timedelta(hours=8))
HALF_SECOND = 0.5


def reported_offset(track: Track, bench: Bench) -> float | None:
    """Device clock minus bench clock in seconds by sender reports (RFC 3550 6.4.1); the least delayed one counts.

    None without reports, and for a device whose reports count from its start instead of telling the time.
    """
    shift = bench.wire.epoch() - bench.wire.now()
    offsets = [report.unix_time - (at + shift) for at, report in sender_reports(track)]
    likely = [offset for offset in offsets if abs(offset) <= bench.limits["clock_offset"].seconds]
    return max(likely) if likely else None


async def read_offset(control: DeviceControl, bench: Bench) -> float | None:
    """The same by the bench's control of the clock, which tells whole seconds; None without that control."""
    try:
        text = str((await control.do("clock")).get("time", ""))
        moment = dt.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except (BenchFault, ValueError):
        return None
    return moment.timestamp() + HALF_SECOND - bench.wire.epoch()


async def device_offset(track: Track, control: DeviceControl, bench: Bench, uncertainty: float) -> float | None:
    """Seconds that the device is ahead. Sender reports are exact, and believed where the clock control agrees."""
    told, read = reported_offset(track, bench), await read_offset(control, bench)
    if told is not None and (read is None or abs(told - read) <= uncertainty):
        return told
    return read
