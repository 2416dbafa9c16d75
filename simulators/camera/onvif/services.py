"""The services of the ONVIF face by key."""

from __future__ import annotations

from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.events import EventService
from simulators.camera.onvif.imaging import ImagingService
from simulators.camera.onvif.media import MediaService
from simulators.camera.onvif.media2 import Media2Service
from simulators.camera.onvif.ptz import PtzService
from simulators.camera.onvif.service import Service
from simulators.camera.onvif.uplink import UplinkService

SERVICES: dict[str, type[Service]] = {
    service.key: service
    for service in (DeviceService, MediaService, Media2Service, EventService, ImagingService, PtzService, UplinkService)
}
