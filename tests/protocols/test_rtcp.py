"""RTCP compounds: literal bytes, the rules of a compound, a second dissector, round trips."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocols.rtcp import (
    Compound,
    Goodbye,
    OtherPacket,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    looks_like_rtcp,
    parse_rtcp,
    serialize_rtcp,
)

SENDER = bytes.fromhex("81c8000c" "11223344" "d5ed500080000000" "00015f90" "00000064" "00030d40")  # fmt: skip
BLOCK = bytes.fromhex("55667788" "40fffffe" "0001ffff" "0000000c" "50008000" "00018000")  # fmt: skip
DESCRIPTION = bytes.fromhex("81ca0003" "11223344" "01046361" "6d310000")  # fmt: skip
GOODBYE = bytes.fromhex("81cb0003" "11223344" "04646f6e" "65000000")  # fmt: skip

words = st.integers(0, 2**32 - 1)
blocks = st.builds(
    ReportBlock, words, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), words, words, words, words
)
reports = st.lists(blocks, max_size=3).map(tuple)
items = st.lists(st.tuples(st.integers(1, 8), st.binary(max_size=20)), max_size=3).map(tuple)
packets = st.one_of(
    st.builds(SenderReport, words, st.integers(0, 2**64 - 1), words, words, words, reports),
    st.builds(ReceiverReport, words, reports),
    st.builds(SourceDescription, st.lists(st.tuples(words, items), max_size=3).map(tuple)),
    st.builds(Goodbye, st.lists(words, max_size=3).map(tuple), st.binary(max_size=20)),
    st.builds(OtherPacket, st.integers(204, 223), st.integers(0, 31), st.just(b"") | st.just(b"12345678")),
)


def test_a_compound_of_three() -> None:
    compound = parse_rtcp(SENDER + BLOCK + DESCRIPTION + GOODBYE)
    block = ReportBlock(0x55667788, 64, -2, 0x1FFFF, 12, 0x50008000, 0x18000)
    assert compound.packets == (
        SenderReport(0x11223344, 0xD5ED500080000000, 90000, 100, 200000, (block,)),
        SourceDescription(((0x11223344, ((1, b"cam1"),)),)),
        Goodbye((0x11223344,), b"done"),
    )
    assert compound.violations == ()
    assert serialize_rtcp(*compound.packets) == SENDER + BLOCK + DESCRIPTION + GOODBYE


def test_ntp_time_counts_from_1900() -> None:
    report = parse_rtcp(SENDER + BLOCK + DESCRIPTION).packets[0]
    assert isinstance(report, SenderReport)
    assert report.unix_time == 1380110720.5


def test_the_name_of_a_source() -> None:
    description = SourceDescription(((1, ((6, b"tool"),)), (2, ((1, b"cam"),))))
    assert description.cname(2) == b"cam"
    assert description.cname(1) is None


def _rules(data: bytes) -> list[str]:
    return [violation.rule for violation in parse_rtcp(data).violations]


def test_a_compound_begins_with_a_report() -> None:
    assert _rules(DESCRIPTION) == ["rtcp.first"]


def test_a_compound_has_a_name() -> None:
    assert _rules(SENDER + BLOCK) == ["rtcp.cname"]
    assert _rules(serialize_rtcp(ReceiverReport(1), SourceDescription(((1, ((2, b"x"),)),)))) == ["rtcp.cname"]


def test_padding_belongs_to_the_last_packet() -> None:
    padded = bytes.fromhex("a0c90002" "00000001" "00000004")  # fmt: skip
    assert _rules(padded + DESCRIPTION) == ["rtcp.padding"]
    assert parse_rtcp(padded).packets == (ReceiverReport(1),)
    assert _rules(padded) == ["rtcp.cname"]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "rtcp.empty"),
        (b"\x80\xc9\x00", "rtcp.header"),
        (b"\x40\xc9\x00\x00", "rtcp.header"),
        (b"\x80\xc9\x00\x01", "rtcp.length"),
        (b"\x80\xc9\x00\x00", "rtcp.short"),
        (b"\x81\xc9\x00\x01\x00\x00\x00\x01", "rtcp.short"),
        (b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\x09ab", "rtcp.short"),
        (b"\x80\xcc\x00\x00" * 65, "rtcp.length"),
    ],
)
def test_what_cannot_be_read(data: bytes, rule: str) -> None:
    with pytest.raises(RtcpError) as caught:
        parse_rtcp(data)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "packet",
    [
        Goodbye(tuple(range(32))),
        Goodbye((), b"x" * 256),
        OtherPacket(204, 0, b"abc"),
        ReceiverReport(2**32),
        SenderReport(1, 2**64, 0, 0, 0),
    ],
)
def test_what_cannot_be_written(packet: Goodbye) -> None:
    with pytest.raises(RtcpError):
        serialize_rtcp(packet)


def test_rtcp_on_a_shared_port_is_told_by_its_type() -> None:
    assert looks_like_rtcp(SENDER)
    assert not looks_like_rtcp(b"\x80\x60" + bytes(10))
    assert not looks_like_rtcp(b"\x80\xe0" + bytes(10))
    assert not looks_like_rtcp(SENDER[:7])


@given(st.lists(packets, min_size=1, max_size=4))
def test_round_trip(compound: list[SenderReport]) -> None:
    assert parse_rtcp(serialize_rtcp(*compound)) == Compound(tuple(compound))


@settings(deadline=None)  # the first example imports scapy
@given(words, st.integers(0, 2**64 - 1), words, words, words)
def test_scapy_reads_the_same_sender_report(ssrc: int, ntp: int, rtp: int, count: int, octets: int) -> None:
    from scapy.contrib.rtcp import RTCP

    seen = RTCP(serialize_rtcp(SenderReport(ssrc, ntp, rtp, count, octets)))
    info = seen.sender_info
    assert (seen.packet_type, seen.sourcesync, info.rtp_timestamp) == (200, ssrc, rtp)
    assert info.ntp_timestamp == ntp
    assert info.sender_packet_count == count
    assert info.sender_octet_count == octets


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda data: SENDER + BLOCK + data))
def test_any_bytes_give_a_compound_or_the_own_error(data: bytes) -> None:
    with suppress(RtcpError):
        assert parse_rtcp(data).packets
