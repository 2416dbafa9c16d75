"""Firmware over HTTP: an upload address for a while, the image checked as a whole, installed, then a restart."""

from __future__ import annotations

import secrets

from simulators.camera.firmware import BadImage
from simulators.camera.onvif.service import Call, Service

UPLOAD_PATH = "/onvif/firmware/"
BACK_WITHIN = 20


class DeviceUpgrade(Service):
    """StartFirmwareUpgrade (ONVIF Core, firmware upgrade via HTTP)."""

    async def on_StartFirmwareUpgrade(self, call: Call) -> str:
        """A new address for one image."""
        path = f"{UPLOAD_PATH}{secrets.token_hex(8)}"
        self.face.uploads.clear()
        self.face.uploads[path] = self.take_image
        address = self.tag("UploadUri", f"http://{call.authority}{path}")
        return address + self.tag("UploadDelay", "PT0S") + self.tag("ExpectedDownTime", f"PT{BACK_WITHIN}S")

    async def take_image(self, image: bytes) -> tuple[int, str]:
        """Install a good image and restart; HTTP status and words."""
        upgrade = self.camera.upgrade
        if upgrade.busy:
            return 503, "an upgrade is at work"
        try:
            version = self.check_image(image)
        except BadImage as error:
            return 415, f"not installed: {error}"
        self.face.uploads.clear()
        await upgrade.install(image, lambda percent: None)
        upgrade.state = "installed"
        upgrade.switch(version)
        self.face.announce("Bye")
        self.camera.spawn(self.camera.restart())
        return 200, f"installed {version}"

    def check_image(self, image: bytes) -> str:
        """The version of an image that may be installed. Raises BadImage."""
        return self.camera.upgrade.check(image, "")
