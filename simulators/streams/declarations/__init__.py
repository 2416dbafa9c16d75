"""Declarations of the simulated stream servers that come with the toolkit."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
DEFAULT = _FOLDER / "streams.yaml"
SHIPPED = (DEFAULT, _FOLDER / "streams_birth.yaml", _FOLDER / "streams_plain.yaml")
