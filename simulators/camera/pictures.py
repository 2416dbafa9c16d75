"""Pictures by plan: a JPEG of the current main stream goes to the FTP server of the registration, then a notice."""

from __future__ import annotations

import asyncio
import datetime as dt
import ftplib
import io
import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from conformance.media.labelled_video import DEVICE_ZONE
from simulators.camera.encoder import LiveEncoder
from simulators.camera.media_format import AccessUnit
from simulators.camera.settings import PicturePolicy

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
POLL = 0.25
LARGEST_STEP = 60.0
TRIES = 3
FTP_WAIT = 5.0
KEY_WAIT = 5.0
FTP = 0


class Pictures:
    """Watches the device's clock and takes the pictures that the plan asks for."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera

    async def run(self) -> None:
        """Take every picture whose moment passes; ends with the power."""
        last = self.camera.now()
        while True:
            await asyncio.sleep(POLL)
            now = self.camera.now()
            if 0 < now - last <= LARGEST_STEP:
                for policy in list(self.camera.settings.picture_policies):
                    if policy.store == FTP and self.due(policy, last, now):
                        self.camera.spawn(self.shoot(policy.channel))
            last = now

    def due(self, policy: PicturePolicy, last: float, now: float) -> bool:
        """Whether one of the entry's moments (device clock, UTC+8) lies after ``last`` and not after ``now``."""
        midnight = dt.datetime.fromtimestamp(now, DEVICE_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        return any(last < midnight.timestamp() + minute * 60 <= now for minute in self.moments(policy))

    def moments(self, policy: PicturePolicy) -> range:
        """Minutes of the day with a picture: interval 0 is one at the start (tykd Q23)."""
        if policy.interval <= 0:
            return range(policy.start, policy.start + 1)
        return range(policy.start, policy.end + 1, policy.interval)

    async def shoot(self, channel: int) -> None:
        """Take one picture, store it, tell the platform. A picture that cannot be stored is given up."""
        moment = dt.datetime.fromtimestamp(self.camera.now(), DEVICE_ZONE)
        try:
            picture = await self.take(channel)
        except (TimeoutError, av.FFmpegError, ValueError) as error:
            _LOG.info("no picture of channel %d: %r", channel, error)
            return
        folder, name = self.place(channel, moment)
        for attempt in range(TRIES):
            try:
                await asyncio.to_thread(self.store, folder, name, picture)
            except (OSError, EOFError, ValueError, ftplib.Error) as error:
                _LOG.info("picture %s not stored: %r", name, error)
                await asyncio.sleep(attempt + 1)
            else:
                self.stored()
                return

    def place(self, channel: int, moment: dt.datetime) -> tuple[str, str]:
        """Folder and file name on the server; the interface leaves both open, this is the camera's own choice."""
        return self.camera.dev_id, f"{self.camera.dev_id}_{channel}_{moment:%Y%m%d%H%M%S}.jpg"

    def stored(self) -> None:
        """The server has confirmed a picture: queue the notice."""
        self.camera.notices.queue("NOTIFY_PICTURE", {"DevID": self.camera.dev_id})

    async def take(self, channel: int) -> bytes:
        """A JPEG of what the main stream shows now. Raises TimeoutError, av.FFmpegError, ValueError."""
        unit = await next_picture(self.camera.bank.encoders[channel, 1])
        return await asyncio.to_thread(to_jpeg, unit)

    def store(self, folder: str, name: str, picture: bytes) -> None:
        """Store one file, creating its folder (RFC 959 4.1). Blocks. Raises OSError, EOFError, ftplib.Error."""
        account = self.camera.ftp_account
        if not account.get("FtpIP"):
            raise ConnectionError("no FTP server was given at registration")
        with ftplib.FTP(timeout=FTP_WAIT) as ftp:
            ftp.connect(account["FtpIP"], int(account.get("FtpPort") or 21))
            ftp.login(account.get("FtpAccount", ""), account.get("FtpPassword", ""))
            try:
                ftp.cwd(folder)
            except ftplib.error_perm:
                ftp.mkd(folder)
                ftp.cwd(folder)
            ftp.storbinary(f"STOR {name}", io.BytesIO(picture))


async def next_picture(encoder: LiveEncoder) -> AccessUnit:
    """The next IDR picture of a stream. Raises TimeoutError."""
    found: asyncio.Future[AccessUnit] = asyncio.get_running_loop().create_future()

    def take(unit: AccessUnit) -> None:
        if unit.kind == "video" and unit.key and not found.done():
            found.set_result(unit)

    encoder.subscribe(take)
    try:
        async with asyncio.timeout(KEY_WAIT):
            return await found
    finally:
        encoder.unsubscribe(take)


def to_jpeg(unit: AccessUnit) -> bytes:
    """An IDR picture as JPEG. Raises av.FFmpegError, ValueError."""
    decoder: Any = av.CodecContext.create("h264" if unit.settings.codec == "h264" else "hevc", "r")
    data = b"".join(b"\0\0\0\1" + nal for nal in unit.nals)
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    if not frames:
        raise ValueError("the picture does not decode")
    frame = frames[0].reformat(format="yuvj420p")
    coder: Any = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt = frame.width, frame.height, "yuvj420p"
    coder.time_base = Fraction(1, 25)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])
