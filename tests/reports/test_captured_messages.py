"""Captures as messages: what is joined, what is shortened, and files that make no sense."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from captures import Packet, block, capture
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.captured_messages import MESSAGES, READ, SHOWN, captured_messages

DEVICE, LAB = ("192.0.2.7", 554), ("192.0.2.1", 40000)
ASK = Packet(1_000_000_000, LAB, DEVICE, b"OPTIONS * RTSP/1.0\r\n", comment="IF-REG-01 s1")
TELL = Packet(1_250_000_000, DEVICE, LAB, b"RTSP/1.0 200 OK\r\n", outbound=False)


def test_messages_have_time_way_and_text() -> None:
    messages, whole = captured_messages(capture([ASK, TELL]))
    assert whole
    assert [(m.at, m.source, m.target, m.outbound, m.text) for m in messages] == [
        (0.0, "192.0.2.1:40000", "192.0.2.7:554", True, "OPTIONS * RTSP/1.0\r\n"),
        (0.25, "192.0.2.7:554", "192.0.2.1:40000", False, "RTSP/1.0 200 OK\r\n"),
    ]
    assert [m.comment for m in messages] == ["IF-REG-01 s1", ""]


def test_segments_of_one_way_are_one_message() -> None:
    messages, _ = captured_messages(capture([ASK, ASK, Packet(2, LAB, DEVICE, b""), TELL]))
    assert [(m.packets, m.size) for m in messages] == [(2, 40), (1, 17)]
    assert messages[0].text == "OPTIONS * RTSP/1.0\r\n" * 2


def test_datagrams_with_text_stay_apart_and_media_is_one_row() -> None:
    text = [Packet(n, DEVICE, LAB, b"hello", "UDP") for n in range(3)]
    media = [Packet(n, DEVICE, LAB, b"\x80\x60" + bytes(10), "UDP") for n in range(3, 400)]
    messages, whole = captured_messages(capture([*text, *media]))
    assert whole
    assert [(m.packets, m.size) for m in messages] == [(1, 5), (1, 5), (1, 5), (397, 397 * 12)]
    assert messages[3].text == "80 60 00 00 00 00 00 00 00 00 00 00 80 60 00 00 00 00 00 00 00 00 00 00 …"


def test_addresses_of_version_6() -> None:
    messages, _ = captured_messages(capture([Packet(0, ("2001:db8::1", 1), ("2001:db8::2", 2), b"x", "UDP")]))
    assert (messages[0].source, messages[0].target) == ("[2001:db8::1]:1", "[2001:db8::2]:2")


def test_long_messages_and_long_captures_are_cut() -> None:
    long, _ = captured_messages(capture([Packet(0, LAB, DEVICE, b"a" * 5000)]))
    assert long[0].size == 5000
    assert long[0].text == "a" * SHOWN + " …"
    many = [Packet(n, *((LAB, DEVICE) if n % 2 else (DEVICE, LAB)), b"x") for n in range(MESSAGES + 1)]
    messages, whole = captured_messages(capture(many))
    assert (len(messages), whole) == (MESSAGES, False)


def test_only_the_beginning_of_a_huge_capture_is_read() -> None:
    messages, whole = captured_messages(capture([ASK]) + block(0xBAD, bytes(READ)) + capture([TELL]))
    assert (len(messages), whole) == (1, False)


def test_binary_frame_around_text_shows_the_text() -> None:
    messages, _ = captured_messages(
        capture([Packet(0, LAB, DEVICE, b"\x00\x01\xff<Req>\xe7\x9c\x8b\xe5\xba\x97</Req>")])
    )
    assert messages[0].text == "···<Req>看店</Req>"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no capture",
        block(0x0A0D0D0A, b"\x1a\x2b\x3c\x4d" + bytes(12)),
        capture([])[:-1],
        block(6, b""),
        block(6, b"\xff" * 20),
        block(6, bytes(20) + b"\xff" * 40),
        bytes(64),
    ],
)
def test_what_is_no_capture_has_no_messages(content: bytes) -> None:
    assert captured_messages(content)[0] == ()


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_never_raises_and_keeps_what_came_before(data: st.DataObject) -> None:
    whole = capture([ASK, TELL, ASK])
    start = len(capture([ASK]))
    at = data.draw(st.integers(start, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + data.draw(st.integers(0, 8)) :]
    assert captured_messages(damaged)[0][0].text.startswith("OPTIONS * RTSP/1.0\r\n")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_another_dissector_reads_the_same_out_of_our_samples(tmp_path: Path) -> None:
    (tmp_path / "x.pcapng").write_bytes(capture([ASK, TELL]))
    fields = ["-Tfields", "-eip.src", "-etcp.srcport", "-etcp.len", "-eframe.comment"]
    found = subprocess.run(
        ["tshark", "-r", str(tmp_path / "x.pcapng"), *fields], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.splitlines() == ["192.0.2.1\t40000\t20\tIF-REG-01 s1", "192.0.2.7\t554\t17\t"]
