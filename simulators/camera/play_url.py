"""The play URLs of the camera: ``rtsp://host:port/realplay?devid=&channelno=&streamtype=&hashtoken=``.

Nothing is decoded or normalised: a URL that is not written in the plain form names nothing, so no
spelling can slip past the token check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_URL = re.compile(r"(?i:rtsp)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::([0-9]{1,5}))?(/[^\s#]*)?\Z")
_NAMES = ("devid", "channelno", "streamtype", "filename", "hashtoken")
_TOKEN = re.compile(r"[!-~]{1,64}\Z")
_TRACK = re.compile(r"(.*/)trackID=([0-9]{1,3})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What a play URL asks for. Texts are copied from the URL unchanged; token is empty when it is missing or unfit."""

    kind: Literal["live", "record"]
    dev_id: str
    channel_text: str
    stream_text: str
    file_text: str
    token: str


class UrlFault(Exception):
    """A URL the camera does not serve; ``status`` is what to answer."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


def split_url(url: str) -> tuple[str, str]:
    """Authority and path with query. Raises UrlFault 400."""
    match = _URL.match(url)
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65536):
        raise UrlFault(400, "not an absolute rtsp URL")
    return (f"{match[1]}:{match[2]}" if match[2] else match[1]), match[3] or "/"


def split_track(path: str) -> tuple[str, int | None]:
    """A control path as its base (with the slash at the end) and its track, None for the whole presentation."""
    match = _TRACK.match(path)
    if match is not None:
        return match[1], int(match[2])
    return (path if path.endswith("/") else path + "/"), None


def parse_target(path: str) -> Target:
    """Read the path and query of a play URL. Raises UrlFault: 404 another path, 400 a query that is not well formed."""
    place, mark, query = path.partition("?")
    if place != "/realplay":
        raise UrlFault(404, "no such path")
    if not mark:
        raise UrlFault(400, "no query")
    values: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name.lower() == "hashtoken" and name != "hashtoken":
            continue
        if not equals or name not in _NAMES or name in values:
            raise UrlFault(400, f"unexpected or repeated parameter {name[:20]!r}")
        values[name] = value
    live, record = "streamtype" in values, "filename" in values
    if live == record or "devid" not in values or "channelno" not in values:
        raise UrlFault(400, "a parameter is missing")
    token = values.get("hashtoken", "")
    return Target(
        kind="live" if live else "record",
        dev_id=values["devid"],
        channel_text=values["channelno"],
        stream_text=values.get("streamtype", ""),
        file_text=values.get("filename", ""),
        token=token if _TOKEN.match(token) else "",
    )
