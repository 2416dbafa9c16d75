"""The picture of a simulated device: a plain scene, something that moves, and a burned-in label.

The label comes twice: as text for people, and as a field of black and white cells for machines
(``specs/interface/burned_in_label.yaml``). Only what changes is drawn again, so a picture costs little.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import specs
from specs.yaml_source import read_yaml

Plane = npt.NDArray[np.uint8]

DEVICE_ZONE = dt.timezone(dt.timedelta(hours=8))
_BAR_LUMA = (180, 162, 131, 112, 84, 65, 35)
_BAR_BLUE = (128, 44, 156, 72, 184, 100, 212)
_BAR_RED = (128, 142, 44, 58, 198, 212, 114)
_TEXT_COLUMNS = 48
_TEXT_LUMA = 110

_GLYPHS = {
    "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E",
    "4": "02060A121F0202", "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808",
    "8": "0E11110E11110E", "9": "0E11110F01020C", "A": "0E11111F111111", "B": "1E11111E11111E",
    "C": "0E11101010110E", "D": "1C12111111121C", "E": "1F10101E10101F", "F": "1F10101E101010",
    "G": "0E11101711110F", "H": "1111111F111111", "I": "0E04040404040E", "J": "0702020202120C",
    "K": "11121418141211", "L": "1010101010101F", "M": "111B1515111111", "N": "11111915131111",
    "O": "0E11111111110E", "P": "1E11111E101010", "Q": "0E11111115120D", "R": "1E11111E141211",
    "S": "0F10100E01011E", "T": "1F040404040404", "U": "1111111111110E", "V": "11111111110A04",
    "W": "1111111515150A", "X": "11110A040A1111", "Y": "1111110A040404", "Z": "1F01020408101F",
    "-": "0000001F000000", ":": "000C0C000C0C00", ".": "00000000000C0C", "_": "0000000000001F", " ": "00000000000000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelLayout:
    """Where the cells lie and what they say; see the comments of the file it is read from."""

    grid: tuple[int, int]
    origin: tuple[int, int]
    cells: tuple[int, int]
    black: int
    white: int
    fields: tuple[tuple[str, int], ...]
    sync: int
    polynomial: int
    initial: int

    def edges(self, width: int, height: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Pixel borders of the cells: columns + 1 abscissae and rows + 1 ordinates."""
        columns = np.arange(self.origin[0], self.origin[0] + self.cells[0] + 1)
        rows = np.arange(self.origin[1], self.origin[1] + self.cells[1] + 1)
        return _snapped(columns, width, self.grid[0]), _snapped(rows, height, self.grid[1])

    def crc(self, data: bytes) -> int:
        """The 16-bit cyclic redundancy check over ``data``."""
        value = self.initial
        for byte in data:
            value ^= byte << 8
            for _ in range(8):
                value = ((value << 1) ^ self.polynomial if value & 0x8000 else value << 1) & 0xFFFF
        return value


def _snapped(index: npt.NDArray[np.intp], length: int, parts: int) -> npt.NDArray[np.intp]:
    """Borders of evenly divided cells, moved onto the transform grid where that takes no more than an eighth of a cell.

    An edge on that grid costs an encoder a fraction of the bits, and readers look at the middle of a cell only.
    """
    step = 8 if length // parts >= 28 else 4 if length // parts >= 14 else 1
    return (index * length // parts + step // 2) // step * step


@lru_cache(maxsize=1)
def label_layout() -> LabelLayout:
    """The layout as the spec has it."""
    path = Path(specs.__file__).parent / "interface" / "burned_in_label.yaml"
    data: dict[str, Any] = read_yaml(path).data["burned_in_label"]
    fields = data["fields"]
    return LabelLayout(
        grid=(data["grid"]["columns"], data["grid"]["rows"]),
        origin=(data["origin"]["column"], data["origin"]["row"]),
        cells=(data["cells"]["columns"], data["cells"]["rows"]),
        black=data["luma"]["black"],
        white=data["luma"]["white"],
        fields=tuple((field["name"], field["bits"]) for field in fields),
        sync=next(field["value"] for field in fields if field["name"] == "sync"),
        polynomial=data["crc"]["polynomial"],
        initial=data["crc"]["initial"],
    )


class Scene:
    """Draws pictures of one stream into three planes (Y, U, V of 4:2:0) that the encoder owns.

    ``planes`` are writable arrays, luma of shape (height, width) and chroma of half that size;
    ``label`` is the text before the time of day, cut to what fits.
    """

    def __init__(self, planes: tuple[Plane, Plane, Plane], device: str, channel: int, stream: int, label: str) -> None:
        self.planes = planes
        self.height, self.width = planes[0].shape
        self._layout = label_layout()
        self._x, self._y = self._layout.edges(self.width, self.height)
        self._repeat_x, self._repeat_y = np.diff(self._x), np.diff(self._y)
        code = self._layout.crc(device.encode("ascii", "replace")) if device else 0
        self._values = {"sync": self._layout.sync, "channel": channel & 63, "stream": stream & 3, "device": code}
        self._text_scale = max(1, self.width // (6 * _TEXT_COLUMNS))
        self._text_top = (int(self._y[-1]) + 15) // 16 * 16
        self._label = label[: _TEXT_COLUMNS - 20].upper()
        self._second = -1
        self._paint_background()
        side = max(8, self.height // 10) & ~1
        self._side, self._lane = side, (self.height * 3 // 4) & ~1
        self._lane_luma = planes[0][self._lane : self._lane + side].copy()

    def draw(self, elapsed: float, epoch: float) -> None:
        """Draw the picture of ``elapsed`` seconds since the start, taken at ``epoch`` by the device clock."""
        self._draw_cells(round(epoch * 1000))
        self._draw_text(int(epoch))
        luma, travel = self.planes[0], self.width - self._side
        luma[self._lane : self._lane + self._side] = self._lane_luma
        place = elapsed / 8.0 % 1.0
        left = int(travel * (2 * place if place < 0.5 else 2 - 2 * place)) & ~1
        luma[self._lane : self._lane + self._side, left : left + self._side] = 225

    def bits(self, time_ms: int) -> npt.NDArray[np.uint8]:
        """The cells of the label for one time, shape (rows, columns), 1 is white."""
        value = 0
        count = 0
        for name, width in self._layout.fields:
            if name == "checksum":
                crc = self._layout.crc(value.to_bytes(count // 8, "big"))
                field = crc >> 8 ^ crc & 0xFF
            else:
                field = self._values.get(name, time_ms ^ time_ms >> 1)
            value = value << width | field & ((1 << width) - 1)
            count += width
        cells = np.unpackbits(np.frombuffer(value.to_bytes(count // 8, "big"), np.uint8))
        return cells.reshape(self._layout.cells[1], self._layout.cells[0])

    def _draw_cells(self, time_ms: int) -> None:
        black, white = self._layout.black, self._layout.white
        shades = np.where(self.bits(time_ms), np.uint8(white), np.uint8(black))
        block = np.repeat(np.repeat(shades, self._repeat_y, axis=0), self._repeat_x, axis=1)
        self.planes[0][self._y[0] : self._y[-1], self._x[0] : self._x[-1]] = block

    def _draw_text(self, second: int) -> None:
        if second == self._second:
            return
        self._second = second
        moment = dt.datetime.fromtimestamp(second, DEVICE_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        mask = text_mask(f"{self._label} {moment}", self._text_scale)
        height, width = mask.shape
        left = int(self._x[0])
        width = min(width, self.width - left)
        self.planes[0][self._text_top : self._text_top + height, left : left + width] = mask[:, :width]

    def _paint_background(self) -> None:
        """Seven bars of colour: flat areas cost an encoder next to nothing."""
        for plane, shades in zip(self.planes, (_BAR_LUMA, _BAR_BLUE, _BAR_RED), strict=True):
            width = plane.shape[1]
            plane[:] = np.asarray(shades, np.uint8)[np.arange(width) * len(shades) // width]
        top, bottom = 0, int(self._text_top + 9 * self._text_scale)
        self.planes[0][top:bottom] = self._layout.black
        self.planes[1][: bottom // 2] = 128
        self.planes[2][: bottom // 2] = 128


def text_mask(text: str, scale: int) -> Plane:
    """Grey text on black in a 5 x 7 dot font, each dot ``scale`` pixels wide and high: shape (7 * scale, n)."""
    columns = []
    for character in text:
        rows = bytes.fromhex(_GLYPHS.get(character, _GLYPHS["-"]))
        dots = np.unpackbits(np.frombuffer(rows, np.uint8)[:, None], axis=1)[:, 3:]
        columns.append(np.pad(dots, ((0, 0), (0, 1))))
    mask = np.concatenate(columns, axis=1) if columns else np.zeros((7, 1), np.uint8)
    return np.kron(mask, np.ones((scale, scale), np.uint8)) * np.uint8(_TEXT_LUMA - 16) + np.uint8(16)


class LabelledVideo:
    """One stream as H.264 (PyAV): pictures in, NAL units out. ``size``: width and height; ``fps``: pictures a second;
    every ``key_interval`` pictures one decodes by itself and carries the parameter sets."""

    def __init__(
        self, size: tuple[int, int], fps: int, device: str, channel: int, stream: int, *, key_interval: int = 0
    ) -> None:
        import av

        self.size, self.fps = size, fps
        self.key_interval = key_interval or 2 * fps
        self._frame: Any = av.VideoFrame(*size, "yuv420p")
        planes = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in self._frame.planes]
        luma, (blue, red) = planes[0][:, : size[0]], (plane[:, : size[0] // 2] for plane in planes[1:])
        name = {1: "MAIN", 2: "SUB"}.get(stream, str(stream))
        self._scene = Scene((luma, blue, red), device, channel, stream, f"{device} CH{channel} {name}")
        context: Any = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fps), Fraction(fps, 1)
        context.thread_count, context.max_b_frames = 1, 0
        keys = f"keyint={self.key_interval}:min-keyint={self.key_interval}:scenecut=0:log=-1"
        context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "34", "x264-params": keys}
        context.open()
        self._context = context
        self._count = 0

    def encode(self, epoch: float) -> tuple[bytes, ...]:
        """The next picture, taken at Unix time ``epoch``: its NAL units without start codes."""
        self._scene.draw(self._count / self.fps, epoch)
        self._frame.pts = self._count
        self._count += 1
        data = b"".join(bytes(packet) for packet in self._context.encode(self._frame))
        return tuple(part.rstrip(b"\0") for part in data.split(b"\0\0\1")[1:])
