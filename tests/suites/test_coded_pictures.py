"""What is wrong with coded pictures, on units of real encoders."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from conformance.protocols.access_unit import AccessUnit, split_annex_b
from conformance.protocols.h264_sps import SequenceParameters, parse_sps
from conformance.protocols.h265_sps import parse_sps as parse_hevc_sps
from conformance.suites.camera.coded_pictures import (
    escaped,
    gaps_of_frame_num,
    missing_sets,
    split_pictures,
    split_segments,
    undecodable,
)


def clip(codec: str, pictures: int = 6) -> list[AccessUnit]:
    """Pictures of noise, the first one a key picture with its parameter sets."""
    context = av.CodecContext.create({"h264": "libx264", "h265": "libx265"}[codec], "w")
    context.width, context.height, context.pix_fmt = 128, 96, "yuv420p"
    context.framerate, context.time_base, context.thread_count = Fraction(25), Fraction(1, 25), 1
    own = {"h265": {"x265-params": "log-level=none:pools=none:frame-threads=1"}}.get(codec, {})
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **own}
    noise = np.random.default_rng(1).integers(0, 256, (pictures, 96 * 3 // 2, 128), np.uint8)
    data = []
    for number, picture in enumerate(noise):
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts = number
        data += [bytes(packet) for packet in context.encode(frame)]
    data += [bytes(packet) for packet in context.encode(None)]
    return [AccessUnit(split_annex_b(unit), 3600 * n, (n,), True, True) for n, unit in enumerate(data)]


H264, H265 = clip("h264"), clip("h265")


def sps_of_h264() -> SequenceParameters:
    return parse_sps(next(nal for nal in H264[0].nals if nal[0] & 0x1F == 7))


def test_good_streams_have_no_faults() -> None:
    assert len(H264) == len(H265) == 6
    for units in (H264, H265):
        assert escaped([nal for unit in units for nal in unit.nals]) == []
    assert (split_pictures(H264), split_segments(H265)) == ([], [])
    assert missing_sets("h264", H264, ()) == missing_sets("h265", H265, ()) == []
    assert gaps_of_frame_num(H264, sps_of_h264()) == []
    assert undecodable("h264", H264, (), (128, 96)) == ([], 1)
    assert undecodable("h265", H265, (), (128, 96)) == ([], 1)


@pytest.mark.parametrize(("units", "split"), [(H264, split_pictures), (H265, split_segments)])
def test_two_pictures_of_one_timestamp(units: list[AccessUnit], split: object) -> None:
    shared = [*units[:2], replace(units[2], timestamp=units[1].timestamp), *units[3:]]
    assert split(shared) == ["timestamp 3600: 2 pictures"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("units", "split", "sets"), [(H264, split_pictures, (7, 8)), (H265, split_segments, (64, 66, 68))]
)
def test_sets_of_another_timestamp(units: list[AccessUnit], split: object, sets: tuple[int, ...]) -> None:
    mask = 0x1F if sets == (7, 8) else 0x7E
    own = tuple(nal for nal in units[0].nals if nal[0] & mask in sets)
    rest = tuple(nal for nal in units[0].nals if nal not in own)
    early = replace(units[0], nals=own, timestamp=2**32 - 1)
    found = split([early, replace(units[0], nals=rest), *units[1:]])  # type: ignore[operator]
    assert found == [f"timestamp {2**32 - 1}: parameter sets or SEI without a picture"]
    same = replace(early, timestamp=units[0].timestamp)
    assert split([same, replace(units[0], nals=rest), *units[1:]]) == []  # type: ignore[operator]


def test_a_dropped_picture() -> None:
    found = gaps_of_frame_num([*H264[:2], *H264[3:]], sps_of_h264())
    assert found == ["timestamp 10800: frame_num 3 after 1"]
    torn = [*H264[:2], replace(H264[2], complete=False, nals=()), *H264[3:]]
    assert gaps_of_frame_num(torn, sps_of_h264()) == []


def test_sets_that_nobody_gave() -> None:
    bare = [replace(H264[0], nals=tuple(nal for nal in H264[0].nals if nal[0] & 0x1F == 5)), *H264[1:2]]
    assert missing_sets("h264", bare, ()) == ["timestamp 0: type 8 id 0", "timestamp 3600: type 8 id 0"]
    assert missing_sets("h264", bare, H264[0].nals) == []


@pytest.mark.parametrize(("codec", "units"), [("h264", H264), ("h265", H265)])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_a_key_picture_that_was_cut(codec: str, units: list[AccessUnit], kept: float) -> None:
    longest = max(units[0].nals, key=len)
    cut = tuple(nal if nal is not longest else nal[: int(len(nal) * kept)] + b"\x80" for nal in units[0].nals)
    faults, tried = undecodable(codec, [replace(units[0], nals=cut)], (), (128, 96))
    assert (len(faults), tried) == (1, 1)


def test_another_size_than_the_sps_says() -> None:
    sps = parse_hevc_sps(next(nal for nal in H265[0].nals if nal[0] == 66))
    assert (sps.width, sps.height) == (128, 96)
    faults, _ = undecodable("h265", H265, (), (130, 96))
    assert faults == ["timestamp 0: [(128, 96)] instead of (130, 96)"]


@pytest.mark.parametrize("nal", [b"\x65\x00\x00\x01a", b"\x65\x00\x00\x02a", b"\x65\x00\x00\x00a", b"\x65a\x00"])
def test_what_looks_like_a_start_code(nal: bytes) -> None:
    assert len(escaped([nal])) == 1
    assert escaped([b"\x65\x00\x00\x03\x01a"]) == []
