"""Declarations of the simulated cameras that come with the toolkit."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
DEFAULT = _FOLDER / "camera.yaml"
NVR = _FOLDER / "nvr.yaml"
H265 = _FOLDER / "h265.yaml"
SECURE = _FOLDER / "secure.yaml"
STREAM = _FOLDER / "stream.yaml"
ONVIF = _FOLDER / "onvif.yaml"
SHIPPED = (DEFAULT, NVR, H265, SECURE, STREAM, ONVIF)
BY_PROFILE = {"onvif": ONVIF}
