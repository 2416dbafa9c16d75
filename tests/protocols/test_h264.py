"""H.264 in RTP and H.264 parameter sets: literal packets, rule by rule, and the output of a real encoder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import pytest
from encoded_video import Clip, decoded_size, encode
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.access_unit import AccessUnit, split_annex_b
from conformance.protocols.h264 import Depacketizer, H264Error, is_idr, nal_type, packetize
from conformance.protocols.h264_sps import level_allows, parse_pps, parse_sps, profile_level_id
from conformance.protocols.rtp import RtpPacket

SPS_NAL, PPS_NAL, IDR_NAL, SLICE_NAL = b"\x67\x42\x00\x1e", b"\x68\xce\x3c", b"\x65\x88\x84\x21", b"\x41\x9a\x02"


def packet(sequence: int, payload: bytes, timestamp: int = 1000, marker: bool = False, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(96, sequence % 65536, timestamp, ssrc, payload, marker)


def units_of(*packets: RtpPacket) -> list[AccessUnit]:
    depacketizer = Depacketizer()
    return [unit for one in packets for unit in depacketizer.push(one)] + depacketizer.flush()


def rules(*packets: RtpPacket) -> list[str]:
    return [violation.rule for unit in units_of(*packets) for violation in unit.violations]


# the three kinds of packet


def test_single_nal_units_up_to_the_marker() -> None:
    (unit,) = units_of(packet(1, SPS_NAL), packet(2, PPS_NAL), packet(3, IDR_NAL, marker=True))
    assert unit == AccessUnit((SPS_NAL, PPS_NAL, IDR_NAL), 1000, (1, 2, 3), True, True, ())
    assert is_idr(unit)
    assert unit.annex_b() == b"\0\0\0\1" + SPS_NAL + b"\0\0\0\1" + PPS_NAL + b"\0\0\0\1" + IDR_NAL


def test_an_aggregation_packet() -> None:
    payload = bytes.fromhex("780004" "6742001e" "0003" "68ce3c")  # fmt: skip
    (unit,) = units_of(packet(1, payload, marker=True))
    assert unit.nals == (SPS_NAL, PPS_NAL)
    assert unit.violations == ()
    assert not is_idr(unit)


def test_a_fragmented_nal_unit() -> None:
    (unit,) = units_of(
        packet(65534, b"\x7c\x85\x88"), packet(65535, b"\x7c\x05\x84"), packet(0, b"\x7c\x45\x21", marker=True)
    )
    assert unit == AccessUnit((IDR_NAL,), 1000, (65534, 65535, 0), True, True, ())


# where units end


def test_a_new_timestamp_ends_a_unit_and_the_missing_marker_is_a_fault() -> None:
    first, second = units_of(packet(1, IDR_NAL), packet(2, SLICE_NAL, 4600, marker=True))
    assert (first.nals, first.complete, first.marker) == ((IDR_NAL,), True, False)
    assert [(v.rule, v.clause) for v in first.violations] == [("h264.marker.missing", "RFC 6184 5.1")]
    assert (second.nals, second.complete, second.violations) == ((SLICE_NAL,), True, ())


def test_a_marker_too_early_is_a_fault() -> None:
    first, second = units_of(packet(1, SPS_NAL, marker=True), packet(2, IDR_NAL, marker=True))
    assert first.violations == ()
    assert [v.rule for v in second.violations] == ["h264.marker.early"]


def test_the_unit_under_way_comes_out_incomplete() -> None:
    (unit,) = units_of(packet(1, IDR_NAL))
    assert (unit.nals, unit.complete, unit.marker, unit.violations) == ((IDR_NAL,), False, False, ())


# loss, duplicates, lateness


def test_a_gap_inside_a_unit() -> None:
    (unit,) = units_of(packet(1, SPS_NAL), packet(3, IDR_NAL, marker=True))
    assert (unit.complete, unit.violations, unit.sequences) == (False, (), (1, 3))


def test_a_gap_between_units_spoils_both_and_accuses_nobody() -> None:
    first, second = units_of(packet(1, IDR_NAL), packet(3, SLICE_NAL, 4600, marker=True))
    assert (first.complete, second.complete) == (False, False)
    assert (first.violations, second.violations) == ((), ())


def test_a_gap_after_a_marker_spoils_the_next_unit_only() -> None:
    first, second, third = units_of(
        packet(1, IDR_NAL, marker=True), packet(3, SLICE_NAL, 4600, True), packet(4, SLICE_NAL, 8200, True)
    )
    assert [unit.complete for unit in (first, second, third)] == [True, False, True]


def test_the_sequence_wraps_without_a_gap() -> None:
    (unit,) = units_of(packet(65535, SPS_NAL), packet(0, IDR_NAL, marker=True))
    assert unit.complete


def test_a_duplicate_and_a_late_packet_are_left_out() -> None:
    (unit,) = units_of(
        packet(65534, SPS_NAL), packet(0, PPS_NAL), packet(0, PPS_NAL), packet(65535, b"\x41xx"),
        packet(1, IDR_NAL, marker=True),
    )  # fmt: skip
    assert unit.nals == (SPS_NAL, PPS_NAL, IDR_NAL)
    assert unit.sequences == (65534, 0, 1)
    assert not unit.complete


def test_lost_fragments_leave_no_torn_nal_unit() -> None:
    pieces = [payload for payload, _ in packetize([b"\x65" + bytes(range(40))], 12)]
    assert len(pieces) == 4
    kept = [packet(index, piece) for index, piece in enumerate(pieces) if index != 1]
    (unit,) = units_of(*kept[:-1], replace(kept[-1], marker=True))
    assert (unit.nals, unit.complete, unit.violations) == ((), False, ())


def test_a_stream_may_begin_inside_a_fragmented_nal_unit() -> None:
    first, second = units_of(
        packet(1, b"\x7c\x05\x84"), packet(2, b"\x7c\x45\x21", marker=True), packet(3, IDR_NAL, 4600, True)
    )
    assert (first.nals, first.complete, first.violations) == ((), False, ())
    assert second.complete


def test_another_source_begins_a_new_stream() -> None:
    first, second = units_of(packet(1, SPS_NAL), packet(900, IDR_NAL, marker=True, ssrc=2))
    assert (first.nals, first.complete) == ((SPS_NAL,), False)
    assert (second.nals, second.complete, second.violations) == ((IDR_NAL,), True, ())


# rules of RFC 6184


@pytest.mark.parametrize(
    ("payload", "rule", "clause", "offset"),
    [
        (b"", "h264.payload.empty", "RFC 6184 5.1", 0),
        (b"\xe5\x88", "h264.nal.forbidden_bit", "RFC 6184 5.3", 0),
        (b"\x60\x88", "h264.packet.reserved", "RFC 6184 5.4", 0),
        (b"\x7e\x88", "h264.packet.reserved", "RFC 6184 5.4", 0),
        (b"\x7f\x88", "h264.packet.reserved", "RFC 6184 5.4", 0),
        (b"\x79\x00\x00\x00\x02\x65\x88", "h264.packet.interleaved", "RFC 6184 6.3", 0),
        (b"\x7a\x00\x00\x00\x02\x00\x00\x00\x65\x88", "h264.packet.interleaved", "RFC 6184 6.3", 0),
        (b"\x7b\x00\x00\x00\x02\x00\x00\x00\x00\x65\x88", "h264.packet.interleaved", "RFC 6184 6.3", 0),
        (b"\x7d\x85\x00\x00\x88", "h264.packet.interleaved", "RFC 6184 6.3", 0),
        (b"\x65", "h264.nal.empty", "H.264 7.3.1", 0),
        (b"\x76\x88", "h264.nal.reserved", "H.264 7.4.1", 0),
        (b"\x78", "h264.stap.empty", "RFC 6184 5.7.1", 0),
        (b"\x78\x00\x03\x65\x88", "h264.stap.size", "RFC 6184 5.7.1", 1),
        (b"\x78\x00\x00\x65\x88", "h264.stap.size", "RFC 6184 5.7.1", 1),
        (b"\x78\x00\x02\x65\x88\x00", "h264.stap.size", "RFC 6184 5.7.1", 5),
        (b"\x18\x00\x02\x65\x88", "h264.stap.nri", "RFC 6184 5.7", 0),
        (b"\x78\x00\x02\x78\x88", "h264.stap.nested", "RFC 6184 5.7.1", 3),
        (b"\x78\x00\x02\xe5\x88", "h264.nal.forbidden_bit", "RFC 6184 5.3", 3),
        (b"\x7c", "h264.fu.short", "RFC 6184 5.8", 0),
        (b"\x7c\xc5\x88", "h264.fu.start_end", "RFC 6184 5.8", 1),
    ],
)
def test_a_broken_packet(payload: bytes, rule: str, clause: str, offset: int) -> None:
    (unit,) = units_of(packet(1, payload, marker=True))
    assert [(v.rule, v.clause, v.offset) for v in unit.violations] == [(rule, clause, offset)]


@pytest.mark.parametrize(
    ("payloads", "rule"),
    [
        ([IDR_NAL, b"\x7c\x45\x84"], "h264.fu.start"),
        ([b"\x7c\x85\x88", IDR_NAL], "h264.fu.end"),
        ([b"\x7c\x85\x88", b"\x7c\x85\x88", b"\x7c\x45\x88"], "h264.fu.end"),
        ([b"\x7c\x85\x88", b"\x7c\x05\x88"], "h264.fu.end"),
        ([b"\x7c\x85\x88", b"\x7c\x41\x84"], "h264.fu.header"),
        ([b"\x7c\x85\x88", b"\x3c\x45\x84"], "h264.fu.header"),
        ([b"\x7c\xa5\x88", b"\x7c\x45\x84"], "h264.fu.reserved_bit"),
        ([b"\x7c\x98\x88", b"\x7c\x58\x84"], "h264.fu.type"),
    ],
)
def test_misused_fragments(payloads: list[bytes], rule: str) -> None:
    last = len(payloads) - 1
    found = rules(*(packet(index, payload, marker=index == last) for index, payload in enumerate(payloads)))
    assert set(found) == {rule}


def test_an_empty_fragment_is_allowed() -> None:
    (unit,) = units_of(packet(0, b"\x7c\x85\x88"), packet(1, b"\x7c\x45", marker=True))
    assert (unit.nals, unit.complete, unit.violations) == ((b"\x65\x88",), True, ())


def test_violations_of_one_unit_are_bounded() -> None:
    (unit,) = units_of(*(packet(index, b"\x60\x00") for index in range(200)))
    assert len(unit.violations) == 64


# packets from NAL units


def test_small_nal_units_go_whole_and_large_ones_in_fragments() -> None:
    payloads = packetize([SPS_NAL, b"\x65abcdefg"], 5)
    assert payloads == [
        (SPS_NAL, False), (b"\x7c\x85abc", False), (b"\x7c\x05def", False), (b"\x7c\x45g", True),
    ]  # fmt: skip


def test_small_nal_units_together() -> None:
    assert packetize([SPS_NAL, PPS_NAL, IDR_NAL], 12, aggregate=True) == [
        (bytes.fromhex("7800046742001e000368ce3c"), False),
        (IDR_NAL, True),
    ]


@pytest.mark.parametrize(("nals", "mtu"), [([b""], 100), ([b"\x7c\x85a"], 100), ([b"\x60a"], 100), ([IDR_NAL], 2)])
def test_what_cannot_be_packetised(nals: list[bytes], mtu: int) -> None:
    with pytest.raises(H264Error):
        packetize(nals, mtu)


nal_units = st.builds(
    lambda priority, kind, body: bytes((priority << 5 | kind,)) + body,
    st.integers(0, 3), st.sampled_from([1, 2, 5, 6, 7, 8, 9, 19]), st.binary(min_size=1, max_size=60),
)  # fmt: skip


@given(st.lists(nal_units, min_size=1, max_size=8), st.integers(3, 70), st.integers(0, 65535), st.booleans())
def test_round_trip(nals: list[bytes], mtu: int, first: int, aggregate: bool) -> None:
    payloads = packetize(nals, mtu, aggregate=aggregate)
    assert all(len(payload) <= mtu for payload, _ in payloads)
    (unit,) = units_of(*(packet(first + index, data, marker=mark) for index, (data, mark) in enumerate(payloads)))
    assert unit.nals == tuple(nals)
    assert unit.complete
    assert unit.violations == ()


wild_packets = st.builds(
    packet, st.integers(0, 8), st.binary(max_size=12), st.sampled_from([0, 3600]), st.booleans(), st.integers(1, 2)
)


@given(st.lists(wild_packets, max_size=12))
def test_any_packets_give_units(packets: list[RtpPacket]) -> None:
    for unit in units_of(*packets):
        assert unit.sequences
        assert all(nal_type(nal) in range(32) for nal in unit.nals)


# parameter sets

CBR = (("x264-params", "nal-hrd=cbr:bitrate=900:vbv-maxrate=900:vbv-bufsize=900"),)
CLIPS = [
    encode("libx264", 320, 240, Fraction(25), (("profile", "baseline"),)),
    encode("libx264", 1920, 1080, Fraction(30), (("profile", "high"), ("preset", "veryfast")), frames=1),
    encode("libx264", 704, 576, Fraction(15), (("profile", "main"), ("preset", "veryfast"))),
    encode("libx264", 642, 362, Fraction(30000, 1001), (("x264-params", "cqm=jvt"), ("preset", "veryfast"))),
    encode("libx264", 720, 576, Fraction(25), (("x264-params", "interlaced=1"), ("preset", "veryfast"))),
    encode("libx264", 320, 192, Fraction(12), CBR),
]  # fmt: skip


def first(clip: Clip, kind: int) -> bytes:
    return next(nal for nal in clip.nals if nal_type(nal) == kind)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: f"{clip.width}x{clip.height}")
def test_the_encoder_and_ffmpeg_agree_with_the_parameter_set(clip: Clip) -> None:
    sps = parse_sps(first(clip, 7))
    stream = b"".join(b"\0\0\0\1" + nal for nal in clip.units[0])
    width, height, _ = decoded_size("h264", stream)
    assert (sps.width, sps.height) == (width, height) == (clip.width, clip.height)
    assert sps.frame_rate == pytest.approx(float(clip.fps), rel=1e-9)
    assert level_allows(sps, float(clip.fps))
    assert parse_pps(first(clip, 8)).sps_id == sps.sps_id


@pytest.mark.parametrize("clip", CLIPS[:2], ids=lambda clip: f"{clip.width}x{clip.height}")
@pytest.mark.parametrize("aggregate", [False, True])
def test_a_real_clip_survives_the_way_through_rtp(clip: Clip, aggregate: bool) -> None:
    packets, sequence = [], 65530
    for index, nals in enumerate(clip.units):
        for payload, marker in packetize(nals, 1400, aggregate=aggregate):
            packets.append(packet(sequence, payload, index * 3600, marker))
            sequence += 1
    units = units_of(*packets)
    assert [unit.nals for unit in units] == list(clip.units)
    assert all(unit.complete and unit.violations == () for unit in units)
    assert [is_idr(unit) for unit in units] == [index == 0 for index in range(len(clip.units))]


def test_fields_of_a_real_parameter_set() -> None:
    baseline, high, main, _, interlaced, _ = (parse_sps(first(clip, 7)) for clip in CLIPS)
    assert (baseline.profile_idc, baseline.constraint_flags, baseline.max_reorder) == (66, 0xC0, 0)
    assert profile_level_id(first(CLIPS[0], 7)) == f"42c0{baseline.level_idc:02x}"
    assert (high.profile_idc, high.coded_height, high.macroblocks, high.level) == (100, 1088, 8160, "4")
    assert (main.profile_idc, main.interlaced) == (77, False)
    assert interlaced.interlaced
    assert parse_pps(first(CLIPS[0], 8)).cabac is False
    assert parse_pps(first(CLIPS[2], 8)).cabac is True


# 320x240 Baseline at level 1.3: profile 66, flags c0, level 13, ids and counts 0, 1 reference, 20x15 macroblocks
LITERAL = bytes.fromhex("6742c00dda0507e4")


def test_a_literal_parameter_set() -> None:
    sps = parse_sps(LITERAL)
    assert (sps.width, sps.height, sps.level, sps.level_idc) == (320, 240, "1.3", 13)
    assert (sps.frame_rate, sps.fixed_frame_rate, sps.interlaced) == (None, False, False)


@pytest.mark.parametrize(
    ("level", "flags", "profile", "rate", "allowed"),
    [
        (13, 0, 66, 39.6, True),
        (13, 0, 66, 39.7, False),
        (11, 0, 66, 10.0, True),
        (11, 0, 66, 10.1, False),
        (11, 0x10, 66, 1.0, False),
        (11, 0x10, 100, 10.0, True),
        (10, 0, 66, 1.0, False),
        (14, 0, 66, 1.0, False),
    ],
)
def test_levels(level: int, flags: int, profile: int, rate: float, allowed: bool) -> None:
    sps = replace(parse_sps(LITERAL), level_idc=level, constraint_flags=flags, profile_idc=profile)
    assert sps.macroblocks == 300
    assert level_allows(sps, rate) is allowed


def test_levels_limit_the_bit_rate() -> None:
    sps = parse_sps(LITERAL)
    assert level_allows(sps, 25, 768_000)
    assert not level_allows(sps, 25, 768_001)
    assert level_allows(replace(sps, profile_idc=100), 25, 960_000)


def test_levels_limit_the_reference_memory() -> None:
    sps = replace(parse_sps(LITERAL), level_idc=13)
    assert sps.macroblocks == 300
    assert level_allows(replace(sps, reference_frames=7), 10)
    assert not level_allows(replace(sps, reference_frames=8), 10)


@pytest.mark.parametrize("nal", [b"", b"\x67", b"\x68" + LITERAL[1:], LITERAL[:5], b"\x67" + bytes(5000)])
def test_no_parameter_set(nal: bytes) -> None:
    with pytest.raises(H264Error):
        parse_sps(nal)


@given(
    st.binary(max_size=60).map(lambda data: b"\x67" + data)
    | st.binary(max_size=60).map(lambda data: b"\x67\x64" + data)
)
def test_any_bytes_give_a_parameter_set_or_the_own_error(nal: bytes) -> None:
    with suppress(H264Error):
        sps = parse_sps(nal)
        assert sps.width > 0
        level_allows(sps, 25)


@given(st.binary(max_size=40).map(lambda data: b"\x68" + data))
def test_any_bytes_give_a_picture_set_or_the_own_error(nal: bytes) -> None:
    with suppress(H264Error):
        assert 0 <= parse_pps(nal).pps_id <= 255


def test_a_byte_stream_falls_into_nal_units() -> None:
    assert split_annex_b(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\0\1\x65d\0") == (b"\x67ab", b"\x68c", b"\x65d")
    assert split_annex_b(b"none") == ()
