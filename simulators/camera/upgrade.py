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
        """The image. Blocks. Raises what ftplib raises, PowerCut, BadImage."""
        account = self.camera.ftp_account
        host = request.get("FtpIP") or account.get("FtpIP", "")
        if not host:
            raise ConnectionError("no FTP server is known")
        port = int(request.get("FtpPort") or account.get("FtpPort") or ftplib.FTP_PORT)
        user = request.get("FtpAccount") or account.get("FtpAccount", "")
        password = request.get("FtpPassword") or account.get("FtpPassword", "")
        ftp = ftplib.FTP(timeout=FTP_WAIT)
        try:
            ftp.connect(host, port)
            ftp.login(user, password)
            image = self.download(ftp, request["FtpFileName"])
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                ftp.quit()
            return image
        finally:
            ftp.close()

    def download(self, ftp: ftplib.FTP, name: str) -> bytes:
        """One file, as large as the server announced it and no larger than an image may be."""
        ftp.voidcmd("TYPE I")
        total = ftp.size(name) or 0
        if not 0 < total <= LARGEST_IMAGE:
            raise BadImage(f"an image of {total} bytes")
        image = bytearray()

        def take(block: bytes) -> None:
            image.extend(block)
            if len(image) > total:
                raise BadImage("longer than announced")
            self.watch_supply(len(image) / total * 100)

        with contextlib.suppress(EOFError):
            ftp.retrbinary(f"RETR {name}", take, blocksize=8192)
        if len(image) != total:
            raise BadImage(f"{len(image)} of {total} bytes arrived")
        return bytes(image)

    def watch_supply(self, percent: float) -> None:
        """Raises PowerCut when the supply has gone, or goes at this point because the bench had asked for it."""
        if not self.camera.powered or self.camera.upgrade is not self:
            raise PowerCut
        if self.cut_at is not None and percent >= self.cut_at:
            self.cut_at = None
            raise PowerCut
