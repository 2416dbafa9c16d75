"""Declarations of the simulated platforms that come with the toolkit."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
DEFAULT = _FOLDER / "platform.yaml"
SECURE = _FOLDER / "secure.yaml"
CAPACITY = _FOLDER / "capacity.yaml"
SHIPPED = (DEFAULT, SECURE)
VARIANTS = (CAPACITY,)
