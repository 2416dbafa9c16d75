"""Remote upgrade: fetch by FTP, check, install, restart. Any failure leaves the old version running."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.protocols.tykd_message import Message
from simulators.camera.firmware import LARGEST_IMAGE, BadImage, check_image
from simulators.camera.ftp_download import FtpSession

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
FTP_PORT = 21
DOWNLOADED = 80.0
INSTALL_STEPS = 10

Progress = Callable[[float], None]


class PowerCut(BaseException):
    """The supply goes away in the middle of an upgrade, as the bench had asked for. Nobody on board can handle it."""


class Upgrade:
    """One upgrade at a time. Percentages: the download up to 80, writing the spare slot up to 100."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.state = "idle"

    @property
    def busy(self) -> bool:
        """Whether an upgrade is at work, or done and waiting for the restart."""
        return self.state in ("downloading", "installing", "installed")

    async def run(self, request: Message) -> None:
        """Carry out a request that was accepted."""
        self.state = "downloading"
        try:
            await self.attempt(request)
        except PowerCut:
            await self.camera.power_off()
        except (BadImage, OSError, ValueError) as error:
            _LOG.info("upgrade failed: %s", error)
            self.state = "failed"
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Tell the platform why nothing was installed."""
        self.camera.notices.upgrade_failed(str(error) or "the FTP server is silent")

    async def attempt(self, request: Message) -> None:
        """Download, check, install, restart. Raises BadImage, OSError, ValueError, PowerCut."""
        image = await self.fetch(request, lambda percent: self.reached(percent * DOWNLOADED / 100))
        version = self.check(image, request.get("NewDevVer"))
        self.state = "installing"
        await self.install(image, lambda percent: self.reached(DOWNLOADED + percent * (100 - DOWNLOADED) / 100))
        self.state = "installed"
        self.switch(version)
        self.camera.spawn(self.camera.restart())

    def check(self, image: bytes, wanted: str) -> str:
        """The version of an image that may be installed. Raises BadImage."""
        return check_image(image, self.camera.model, self.camera.settings.version, wanted)

    async def install(self, image: bytes, progress: Progress) -> None:
        """Write the spare slot; the slot that runs is not touched. Raises OSError, PowerCut."""
        step = max(1, len(image) // INSTALL_STEPS)
        with (self.camera.folder / "spare-slot.bin").open("wb") as slot:
            for start in range(0, len(image), step):
                slot.write(image[start : start + step])
                progress(min(100.0, (start + step) / len(image) * 100))
                await asyncio.sleep(0)
            slot.flush()
            os.fsync(slot.fileno())

    def switch(self, version: str) -> None:
        """Boot the spare slot from now on: one atomic write, together with the settings that the new version keeps."""
        settings = self.camera.settings
        settings.slots = {"previous": settings.version, "active": version}
        settings.version = version
        self.camera.save()

    def server(self, request: Message) -> dict[str, str]:
        """Host, port and account: those of the request, else those of the registration, which stay as they are."""
        account = self.camera.ftp_account
        names = ("FtpIP", "FtpPort", "FtpAccount", "FtpPassword")
        return {name: request.get(name) or account.get(name, "") for name in names}

    async def fetch(self, request: Message, progress: Progress) -> bytes:
        """The image. Raises BadImage, OSError, ValueError and whatever ``progress`` raises."""
        server, name = self.server(request), request.get("FtpFileName")
        if not server["FtpIP"] or not name:
            raise BadImage("no FTP server or no file is named")
        port = int(server["FtpPort"] or FTP_PORT)
        silence = self.camera.timers.seconds("ftp_silence")
        async with FtpSession(server["FtpIP"], port, server["FtpAccount"], server["FtpPassword"], silence) as session:
            return await self.download(session, name, progress)

    async def download(self, session: FtpSession, name: str, progress: Progress) -> bytes:
        """One file, as large as the server announced it and no larger than an image may be."""
        total = await session.size(name)
        if not 0 < total <= LARGEST_IMAGE:
            raise BadImage(f"an image of {total} bytes")
        image = await session.retrieve(name, total, progress)
        if len(image) != total:
            raise BadImage(f"{len(image)} of {total} bytes arrived" if len(image) < total else "longer than announced")
        return image

    def reached(self, percent: float) -> None:
        """Raises PowerCut when the bench had asked for one at this point."""
        if self.camera.cut_at is not None and percent >= self.camera.cut_at:
            self.camera.cut_at = None
            raise PowerCut
