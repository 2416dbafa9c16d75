"""Firmware images of the simulated camera.

Layout: ``KDNFW1`` and a line feed, a line of JSON (``model``, ``version``, ``size``, ``sha256`` of the payload), a line
with the HMAC-SHA256 of that JSON line under the maker's key in hex, then the payload.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re

MAGIC = b"KDNFW1\n"
MAKER_KEY = b"the simulated maker's signing key"
LARGEST_IMAGE = 64 << 20
_VERSION = re.compile(r"V([0-9]+)\.([0-9]+)\.([0-9]+)_([0-9]{8})\Z")


class BadImage(Exception):
    """An image that must not be installed; the text says why."""


def build_image(model: str, version: str, payload: bytes, *, key: bytes = MAKER_KEY) -> bytes:
    """A signed image."""
    digest = hashlib.sha256(payload).hexdigest()
    head = json.dumps({"model": model, "version": version, "size": len(payload), "sha256": digest}).encode()
    signature = hmac.new(key, head, hashlib.sha256).hexdigest().encode()
    return MAGIC + head + b"\n" + signature + b"\n" + payload


def version_number(version: str) -> tuple[int, ...]:
    """``V1.2.3_20130601`` as comparable numbers. Raises BadImage."""
    match = _VERSION.match(version)
    if match is None:
        raise BadImage(f"{version!r} is no version")
    return tuple(int(part) for part in match.groups())


def check_image(image: bytes, model: str, present: str, wanted: str) -> str:
    """The version of a good image: whole, signed, for this model, newer, and the one announced. Raises BadImage."""
    if len(image) > LARGEST_IMAGE or not image.startswith(MAGIC):
        raise BadImage("not an image of this maker")
    parts = image[len(MAGIC) :].split(b"\n", 2)
    if len(parts) < 3:
        raise BadImage("the head is cut off")
    head, signature, payload = parts
    if not hmac.compare_digest(hmac.new(MAKER_KEY, head, hashlib.sha256).hexdigest().encode(), signature):
        raise BadImage("the signature is wrong")
    try:
        facts = json.loads(head)
        size, digest, made_for, version = (facts[name] for name in ("size", "sha256", "model", "version"))
    except (ValueError, KeyError, TypeError):
        raise BadImage("the head cannot be read") from None
    if len(payload) != size or hashlib.sha256(payload).hexdigest() != digest:
        raise BadImage("the payload is cut off or changed")
    if made_for != model:
        raise BadImage(f"the image is for {made_for}")
    if version_number(str(version)) <= version_number(present):
        raise BadImage(f"{version} is not newer than {present}")
    if wanted and version != wanted:
        raise BadImage(f"the image is {version}, announced was {wanted}")
    return str(version)
