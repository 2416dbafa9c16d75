"""What is done to the signed addresses of a platform's streams, whatever the scheme."""

from __future__ import annotations

import re

from conformance.peers.platform.http_play import target_of

#: What may be a digest or a token: long, and of letters and digits.
_TOKEN = re.compile(r"[0-9A-Za-z_-]{16,}")
DIGITS = "0123456789abcdef"


def spoilt(url: str) -> str:
    """An address in which one character of the longest thing that looks like a token is another: the last such thing,
    where there are several."""
    found = max(_TOKEN.finditer(target_of(url)), key=lambda match: (len(match[0]), match.start()), default=None)
    if found is None:
        return url + "0"
    start = len(url) - len(target_of(url))
    place = start + (found.start() + found.end()) // 2
    other = DIGITS[(DIGITS.find(url[place].lower()) + 1) % len(DIGITS)]
    return url[:place] + other + url[place + 1 :]


def unsigned(target: str) -> str:
    """A target without its query; where the signature stands in the path, with a spoilt one."""
    path, mark, _ = target.partition("?")
    return path if mark else spoilt(target)
