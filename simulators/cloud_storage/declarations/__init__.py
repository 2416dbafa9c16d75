"""Declarations of the simulated storages that come with the toolkit."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
DEFAULT = _FOLDER / "oos6.yaml"
AWS = _FOLDER / "aws.yaml"
OOS5 = _FOLDER / "oos5.yaml"
ZOS = _FOLDER / "zos.yaml"
SHIPPED = (DEFAULT, AWS, OOS5, ZOS)
VARIANTS = (_FOLDER / "aws_tls.yaml",)
