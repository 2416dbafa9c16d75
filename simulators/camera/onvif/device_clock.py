"""Date and time of the device service."""

from __future__ import annotations

import datetime as dt
import re
import time

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import Call, Service, boolean, invalid, tt

#: A time zone as POSIX writes it (IEEE 1003.1 8.3).
_ZONE = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d{1,2}(?::\d\d){0,2}(?:[A-Za-z<].*)?\Z")


def date_time(name: str, moment: dt.datetime) -> str:
    """A tt:DateTime."""
    clock = tt("Hour", moment.hour) + tt("Minute", moment.minute) + tt("Second", moment.second)
    day = tt("Year", str(moment.year)) + tt("Month", moment.month) + tt("Day", moment.day)
    return element(f"tt:{name}", element("tt:Time", clock) + element("tt:Date", day))


def read_date_time(node: Node) -> dt.datetime:
    """The moment of a tt:DateTime, UTC. Raises OnvifFault."""
    parts = [node.value(f"Date/{n}") for n in ("Year", "Month", "Day")]
    parts += [node.value(f"Time/{n}") for n in ("Hour", "Minute", "Second")]
    try:
        year, month, day, hour, minute, second = (int(part or "") for part in parts)
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        raise invalid("InvalidDateTime", "This is no date or no time") from None


class DeviceClock(Service):
    """Told to anyone, set by the administrator."""

    async def on_GetSystemDateAndTime(self, call: Call) -> str:
        """UTC and local time."""
        now = dt.datetime.fromtimestamp(self.camera.now(), dt.UTC)
        told = tt("DateTimeType", "NTP" if self.state.by_ntp else "Manual")
        told += tt("DaylightSavings", self.state.daylight)
        told += element("tt:TimeZone", tt("TZ", self.state.time_zone))
        return element("tds:SystemDateAndTime", told + date_time("UTCDateTime", now))

    async def on_SetSystemDateAndTime(self, call: Call) -> str:
        """By hand, or by NTP where a server is known."""
        state = self.state
        zone = call.text("TimeZone/TZ") or state.time_zone
        if not _ZONE.match(zone):
            raise invalid("InvalidTimeZone", f"{zone[:60]!r} is no time zone")
        by_ntp = call.text("DateTimeType") == "NTP"
        if by_ntp and not state.ntp:
            raise invalid("NtpServerUndefined", "No NTP server is known")
        told = call.node.find("UTCDateTime")
        moment = read_date_time(told) if told is not None and not by_ntp else None
        if moment is not None:
            self.camera.clock_offset = moment.timestamp() - time.time()
        elif by_ntp:
            self.camera.clock_offset = 0.0
        state.by_ntp, state.time_zone = by_ntp, zone
        state.daylight = boolean(call.text("DaylightSavings") or "false")
        self.save()
        return ""
