"""The firmware images of an upgrade test: named by the declaration, or handed over by a simulated device."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.peers.faults import BenchFault
from conformance.wire import NotOnTape, Wire
from specs.declaration import IMAGE_KINDS, GoodImage, Images

MIDDLE = 2
FLIP = 0xFF
KEPT = 1 << 20


@dataclass(frozen=True, slots=True)
class Image:
    """One image. ``name``: what the FTP server calls it; ``version``: the DevVer that it brings, or empty."""

    name: str
    data: bytes
    version: str = ""

    def truncated(self, part: float) -> Image:
        """Without the last ``part`` (0..1) of its bytes, one byte at least."""
        kept = min(len(self.data) - 1, round(len(self.data) * (1 - part)))
        return Image(f"truncated-{self.name}", self.data[:kept], self.version)

    def changed(self) -> Image:
        """With every bit of the byte in its middle inverted."""
        data = bytearray(self.data)
        data[len(data) // MIDDLE] ^= FLIP
        return Image(f"changed-{self.name}", bytes(data), self.version)


class FirmwareImages:
    """Reads images on demand. ``folder``: what relative paths of the declaration refer to. Images up to `KEPT` bytes
    go on the tape, so that a replay has them."""

    def __init__(self, wire: Wire, images: Images, folder: Path) -> None:
        self._wire = wire
        self._good = images.good
        self._others = {kind: str(getattr(images, kind)) for kind in (*IMAGE_KINDS[1:], "bad_signature")}
        self._folder = folder

    def hand_over(self, named: Mapping[str, Any]) -> None:
        """Take the images that a simulated device names: ``good`` as path and version, the others as paths."""
        self._good = tuple(GoodImage(str(image["path"]), str(image["version"])) for image in named.get("good", ()))
        self._others |= {kind: str(path) for kind, path in named.items() if kind != "good"}

    def after(self, version: str) -> Image | None:
        """The next valid image for a device of this DevVer; None when they are used up. Raises BenchFault."""
        versions = [image.version for image in self._good]
        place = versions.index(version) + 1 if version in versions else 0
        return self._read_good(self._good[place]) if place < len(self._good) else None

    def of(self, version: str) -> Image | None:
        """The valid image of that very version, if there is one. Raises BenchFault."""
        return next((self._read_good(image) for image in self._good if image.version == version), None)

    def other(self, kind: str) -> Image | None:
        """``older``, ``foreign_model`` or ``bad_signature``, if there is one. Raises BenchFault."""
        path = self._others.get(kind, "")
        return Image(Path(path).name, self._read(path)) if path else None

    def _read_good(self, image: GoodImage) -> Image:
        return Image(Path(image.path).name, self._read(image.path), image.version)

    def _read(self, path: str) -> bytes:
        found = b""

        def find() -> str:
            nonlocal found
            found = self._content(path)
            return base64.b64encode(found).decode() if len(found) <= KEPT else ""

        told = self._wire.fact(f"image {Path(path).name}", find)
        if not found and not told:
            raise NotOnTape(f"the firmware image {Path(path).name}")
        return found or base64.b64decode(told)

    def _content(self, path: str) -> bytes:
        try:
            data = (self._folder / path).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise BenchFault(
                f"无法读取固件镜像 {path}: {reason}", f"the firmware image {path} cannot be read: {reason}"
            ) from None
        if not data:
            raise BenchFault(f"固件镜像 {path} 为空", f"the firmware image {path} is empty")
        return data
