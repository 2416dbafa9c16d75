"""Reads the machine-readable label that a device burns into its picture.

Layout: ``specs/interface/burned_in_label.yaml``. The reader averages the middle of each cell, so it
withstands compression and scaling, and believes a label only when its checksum fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import specs
from specs.yaml_source import read_yaml

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class BurnedInLabel:
    """What the cells say. channel: 0-based. stream: 1 main, 2 sub. device: see ``device_code``.

    time_ms: milliseconds since 1970 by the device clock.
    """

    channel: int
    stream: int
    device: int
    time_ms: int


class UnreadableLabel(Exception):
    """The picture carries no label that can be trusted; the text says why."""


def read_label(luma: npt.NDArray[np.uint8]) -> BurnedInLabel:
    """The label in a luma plane of shape (height, width). Raises UnreadableLabel."""
    layout = _layout()
    bits = _read_cells(luma, layout)
    values: dict[str, int] = {}
    position = 0
    for field in layout["fields"]:
        end = position + field["bits"]
        values[field["name"]] = int(bits[position:end], 2)
        if field.get("coding") == "gray":
            values[field["name"]] = _from_gray(values[field["name"]])
        if field["name"] == "checksum":
            high, low = divmod(_crc(int(bits[:position], 2).to_bytes(position // 8, "big"), layout), 256)
            if values["checksum"] != high ^ low:
                raise UnreadableLabel(f"checksum {values['checksum']:02x}, but the cells give {high ^ low:02x}")
        elif "value" in field and values[field["name"]] != field["value"]:
            raise UnreadableLabel(f"{field['name']} is {values[field['name']]:#x}, not {field['value']:#x}")
        position = end
    return BurnedInLabel(values["channel"], values["stream"], values["device"], values["time_ms"])


def device_code(dev_id: str) -> int:
    """The 16-bit code by which a label names the device of this identity."""
    return _crc(dev_id.encode("ascii", "replace"), _layout())


@lru_cache(maxsize=1)
def _layout() -> dict[str, Any]:
    path = Path(specs.__file__).parent / "interface" / "burned_in_label.yaml"
    layout: dict[str, Any] = read_yaml(path).data["burned_in_label"]
    return layout


def _read_cells(luma: npt.NDArray[np.uint8], layout: dict[str, Any]) -> str:
    height, width = luma.shape
    grid, origin, cells, shades = layout["grid"], layout["origin"], layout["cells"], layout["luma"]
    if width < grid["columns"] * 4 or height < grid["rows"] * 4:
        raise UnreadableLabel(f"a picture of {width} x {height} is too small for the label")
    bits = []
    for row in range(origin["row"], origin["row"] + cells["rows"]):
        top, bottom = _core(row, height, grid["rows"], layout["core"])
        for column in range(origin["column"], origin["column"] + cells["columns"]):
            left, right = _core(column, width, grid["columns"], layout["core"])
            mean = float(luma[top:bottom, left:right].mean())
            if abs(mean - shades["threshold"]) < shades["margin"]:
                raise UnreadableLabel(f"the cell in column {column}, row {row} is grey ({mean:.0f})")
            bits.append("1" if mean > shades["threshold"] else "0")
    return "".join(bits)


def _core(index: int, length: int, parts: int, share: float) -> tuple[int, int]:
    """First and last + 1 pixel of the middle of cell ``index`` out of ``parts`` along one side."""
    start, end = index * length // parts, (index + 1) * length // parts
    trim = int((end - start) * (1 - share) / 2)
    return start + trim, max(start + trim + 1, end - trim)


def _from_gray(code: int) -> int:
    """The number of a reflected binary code."""
    shift = 1
    while code >> shift:
        code ^= code >> shift
        shift *= 2
    return code


def _crc(data: bytes, layout: dict[str, Any]) -> int:
    register: int = layout["crc"]["initial"]
    polynomial: int = layout["crc"]["polynomial"]
    for bit in range(len(data) * 8):
        incoming = data[bit // 8] >> (7 - bit % 8) & 1
        carry = (register >> 15 & 1) ^ incoming
        register = register << 1 & 0xFFFF
        if carry:
            register ^= polynomial
    return register
