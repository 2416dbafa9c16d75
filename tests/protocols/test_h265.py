"""H.265 in RTP and H.265 parameter sets: literal packets, rule by rule, and the output of a real encoder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import pytest
from encoded_video import Clip, decoded_size, encode
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.h265 import Depacketizer, H265Error, is_idr, nal_type, packetize
from conformance.protocols.h265_sps import level_allows, parse_pps, parse_sps, parse_vps
from conformance.protocols.rtp import RtpPacket

VPS_NAL, SPS_NAL = b"\x40\x01\x0c\x01", b"\x42\x01\x01\x01"
IDR_NAL, TRAIL_NAL, CRA_NAL = b"\x26\x01\xaf\x09", b"\x02\x01\xd0\x09", b"\x2a\x01\xaf\x10"


def packet(sequence: int, payload: bytes, timestamp: int = 1000, marker: bool = False) -> RtpPacket:
    return RtpPacket(97, sequence % 65536, timestamp, 1, payload, marker)


def units_of(*packets: RtpPacket, with_order_numbers: bool = False) -> list[AccessUnit]:
    depacketizer = Depacketizer(with_order_numbers=with_order_numbers)
    return [unit for one in packets for unit in depacketizer.push(one)] + depacketizer.flush()


def test_single_nal_units_up_to_the_marker() -> None:
    (unit,) = units_of(packet(65535, VPS_NAL), packet(0, SPS_NAL), packet(1, IDR_NAL, marker=True))
    assert unit == AccessUnit((VPS_NAL, SPS_NAL, IDR_NAL), 1000, (65535, 0, 1), True, True, ())


def test_an_aggregation_packet() -> None:
    payload = bytes.fromhex("6001" "0004" "40010c01" "0004" "42010101")  # fmt: skip
    (unit,) = units_of(packet(1, payload, marker=True))
    assert unit == AccessUnit((VPS_NAL, SPS_NAL), 1000, (1,), True, True, ())


def test_a_fragmented_nal_unit() -> None:
    payloads = [bytes.fromhex(text) for text in ("620193af", "62011309", "62015301")]
    (unit,) = units_of(*(packet(index, payload, marker=index == 2) for index, payload in enumerate(payloads)))
    assert unit == AccessUnit((b"\x26\x01\xaf\x09\x01",), 1000, (0, 1, 2), True, True, ())


def test_a_packet_with_content_information_carries_another() -> None:
    content = 19 << 9 | 3 << 4
    payload = b"\x64\x01" + content.to_bytes(2, "big") + b"abc" + IDR_NAL[2:]
    (unit,) = units_of(packet(1, payload, marker=True))
    assert (unit.nals, unit.complete, unit.violations) == ((IDR_NAL,), True, ())


def test_decoding_order_numbers_are_passed_over() -> None:
    single = b"\x40\x01\x00\x07\x0c\x01"
    together = bytes.fromhex("6001" "0008" "0004" "42010101" "00" "0004" "2601af09")  # fmt: skip
    pieces = (bytes.fromhex("6201810009d0"), bytes.fromhex("62014109"))
    payloads = (single, together, *pieces)
    (unit,) = units_of(
        *(packet(index, payload, marker=index == 3) for index, payload in enumerate(payloads)), with_order_numbers=True
    )
    assert unit == AccessUnit((VPS_NAL, SPS_NAL, IDR_NAL, TRAIL_NAL), 1000, (0, 1, 2, 3), True, True, ())


@pytest.mark.parametrize(
    ("nal", "expected"),
    [(IDR_NAL, True), (b"\x28\x01a", True), (CRA_NAL, True), (b"\x20\x01a", True), (TRAIL_NAL, False), (SPS_NAL, False),
     (b"\x1e\x01a", False), (b"\x30\x01a", False)],
)  # fmt: skip
def test_where_decoding_can_begin(nal: bytes, expected: bool) -> None:
    assert is_idr(AccessUnit((VPS_NAL, nal), 0, (1,), True, True)) is expected


def test_a_missing_marker() -> None:
    first, _ = units_of(packet(1, IDR_NAL), packet(2, TRAIL_NAL, 4600, True))
    assert [(v.rule, v.clause) for v in first.violations] == [("h265.marker.missing", "RFC 7798 4.1")]
    assert first.complete


def test_a_gap_inside_a_fragmented_nal_unit() -> None:
    pieces = [payload for payload, _ in packetize([b"\x26\x01" + bytes(range(30))], 13)]
    assert len(pieces) == 3
    (unit,) = units_of(packet(0, pieces[0]), packet(2, pieces[2], marker=True))
    assert (unit.nals, unit.complete, unit.violations) == ((), False, ())


@pytest.mark.parametrize(
    ("payload", "rule", "clause", "offset"),
    [
        (b"", "h265.payload.empty", "RFC 7798 4.1", 0),
        (b"\x26\x01", "h265.payload.short", "RFC 7798 4.2", 0),
        (b"\xa6\x01a", "h265.nal.forbidden_bit", "RFC 7798 1.1.4", 0),
        (b"\x26\x00a", "h265.nal.temporal_id", "RFC 7798 1.1.4", 0),
        (b"\x66\x01a", "h265.packet.reserved", "RFC 7798 4.2", 0),
        (b"\x14\x01a", "h265.nal.reserved", "H.265 7.4.2.2", 0),
        (b"\x60\x01\x00\x03\x26\x01a", "h265.ap.count", "RFC 7798 4.4.2", 0),
        (b"\x60\x01\x00\x04\x26\x01a", "h265.ap.size", "RFC 7798 4.4.2", 2),
        (b"\x60\x01\x00\x01\x26\x01a", "h265.ap.size", "RFC 7798 4.4.2", 2),
        (b"\x60\x02\x00\x03\x26\x01a\x00\x03\x26\x02b", "h265.ap.header", "RFC 7798 4.4.2", 0),
        (b"\x60\x01\x00\x03\x26\x01a\x00\x03\x62\x01b", "h265.ap.nested", "RFC 7798 4.4.2", 9),
        (b"\x62\x01\xd3a", "h265.fu.start_end", "RFC 7798 4.4.3", 2),
        (b"\x64\x01\x64\x00a", "h265.paci", "RFC 7798 4.4.4", 2),
        (b"\x64\x01\x26\x10a", "h265.paci", "RFC 7798 4.4.4", 2),
    ],
)
def test_a_broken_packet(payload: bytes, rule: str, clause: str, offset: int) -> None:
    (unit,) = units_of(packet(1, payload, marker=True))
    assert [(v.rule, v.clause, v.offset) for v in unit.violations] == [(rule, clause, offset)]


@pytest.mark.parametrize(
    ("payloads", "rule"),
    [
        ([IDR_NAL, b"\x62\x01\x53a"], "h265.fu.start"),
        ([b"\x62\x01\x93a", IDR_NAL], "h265.fu.end"),
        ([b"\x62\x01\x93a", b"\x62\x01\x13a"], "h265.fu.end"),
        ([b"\x62\x01\x93a", b"\x62\x01\x41a"], "h265.fu.header"),
        ([b"\x62\x01\x93a", b"\x62\x01\x53"], "h265.fu.empty"),
        ([b"\x62\x01\xb0a", b"\x62\x01\x70a"], "h265.fu.type"),
    ],
)
def test_misused_fragments(payloads: list[bytes], rule: str) -> None:
    last = len(payloads) - 1
    units = units_of(*(packet(index, payload, marker=index == last) for index, payload in enumerate(payloads)))
    assert {v.rule for unit in units for v in unit.violations} == {rule}


# packets from NAL units


def test_small_nal_units_go_whole_and_large_ones_in_fragments() -> None:
    assert packetize([VPS_NAL, b"\x26\x01abcde"], 5) == [
        (VPS_NAL, False), (b"\x62\x01\x93ab", False), (b"\x62\x01\x13cd", False), (b"\x62\x01\x53e", True),
    ]  # fmt: skip


def test_an_aggregation_header_has_the_lowest_layer_and_temporal_id() -> None:
    ((payload, marker),) = packetize([b"\x02\x0ba", b"\x02\x14b"], 100, aggregate=True)
    assert payload == bytes.fromhex("600b" "0003" "020b61" "0003" "021462")  # fmt: skip
    assert marker


@pytest.mark.parametrize(("nals", "mtu"), [([b"\x26\x01"], 100), ([b"\x62\x01\x93a"], 100), ([IDR_NAL], 3)])
def test_what_cannot_be_packetised(nals: list[bytes], mtu: int) -> None:
    with pytest.raises(H265Error):
        packetize(nals, mtu)


nal_units = st.builds(
    lambda kind, temporal, body: bytes((kind << 1, temporal)) + body,
    st.sampled_from([0, 1, 19, 20, 21, 32, 33, 34, 39]), st.integers(1, 7), st.binary(min_size=1, max_size=60),
)  # fmt: skip


@given(st.lists(nal_units, min_size=1, max_size=8), st.integers(4, 70), st.integers(0, 65535), st.booleans())
def test_round_trip(nals: list[bytes], mtu: int, first: int, aggregate: bool) -> None:
    payloads = packetize(nals, mtu, aggregate=aggregate)
    assert all(len(payload) <= mtu for payload, _ in payloads)
    (unit,) = units_of(*(packet(first + index, data, marker=mark) for index, (data, mark) in enumerate(payloads)))
    assert unit.nals == tuple(nals)
    assert unit.complete
    assert unit.violations == ()


wild_packets = st.builds(packet, st.integers(0, 8), st.binary(max_size=12), st.sampled_from([0, 3600]), st.booleans())


@given(st.lists(wild_packets, max_size=12), st.booleans())
def test_any_packets_give_units(packets: list[RtpPacket], with_order_numbers: bool) -> None:
    for unit in units_of(*packets, with_order_numbers=with_order_numbers):
        assert unit.sequences


# parameter sets

QUIET = "log-level=none"
HRD = f"hrd=1:vbv-maxrate=900:vbv-bufsize=900:bitrate=800:temporal-layers=2:scaling-list=default:{QUIET}"
CLIPS = [
    encode("libx265", 320, 240, Fraction(25), (("x265-params", QUIET),)),
    encode("libx265", 1920, 1080, Fraction(30), (("x265-params", QUIET),), frames=1),
    encode("libx265", 322, 182, Fraction(12), (("x265-params", HRD), ("preset", "medium"))),
    encode("libx265", 704, 576, Fraction(30000, 1001), (("x265-params", f"bframes=0:{QUIET}"),)),
]


def first(clip: Clip, kind: int) -> bytes:
    return next(nal for nal in clip.nals if nal_type(nal) == kind)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: f"{clip.width}x{clip.height}")
def test_the_encoder_and_ffmpeg_agree_with_the_parameter_sets(clip: Clip) -> None:
    sps = parse_sps(first(clip, 33))
    width, height, rate = decoded_size("hevc", b"".join(b"\0\0\0\1" + nal for nal in clip.units[0]))
    assert (sps.width, sps.height) == (width, height) == (clip.width, clip.height)
    assert rate == clip.fps
    assert sps.frame_rate == pytest.approx(float(rate), rel=1e-9)
    assert sps.profile_idc == 1
    assert parse_vps(first(clip, 32)).profile == sps.profile
    pps = parse_pps(first(clip, 34))
    assert (pps.sps_id, sps.vps_id) == (sps.sps_id, parse_vps(first(clip, 32)).vps_id)


def test_fields_of_real_parameter_sets() -> None:
    small, large, layered, plain = (parse_sps(first(clip, 33)) for clip in CLIPS)
    assert (small.level, large.level) == ("2", "4")
    assert (layered.sub_layers, layered.fixed_frame_rate, small.fixed_frame_rate) == (2, True, False)
    assert (layered.coded_width, layered.coded_height) == (328, 184)
    assert plain.max_reorder == 0
    assert layered.max_reorder > 0


@pytest.mark.parametrize("aggregate", [False, True])
def test_a_real_clip_survives_the_way_through_rtp(aggregate: bool) -> None:
    packets, sequence = [], 65530
    for index, nals in enumerate(CLIPS[0].units):
        for payload, marker in packetize(nals, 1400, aggregate=aggregate):
            packets.append(packet(sequence, payload, index * 3600, marker))
            sequence += 1
    units = units_of(*packets)
    assert [unit.nals for unit in units] == list(CLIPS[0].units)
    assert all(unit.complete and unit.violations == () for unit in units)
    assert is_idr(units[0])


@pytest.mark.parametrize(
    ("width", "height", "level", "rate", "bit_rate", "allowed"),
    [
        (1920, 1080, 120, 32.2, 0, True),
        (1920, 1080, 120, 32.3, 0, False),
        (1920, 1080, 93, 10.0, 0, False),
        (1920, 1080, 120, 30.0, 13_200_000, True),
        (1920, 1080, 120, 30.0, 13_200_001, False),
        (4224, 8, 120, 1.0, 0, False),
        (1920, 1080, 121, 1.0, 0, False),
    ],
)
def test_levels(width: int, height: int, level: int, rate: float, bit_rate: float, allowed: bool) -> None:
    sps = parse_sps(first(CLIPS[0], 33))
    sps = replace(sps, coded_width=width, coded_height=height, profile=replace(sps.profile, level_idc=level))
    assert level_allows(sps, rate, bit_rate) is allowed


def test_a_set_that_is_cut_off() -> None:
    with pytest.raises(H265Error) as caught:
        parse_sps(first(CLIPS[0], 33)[:10])
    assert caught.value.rule == "h265.sps.bits"


@pytest.mark.parametrize("nal", [b"", b"\x42\x01", VPS_NAL + bytes(30), b"\x42\x01" + bytes(9000)])
def test_no_parameter_set(nal: bytes) -> None:
    with pytest.raises(H265Error):
        parse_sps(nal)


damage = st.tuples(st.integers(2, 60), st.integers(0, 255))


@given(st.lists(damage, max_size=6), st.integers(0, 60), st.sampled_from([32, 33, 34]))
def test_damaged_sets_give_a_value_or_the_own_error(damages: list[tuple[int, int]], cut: int, kind: int) -> None:
    nal = bytearray(first(CLIPS[2], kind))
    for at, value in damages:
        if at < len(nal):
            nal[at] = value
    with suppress(H265Error):
        {32: parse_vps, 33: parse_sps, 34: parse_pps}[kind](bytes(nal[: len(nal) - cut] if cut < 30 else nal))


@given(st.binary(max_size=80), st.sampled_from([b"\x40\x01", b"\x42\x01", b"\x44\x01"]))
def test_any_bytes_give_a_set_or_the_own_error(data: bytes, header: bytes) -> None:
    for parse in (parse_vps, parse_sps, parse_pps):
        with suppress(H265Error):
            assert parse(header + data) is not None
