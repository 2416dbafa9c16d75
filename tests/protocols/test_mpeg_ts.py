"""Transport streams: packets made by hand, one violation for each rule, a muxer's output, arbitrary bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.mpeg_ts import (
    CLOCK,
    NULL_PID,
    PACKET_BYTES,
    WRAP,
    TransportStream,
    TsError,
    crc32,
    parse_transport_stream,
    unwrap,
)

VIDEO, AUDIO, PMT = 0x100, 0x101, 0x1000


def packet(pid: int, counter: int, payload: bytes, *, start: bool = False, flags: int = 0) -> bytes:
    room = PACKET_BYTES - 4 - len(payload)
    head = bytes([0x47, start << 6 | pid >> 8, pid & 0xFF])
    if room == 0 and not flags:
        return head + bytes([0x10 | counter]) + payload
    field = b"" if room == 1 else bytes([flags]) + b"\xff" * (room - 2)
    return head + bytes([0x30 | counter, room - 1]) + field + payload


def section(table: int, body: bytes) -> bytes:
    size = 5 + len(body) + 4
    data = bytes([table, 0xB0 | size >> 8, size & 0xFF, 0, 1, 0xC1, 0, 0]) + body
    return data + crc32(data).to_bytes(4, "big")


def table(pid: int, counter: int, data: bytes) -> bytes:
    filled = b"\x00" + data
    return packet(pid, counter, filled + b"\xff" * (184 - len(filled)), start=True)


PROGRAMS = section(0, bytes.fromhex("0001f000"))
STREAMS = section(2, bytes.fromhex("e100f000 1be100f000 0fe101f000".replace(" ", "")))
TABLES = table(0, 0, PROGRAMS) + table(PMT, 0, STREAMS)


def stamp(prefix: int, time: int) -> bytes:
    high, middle, low = time >> 30, time >> 15 & 0x7FFF, time & 0x7FFF
    return (
        bytes([prefix << 4 | high << 1 | 1]) + (middle << 1 | 1).to_bytes(2, "big") + (low << 1 | 1).to_bytes(2, "big")
    )


def pes(pts: int | None, payload: bytes = b"\x00\x00\x01\x65", dts: int | None = None, size: int = 0) -> bytes:
    times = b"" if pts is None else stamp(2 if dts is None else 3, pts)
    times += b"" if dts is None else stamp(1, dts)
    flags = 0 if pts is None else 0x80 if dts is None else 0xC0
    head = b"\x00\x00\x01\xe0" + size.to_bytes(2, "big") + bytes([0x80, flags, len(times)])
    return head + times + payload


def picture(counter: int, pts: int) -> bytes:
    return packet(VIDEO, counter, pes(pts), start=True, flags=0x40)


def rules(data: bytes) -> list[str]:
    return [violation.rule for violation in parse_transport_stream(data).violations]


def test_the_crc_is_that_of_annex_a() -> None:
    assert crc32(bytes.fromhex("00b00d0001c100000001f000")) == 0x2AB104B2
    assert crc32(PROGRAMS) == 0


def test_time_stamps_as_an_encoder_writes_them() -> None:
    assert stamp(2, 126000).hex(" ") == "21 00 07 d8 61"


def test_a_good_stream() -> None:
    found = parse_transport_stream(TABLES + picture(5, 0) + picture(6, 9000) + picture(7, 18000))
    assert found.violations == []
    assert found.programs == {1: PMT}
    assert found.streams == {VIDEO: 0x1B, AUDIO: 0x0F}
    assert found.video_pid == VIDEO
    assert found.table_order == ["PAT", "PMT"]
    assert [(p.pts, p.dts, p.random_access, p.payload) for p in found.pes] == [
        (t, None, True, b"\x00\x00\x01\x65") for t in (0, 9000, 18000)
    ]
    assert found.first_counters[VIDEO] == 5
    assert found.last_counters[VIDEO] == 7
    assert found.duration(VIDEO) == pytest.approx(0.3)
    assert found.packets == 5


def test_a_pes_packet_over_several_packets() -> None:
    whole = pes(3000, bytes(range(200)) * 2, dts=0)
    pieces = [whole[:150], whole[150:334], whole[334:]]
    data = b"".join(packet(VIDEO, n, piece, start=n == 0) for n, piece in enumerate(pieces))
    (found,) = parse_transport_stream(TABLES + data).pes
    assert (found.pts, found.dts, found.payload) == (3000, 0, bytes(range(200)) * 2)


def test_times_go_on_over_the_wrap() -> None:
    assert unwrap([WRAP - 3000, 0, 3000]) == [WRAP - 3000, WRAP, WRAP + 3000]
    assert unwrap([9000, 3000]) == [9000, 3000]
    found = parse_transport_stream(TABLES + picture(0, WRAP - 9000) + picture(1, 0))
    assert found.duration(VIDEO) == pytest.approx(18000 / CLOCK)


SHORT = TABLES + picture(0, 0)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (SHORT + SHORT[:100], "ts.packet.short"),
        (SHORT + b"\x48" + SHORT[1:188], "ts.sync"),
        (SHORT[:1] + bytes([SHORT[1] | 0x80]) + SHORT[2:], "ts.error_indicator"),
        (SHORT + picture(2, 9000), "ts.continuity"),
        (SHORT + packet(VIDEO, 1, bytes(100))[:4] + b"\xb8" + bytes(183), "ts.adaptation.length"),
        (SHORT + bytes([0x47, 0x1F, 0xFF, 0x00]) + bytes(184), "ts.adaptation.reserved"),
        (table(0, 0, PROGRAMS[:-1] + b"\x00"), "ts.section.crc"),
        (table(0, 0, section(2, bytes.fromhex("0001f000"))), "ts.section.table"),
        (packet(0, 0, b"\xff" * 184, start=True), "ts.section.pointer"),
        (table(0, 0, b"\x00\xbf\xff"), "ts.section.length"),
        (table(0, 0, PROGRAMS) + table(PMT, 0, section(2, bytes.fromhex("e100f0001be100f005"))), "ts.pmt.length"),
        (TABLES + packet(VIDEO, 0, b"\x00\x00\x02\xe0" + bytes(20), start=True), "ts.pes.prefix"),
        (TABLES + packet(VIDEO, 0, pes(0, size=99), start=True), "ts.pes.length"),
        (TABLES + packet(AUDIO, 0, pes(0), start=True), "ts.pes.length"),
        (TABLES + packet(VIDEO, 0, b"\x00\x00\x01\xe0\x00\x00\x00\x00\x00", start=True), "ts.pes.header"),
        (TABLES + packet(VIDEO, 0, b"\x00\x00\x01\xe0\x00\x00\x80\x80\x00", start=True), "ts.pes.header"),
        (TABLES + packet(VIDEO, 0, b"\x00\x00\x01\xe0\x00\x00\x80\x40\x00", start=True), "ts.pes.flags"),
        (TABLES + packet(VIDEO, 0, pes(0)[:9] + bytes(5), start=True), "ts.pes.time"),
        (TABLES + packet(VIDEO, 0, pes(0, dts=9000), start=True), "ts.pes.order"),
    ],
)
def test_each_rule(data: bytes, rule: str) -> None:
    assert rules(data) == [rule]


def test_a_marked_discontinuity_and_a_repeated_packet_are_no_violations() -> None:
    jump = packet(VIDEO, 9, pes(9000), start=True, flags=0x80)
    assert rules(SHORT + jump) == []
    assert rules(SHORT + picture(0, 0) + picture(1, 9000)) == []
    assert "ts.continuity" in rules(SHORT + picture(0, 0) + picture(0, 0))


def test_marked_pids_of_the_first_packet() -> None:
    found = parse_transport_stream(TABLES + packet(VIDEO, 9, pes(0), start=True, flags=0x80))
    assert found.marked == {VIDEO}


def test_null_packets_and_unknown_pids_say_nothing() -> None:
    found = parse_transport_stream(TABLES + packet(NULL_PID, 3, bytes(184)) + packet(0x200, 1, bytes(184)))
    assert (found.violations, found.pes, found.packets) == ([], [], 4)


@pytest.mark.parametrize("data", [b"", b"FLV\x01", b"#EXTM3U\n"])
def test_what_is_no_transport_stream(data: bytes) -> None:
    with pytest.raises(TsError):
        parse_transport_stream(data)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    with contextlib.suppress(TsError):
        parse_transport_stream(data)
    assert isinstance(parse_transport_stream(TABLES + b"\x47" + data), TransportStream)


@given(st.data())
def test_a_changed_byte_raises_nothing_and_loses_no_packet(data: st.DataObject) -> None:
    good = bytearray(TABLES + picture(0, 0) + picture(1, 9000))
    at = data.draw(st.integers(1, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    found = parse_transport_stream(bytes(good))
    assert found.packets == 4 or at % PACKET_BYTES == 0
