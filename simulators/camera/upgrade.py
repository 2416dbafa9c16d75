"""Remote upgrade: fetch by FTP, check, install, restart. Any failure leaves the old version running."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import logging
from typing import TYPE_CHECKING

from conformance.protocols.tykd_message import Message
from simulators.camera.firmware import LARGEST_IMAGE, BadImage, check_image

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
FTP_WAIT = 5.0


class PowerCut(Exception):
    """The supply was cut in the middle of an upgrade, as the bench had asked for."""


class Upgrade:
    """One upgrade at a time."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.state = "idle"
        self.cut_at: float | None = None
        self._busy = asyncio.Lock()

    async def run(self, request: Message) -> None:
        """Carry out a request that was accepted."""
        async with self._busy:
            self.state = "downloading"
            try:
                image = await asyncio.to_thread(self.fetch, request)
                version = self.check(image, request.get("NewDevVer"))
            except PowerCut:
                self.state = "idle"
                self.camera.spawn(self.camera.power_off())
                return
            except (BadImage, OSError, EOFError, ValueError, ftplib.Error) as error:
                _LOG.info("upgrade failed: %s", error)
                self.state = "failed"
                self.camera.notices.upgrade_failed(str(error) or "download failed")
                return
            self.state = "installed"
            self.camera.settings.slots = {"previous": self.camera.settings.version, "active": version}
            self.camera.settings.version = version
            self.camera.save()
            self.camera.spawn(self.camera.restart())

    def check(self, image: bytes, wanted: str) -> str:
        """The version of an image that may be installed. Raises BadImage."""
        return check_image(image, self.camera.model, self.camera.settings.version, wanted)

    def fetch(self, request: Message) -> bytes:
        """The image. Raises what ftplib raises, PowerCut, BadImage."""
        account = self.camera.ftp_account
        host = request.get("FtpIP") or account.get("FtpIP", "")
        port = int(request.get("FtpPort") or account.get("FtpPort") or 21)
        chunks: list[bytes] = []
        size = 0
        with ftplib.FTP(timeout=FTP_WAIT) as ftp:
            ftp.connect(host, port)
            ftp.login(
                request.get("FtpAccount") or account.get("FtpAccount", ""),
                request.get("FtpPassword") or account.get("FtpPassword", ""),
            )
            ftp.voidcmd("TYPE I")
            total = ftp.size(request["FtpFileName"]) or 0
            if not 0 < total <= LARGEST_IMAGE:
                raise BadImage(f"an image of {total} bytes")

            def take(block: bytes) -> None:
                nonlocal size
                size += len(block)
                if size > total:
                    raise BadImage("longer than announced")
                chunks.append(block)
                if self.cut_at is not None and size >= total * self.cut_at / 100:
                    self.cut_at = None
                    raise PowerCut

            with contextlib.suppress(EOFError):
                ftp.retrbinary(f"RETR {request['FtpFileName']}", take, blocksize=8192)
        if size != total:
            raise BadImage(f"{size} of {total} bytes arrived")
        return b"".join(chunks)
