"""Slice headers and the ends of parameter sets, against what an encoder writes and against damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.h264 import H264Error
from conformance.protocols.h264_slice import parse_slice_head, pps_is_complete
from conformance.protocols.h264_sps import parse_sps, sps_is_complete

SPS = bytes.fromhex("674d4015da0507e840000003004000000ca3c58ba8")
PPS = bytes.fromhex("68ee021c80")


def test_front_of_a_slice() -> None:
    """An IDR slice: first_mb 0 (1), I slice 7 (0001000), PPS 0 (1), frame_num 3 (0011), idr_pic_id 0 (1)."""
    bits = "1000100010011110"
    data = b"\x65" + int(bits, 2).to_bytes(2, "big")
    head = parse_slice_head(data, parse_sps(SPS))
    assert (head.first_mb, head.slice_type, head.pps_id, head.frame_num) == (0, 7, 0, 3)
    assert (head.idr, head.reference) == (True, 3)
    assert parse_slice_head(data, None).frame_num is None


def test_complete_sets() -> None:
    assert sps_is_complete(SPS)
    assert pps_is_complete(PPS, 1)


def test_added_bytes_are_seen() -> None:
    assert not sps_is_complete(SPS + b"\x80\x80")
    assert not pps_is_complete(PPS + b"\x00\x80\x00\x80", 1)


def test_cut_sets_are_seen() -> None:
    with pytest.raises(H264Error):
        sps_is_complete(SPS[:5])
    with pytest.raises(H264Error):
        pps_is_complete(PPS[:2], 1)


def test_no_slice() -> None:
    with pytest.raises(H264Error):
        parse_slice_head(PPS, None)


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    for kind in (b"\x65", b"\x68", b"\x67"):
        for read in (lambda n: parse_slice_head(n, None), lambda n: pps_is_complete(n, 1), sps_is_complete):
            try:
                read(kind + data)
            except H264Error:
                continue
