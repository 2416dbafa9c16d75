"""What a declaration says about HTTP streams under test: where they are, and by which scheme their URLs are signed."""

from __future__ import annotations

import os
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from specs.secret import Secret

Kind = Literal["playlist", "flv", "file"]
WEB = ("http", "https")
KEY_VARIABLE = "KANDIAN_STREAM_KEY"


class Streams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """HTTP streams under test, as the server names them before anything is signed.

    ``url``: http[s]://host[:port], empty where ``--target`` or a simulator names it. ``playlist``: path of an HLS
    playlist; ``flv``: of an HTTP-FLV stream or file; ``file``: of any file that never changes (a recording, a
    snapshot); ``other``: of another file of the same server under the same rule; empty for what there is none of.
    ``signed``: which of them are served to signed URLs only; the segments of a signed playlist are, too. ``scheme``: id
    of the signed-URL scheme (specs/interface/stream_urls.yaml), ``key``: its key; ``life``: seconds for which a URL is
    good, where the scheme leaves that to the configuration; ``skew``: seconds for which the server goes on to accept;
    ``ca_file``: certificate that vouches for an https ``url``, beside the declaration; ``ports``: other ports on which
    the same host listens for HTTP, 0 for one that a simulator names."""

    url: str = ""
    playlist: str = ""
    flv: str = ""
    file: str = ""
    other: str = ""
    signed: tuple[Kind, ...] = ()
    scheme: str = ""
    key: Secret = Secret()
    life: float = 300.0
    skew: float = 0.0
    ca_file: str = ""
    ports: tuple[int, ...] = ()

    def path(self, kind: Kind) -> str:
        """The path of one of them."""
        return str(getattr(self, kind))


def at_target(streams: Streams, target: str) -> Streams:
    """The same streams at ``target``: the address of the server, or of a playlist, FLV stream or file on it.

    Raises ValueError for anything but an ``http[s]://host[:port][/path]`` URL.
    """
    parts = urlsplit(target)
    if parts.scheme not in WEB or not parts.hostname or parts.username:
        raise ValueError(f"the target of stream URLs is an http[s] URL, not {target!r}")
    url = f"{parts.scheme}://{parts.netloc}"
    path = parts.path.rstrip("/") and parts.path + (f"?{parts.query}" if parts.query else "")
    name = parts.path.lower()
    if not path:
        playlist = streams.playlist or ("" if streams.flv or streams.file else "/")
        return msgspec.structs.replace(streams, url=url, playlist=playlist)
    if name.endswith(".flv"):
        return msgspec.structs.replace(streams, url=url, flv=path)
    return msgspec.structs.replace(streams, url=url, playlist=path)


def stream_features(streams: Streams) -> dict[str, bool]:
    """What follows from the section."""
    signed = bool(streams.scheme)
    return {
        "hls": bool(streams.playlist),
        "http_flv": bool(streams.flv),
        "signed_urls": signed and bool(streams.signed),
        "signed_hls": signed and "playlist" in streams.signed,
        "signed_flv": signed and "flv" in streams.signed,
        "signed_file": signed and "file" in streams.signed,
    }


def key_of_the_environment() -> str:
    """The key of the scheme where the declaration names none."""
    return os.environ.get(KEY_VARIABLE, "")
