"""Signed stream URLs: made and read by the templates of a scheme (specs/interface/stream_urls.yaml)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote

from specs.stream_urls import Scheme, TimeForm

_PARTS = {
    "path": r"(?P<path>/[^?]*)",
    "time": r"(?P<time>[0-9A-Za-z]+)",
    "digest": r"(?P<digest>[0-9A-Za-z_-]+)",
    "rand": r"(?P<rand>[0-9A-Za-z]*)",
    "uid": r"(?P<uid>[0-9A-Za-z]*)",
}
_FIELD = re.compile(r"\{(\w+)\}")


class UrlError(ValueError):
    """A URL that does not have the form of the scheme."""


def sign_url(scheme: Scheme, path: str, key: str, moment: float, **more: str) -> str:
    """The target (path and query) for ``path``. ``moment``: Unix seconds of birth or death; ``more``: rand, uid,
    address."""
    time = write_time(scheme.time, moment)
    digest = digest_of(scheme, path, key, time, **more)
    return scheme.url.format_map(_fields(path, time) | {"rand": "0", "uid": "0"} | more | {"digest": digest})


def digest_of(scheme: Scheme, path: str, key: str, time: str, **more: str) -> str:
    """The digest as it stands in the URL; ``time``: as it stands there."""
    values = _fields(path, time) | {"rand": "0", "uid": "0", "address": ""} | more
    message = scheme.message.format_map(values | {"key": key}).encode()
    if scheme.digest == "hmac_sha256":
        return hmac.digest(key.encode(), message, "sha256").hex()
    if scheme.digest == "sha256":
        return hashlib.sha256(message).hexdigest()
    digest = hashlib.md5(message, usedforsecurity=False)
    if scheme.digest == "md5_base64url":
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return digest.hexdigest()


def _fields(path: str, time: str) -> dict[str, str]:
    stream = PurePosixPath(path).stem
    return {"path": path, "encoded_path": quote(path, safe="/"), "stream": stream, "time": time}


def read_url(scheme: Scheme, target: str) -> Mapping[str, str]:
    """The fields of a signed target. Raises UrlError."""
    found = _pattern(scheme.url).fullmatch(target)
    if found is None:
        raise UrlError(f"not of the form {scheme.url}")
    return found.groupdict()


def genuine(scheme: Scheme, target: str, key: str, **more: str) -> bool:
    """Whether the digest of a target is that of its other fields. Raises UrlError."""
    found = dict(read_url(scheme, target))
    told, path, time = found.pop("digest"), found.pop("path"), found.pop("time")
    return hmac.compare_digest(told.encode(), digest_of(scheme, path, key, time, **{**found, **more}).encode())


@lru_cache
def _pattern(template: str) -> re.Pattern[str]:
    pieces = _FIELD.split(template)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else _PARTS[p] for i, p in enumerate(pieces)))


def write_time(form: TimeForm, moment: float) -> str:
    """Unix seconds in the form of the scheme."""
    if form.form == "decimal":
        return str(int(moment))
    if form.form == "hex":
        return f"{int(moment):X}" if form.letters == "upper" else f"{int(moment):x}"
    return dt.datetime.fromtimestamp(int(moment), _zone(form)).strftime("%Y%m%d%H%M")


def read_time(form: TimeForm, text: str) -> float:
    """Unix seconds. Raises UrlError."""
    try:
        if form.form == "minute":
            return dt.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=_zone(form)).timestamp()
        return float(int(text, 10 if form.form == "decimal" else 16))
    except ValueError:
        raise UrlError(f"not a {form.form} time: {text[:40]!r}") from None


def _zone(form: TimeForm) -> dt.timezone:
    hours, minutes = form.zone[1:].split(":")
    offset = dt.timedelta(hours=int(hours), minutes=int(minutes))
    return dt.timezone(-offset if form.zone.startswith("-") else offset)
