"""Firmware images of the simulated camera.

Layout: ``KDNFW1`` and a line feed, a line of JSON (``model``, ``version``, ``size``, ``sha256`` of the payload), a line
with the HMAC-SHA256 of that JSON line under the maker's key in hex, then the payload.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

MAGIC = b"KDNFW1\n"
MAKER_KEY = b"the simulated maker's signing key"
LARGEST_IMAGE = 64 << 20
_VERSION = re.compile(r"V([0-9]+)\.([0-9]+)\.([0-9]+)_([0-9]{8})\Z")
OLDER = "V0.9.0_20120101"
RELEASES = tuple(f"V1.{minor}.0_2014{minor:02d}01" for minor in range(1, 10))
PAYLOAD_BYTES = 24_000


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


def releases_from(present: str) -> tuple[str, ...]:
    """The present version and the later ones."""
    try:
        number = version_number(present)
    except BadImage:
        return RELEASES
    return (present, *(release for release in RELEASES if version_number(release) > number))


def write_images(folder: Path, model: str, present: str) -> dict[str, Any]:
    """What a maker hands to a laboratory: images from the present version on, and some that must be refused.

    Returns paths: ``good`` as a list of path and version, ``older``, ``foreign_model``, ``bad_signature``.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def write(name: str, model: str, version: str, key: bytes = MAKER_KEY) -> str:
        seed = f"{model} {version}".encode()
        payload = b"".join(hashlib.sha256(seed + b"%d" % block).digest() for block in range(PAYLOAD_BYTES // 32))
        path = folder / name
        path.write_bytes(build_image(model, version, payload, key=key))
        return str(path)

    good = [{"path": write(f"{model}-{v}.bin", model, v), "version": v} for v in releases_from(present)]
    return {
        "good": good,
        "older": write(f"{model}-{OLDER}.bin", model, OLDER),
        "foreign_model": write(f"{model}-other-model.bin", f"{model}-X", RELEASES[-1]),
        "bad_signature": write(f"{model}-other-key.bin", model, RELEASES[-1], b"somebody else's signing key"),
    }
