from __future__ import annotations

import binascii

import av
import numpy as np
import pytest

from conformance.media.burned_in_label import BurnedInLabel, UnreadableLabel, device_code, read_label
from conformance.media.labelled_video import Scene, text_mask
from simulators.camera.encoder import VideoEncoder
from simulators.camera.media_format import StreamSettings


def scene(width: int, height: int) -> Scene:
    planes = tuple(np.zeros((height // n, width // n), np.uint8) for n in (1, 2, 2))
    return Scene(planes, "KDN00000001", 2, 1, "KDN00000001 CH2 MAIN")


def test_cells_hold_the_fields_in_order_and_a_ccitt_checksum() -> None:
    bits = scene(320, 192).bits(1_370_000_000_123)
    text = "".join(map(str, bits.reshape(-1)))
    assert bits.shape == (2, 40)
    assert text[:30] == "101101" + "000010" + "01" + "0100111110110111"
    assert int(text[30:72], 2) == 1_370_000_000_123 ^ 1_370_000_000_123 >> 1
    high, low = divmod(binascii.crc_hqx(int(text[:72], 2).to_bytes(9, "big"), 0xFFFF), 256)
    assert int(text[72:], 2) == high ^ low
    assert binascii.crc_hqx(b"KDN00000001", 0xFFFF) == 0x4FB7 == device_code("KDN00000001")


@pytest.mark.parametrize(("width", "height"), [(320, 192), (704, 576), (1280, 720), (1920, 1080), (354, 290)])
def test_label_is_read_back_from_every_picture_size(width: int, height: int) -> None:
    drawn = scene(width, height)
    drawn.draw(0.0, 1_370_000_000.123)
    assert read_label(drawn.planes[0]) == BurnedInLabel(channel=2, stream=1, device=0x4FB7, time_ms=1_370_000_000_123)
    drawn.draw(0.04, 1_370_000_000.163)
    assert read_label(drawn.planes[0]).time_ms == 1_370_000_000_163


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_label_survives_the_lowest_bit_rate(codec: str) -> None:
    settings = StreamSettings(codec, 704, 576, 25, "variable", 96)
    encoder = VideoEncoder(settings, "KDN00000001", 3, 2)
    decoder = av.CodecContext.create("h264" if codec == "h264" else "hevc", "r")
    times = []
    for index in range(30):
        nals, _ = encoder.encode(index / 25, 1_370_000_000 + index / 25)
        for frame in decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in nals))):
            times.append(read_label(frame.to_ndarray()[:576]).time_ms)
    for frame in decoder.decode(None):
        times.append(read_label(frame.to_ndarray()[:576]).time_ms)
    assert times == [1_370_000_000_000 + 40 * index for index in range(30)]


def test_a_flipped_cell_a_grey_cell_and_a_tiny_picture_are_refused() -> None:
    drawn = scene(320, 192)
    drawn.draw(0.0, 1_370_000_000.0)
    luma = drawn.planes[0]
    left, right = 24 * 320 // 44, 25 * 320 // 44
    cell = luma[16:24, left:right]
    cell[:] = 235 if cell[0, 0] < 128 else 16
    with pytest.raises(UnreadableLabel, match="checksum"):
        read_label(luma)
    cell[:] = 126
    with pytest.raises(UnreadableLabel, match="grey"):
        read_label(luma)
    with pytest.raises(UnreadableLabel, match="too small"):
        read_label(luma[:64, :64])
    with pytest.raises(UnreadableLabel, match="sync"):
        read_label(np.full((192, 320), 235, np.uint8))


def test_the_scene_moves_and_its_text_follows_the_second() -> None:
    drawn = scene(320, 192)
    drawn.draw(0.0, 1_370_000_000.0)
    before = drawn.planes[0].copy()
    drawn.draw(1.0, 1_370_000_001.0)
    changed = np.argwhere(drawn.planes[0] != before)[:, 0]
    assert set(changed) & set(range(144, 163)), "the block moves in its lane"
    assert set(changed) & set(range(24, 36)), "the text changes"


def test_digits_are_drawn_from_the_dot_font() -> None:
    rows = ["".join(".#"[int(dot > 60)] for dot in row) for row in text_mask("1", 1)]
    assert rows == ["..#...", ".##...", "..#...", "..#...", "..#...", "..#...", ".###.."]
    assert text_mask("12", 2).shape == (14, 24)
