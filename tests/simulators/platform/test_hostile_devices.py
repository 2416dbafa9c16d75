from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from platform_bench import DEVICE, KEY, play
from test_devices_at_the_platform import LOGIN, TABLE, RawDevice, register

from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.protocols.tykd_message import decode_message
from simulators.platform.platform import Platform

BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"x" * 100 + b'">]><LOGIN_REQ>&b;</LOGIN_REQ>'
DEEP = b'<?xml version="1.0" encoding="utf-8"?>' + b"<a>" * 4000 + b"</a>" * 4000


async def still_serves(platform: Platform) -> None:
    device = await RawDevice.at(platform.primary.address)
    answer = await device.ask("LOGIN", LOGIN)
    assert answer is not None
    assert answer.result == 0
    assert (await register(platform, "REGISTER")).result == 0
    device.writer.close()


async def closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        return await reader.read(1) == b""


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\xfa\xf6" + bytes(30), bytes(100), b"\xff" * 5000])
def test_bytes_that_are_no_frame_end_that_connection_only(tmp_path: Path, data: bytes) -> None:
    async def scenario(platform: Platform) -> None:
        reader, writer = await asyncio.open_connection(*platform.primary.address)
        writer.write(data)
        assert await closed(reader)
        await still_serves(platform)

    play(scenario, tmp_path)


@pytest.mark.parametrize("xml", [b"", b"<", BOMB, DEEP, b"\xff\xfe\x00", b"<LOGIN_RES></LOGIN_RES>", b"<X/>"])
def test_a_login_that_cannot_be_read_is_refused_with_255(tmp_path: Path, xml: bytes) -> None:
    async def scenario(platform: Platform) -> None:
        reader, writer = await asyncio.open_connection(*platform.primary.address)
        writer.write(encode_frame(Frame(0x31, 7, xml)))
        device = RawDevice(reader, writer)
        found = await device.next()
        assert found is not None
        assert (found[0].command, found[0].sequence, found[1].result) == (0x31, 7, 255)
        await still_serves(platform)

    play(scenario, tmp_path)


def test_unknown_codes_and_unasked_answers_are_dropped(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        device = await RawDevice.at(platform.primary.address)
        await device.ask("LOGIN", LOGIN)
        xml = b'<?xml version="1.0" encoding="utf-8"?><REBOOT_RES><Result>0</Result><DevID>x</DevID></REBOOT_RES>'
        for frame in (Frame(0x6C, 4, xml), Frame(0xEE, 5, xml), Frame(0x6A, 6, b"")):
            device.writer.write(encode_frame(frame))
        answer = await device.ask("LOGIN", LOGIN)
        assert answer is not None
        assert answer.result == 0

    play(scenario, tmp_path)


def test_frames_in_single_bytes_and_many_in_one_piece_are_the_same(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        device = await RawDevice.at(platform.primary.address)
        await device.ask("LOGIN", LOGIN)
        beat = b'<?xml version="1.0" encoding="utf-8"?><HEARTBEAT_REQ><DevID>%s</DevID><CurVideoNum>0</CurVideoNum>'
        beat += b"<UpnpIP></UpnpIP><RtspUpnpPort>0</RtspUpnpPort><LocalIP>127.0.0.1</LocalIP><RtspLocalPort>1554"
        beat += b"</RtspLocalPort><TurnRelayIP></TurnRelayIP><RtspTurnRelayPort>0</RtspTurnRelayPort></HEARTBEAT_REQ>"
        frames = b"".join(encode_frame(Frame(0x33, n, beat % DEVICE.encode())) for n in (65535, 0, 1))
        for at in range(len(frames)):
            device.writer.write(frames[at : at + 1])
        sequences = []
        while len(sequences) < 3:
            data = await asyncio.wait_for(device.reader.read(65536), 5)
            for received in device._parser.feed(data):
                message = decode_message(TABLE, 0x33, "platform-to-device", received.frame.xml)
                assert not message.faults
                assert len(message["Time"]) == 14
                sequences.append(received.frame.sequence)
        assert sequences == [65535, 0, 1]

    play(scenario, tmp_path)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n<a>", b"400"),
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
)
def test_http_that_is_no_step_is_answered_with_its_status(tmp_path: Path, request_bytes: bytes, status: bytes) -> None:
    async def scenario(platform: Platform) -> None:
        reader, writer = await asyncio.open_connection(*platform.group.address)
        writer.write(request_bytes)
        async with asyncio.timeout(5):
            assert (await reader.read()).split()[1] == status
        assert KEY not in str(platform.audit.entries())
        await still_serves(platform)

    play(scenario, tmp_path)
