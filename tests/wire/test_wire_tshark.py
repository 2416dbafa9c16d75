"""An independent dissector reads the evidence: RTSP, RTP, HTTP, the steps, and not one complaint about TCP."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from wire_recording import ForeignDevice, echo, record

from conformance.wire import Wire
from conformance.wire.http_adapter import http_exchange

FILE = Path("session") / "wire.pcapng"


@pytest.fixture
def tshark() -> str:
    found = shutil.which("tshark")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("tshark is missing: install the package tshark")
        pytest.skip("tshark is not installed")
    return found


def _run(tshark: str, path: Path, *options: str) -> list[str]:
    done = subprocess.run([tshark, "-n", "-r", str(path), *options], capture_output=True, text=True, check=True)
    complaints = [line for line in done.stderr.splitlines() if line and "Running as user" not in line]
    assert complaints == []
    return done.stdout.splitlines()


async def _camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Enough of an RTSP server for a dissector; sends RTP over UDP after PLAY, and a long description before."""
    sdp = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    sdp += b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=x-filler:" + b"y" * 50_000 + b"\r\n"
    sender, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    source = sender.get_extra_info("sockname")[1]
    target = ("127.0.0.1", 0)
    try:
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            method = request.split(" ", 1)[0]
            sequence = request.partition("CSeq: ")[2].split("\r\n", 1)[0]
            head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n"
            body = b""
            if method == "DESCRIBE":
                head += f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n"
                body = sdp
            elif method == "SETUP":
                ports = request.partition("client_port=")[2].split("\r\n", 1)[0]
                target = ("127.0.0.1", int(ports.split("-")[0]))
                ports += f";server_port={source}-{source + 1}"
                head += f"Session: 1\r\nTransport: RTP/AVP;unicast;client_port={ports}\r\n"
            writer.write(head.encode() + b"\r\n" + body)
            if method == "PLAY":
                for number in range(20):
                    header = struct.pack("!BBHII", 0x80, 96, 100 + number, 3600 * number, 0x4B414E44)
                    sender.sendto(header + b"\x41" + bytes(900), target)
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        return
    finally:
        sender.close()
        writer.close()


async def _play(wire: Wire, ports: list[int]) -> None:
    async with ForeignDevice(_camera) as camera:
        ports.append(camera.port)
        wire.step("IF-AHL-02 s1")
        rtp = await wire.datagram(label="rtp")
        ports.append(rtp.local[1])
        stream = await wire.connect("127.0.0.1", camera.port, label="player", within=5)
        url = "rtsp://127.0.0.1/live"
        transport = f"Transport: RTP/AVP;unicast;client_port={rtp.local[1]}-{rtp.local[1] + 1}\r\n"
        for number, (method, more) in enumerate([("DESCRIBE", ""), ("SETUP", transport), ("PLAY", "")]):
            if method == "PLAY":
                wire.step("IF-AHL-02 s2")
                wire.note("开始播放")
            stream.write(f"{method} {url} RTSP/1.0\r\nCSeq: {number + 1}\r\n{more}\r\n".encode())
            received = b""
            while b"\r\n\r\n" not in received or (method == "DESCRIBE" and not received.endswith(b"y\r\n")):
                received += (await stream.read(within=5)).data
        for _ in range(20):
            await rtp.receive(within=5)
        stream.close()


@pytest.fixture
def played(tmp_path: Path) -> tuple[Path, int, int]:
    ports: list[int] = []
    record(tmp_path, lambda wire: _play(wire, ports), application="Kandian 0.1")
    return tmp_path / FILE, ports[0], ports[1]


def test_rtsp_dissects(tshark: str, played: tuple[Path, int, int]) -> None:
    path, port, _ = played
    wanted = ("-Y", "rtsp", "-T", "fields", "-e", "rtsp.method", "-e", "rtsp.status")
    seen = [line.split("\t") for line in _run(tshark, path, "-d", f"tcp.port=={port},rtsp", *wanted)]
    assert [method for method, _ in seen if method] == ["DESCRIBE", "SETUP", "PLAY"]
    assert [status for _, status in seen if status] == ["200", "200", "200"]


def test_rtp_dissects_through_the_rtsp_session(tshark: str, played: tuple[Path, int, int]) -> None:
    path, port, _ = played
    wanted = ("-Y", "rtp", "-T", "fields", "-e", "rtp.seq", "-e", "rtp.ssrc")
    seen = [line.split("\t") for line in _run(tshark, path, "-d", f"tcp.port=={port},rtsp", *wanted)]
    assert seen == [[str(number), "0x4b414e44"] for number in range(100, 120)]


def test_comments_show_the_steps(tshark: str, played: tuple[Path, int, int]) -> None:
    path, _, rtp_port = played
    comments = _run(tshark, path, "-Y", "tcp.len > 0 or udp", "-T", "fields", "-e", "frame.comment")
    assert comments[0] == "IF-AHL-02 s1"
    assert comments[-1] == "IF-AHL-02 s2"
    assert any("开始播放" in comment for comment in comments)
    wanted = ("-Y", f"udp.port == {rtp_port}", "-T", "fields", "-e", "frame.comment", "-e", "frame.interface_name")
    assert set(_run(tshark, path, *wanted)) == {"IF-AHL-02 s2\trtp"}


def test_no_complaint_about_any_packet(tshark: str, played: tuple[Path, int, int]) -> None:
    path, port, _ = played
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
    flagged = "_ws.malformed or tcp.analysis.flags or tcp.checksum.status == 0 or udp.checksum.status == 0"
    flagged += " or ip.checksum.status == 0 or _ws.expert.severity >= 0x600000"
    assert _run(tshark, path, "-d", f"tcp.port=={port},rtsp", *checks, "-Y", flagged) == []
    assert len(_run(tshark, path, *checks, "-Y", "tcp.checksum.status == 1")) > 10


def test_direction_and_nanoseconds(tshark: str, played: tuple[Path, int, int]) -> None:
    path, port, _ = played
    wanted = ("-Y", f"tcp.port == {port}", "-T", "fields", "-e", "frame.packet_flags_direction", "-e", "tcp.dstport")
    wanted = (*wanted, "-e", "frame.time_epoch")
    for line in _run(tshark, path, *wanted):
        direction, target, moment = line.split("\t")
        assert (direction in ("2", "0x00000002")) == (target == str(port))
        assert len(moment.partition(".")[2]) == 9


def test_the_section_names_the_application(tshark: str, played: tuple[Path, int, int]) -> None:
    capinfos = shutil.which("capinfos")
    if capinfos is None:
        pytest.skip("capinfos is not installed")
    told = subprocess.run([capinfos, str(played[0])], capture_output=True, text=True, check=True).stdout
    assert "Kandian 0.1" in told


def test_http_exchanges_dissect(tshark: str, tmp_path: Path) -> None:
    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def main(wire: Wire) -> None:
        async with ForeignDevice(site) as device:
            wire.step("IF-REG-01 s1")
            await http_exchange(wire, "portal", "GET", f"http://127.0.0.1:{device.port}/redirect?id=1")

    record(tmp_path, main)
    wanted = ("-Y", "http", "-T", "fields", "-e", "http.request.uri", "-e", "http.response.code", "-e", "frame.comment")
    seen = _run(tshark, tmp_path / FILE, *wanted)
    assert [(line.split("\t")[1], line.split("\t")[2]) for line in seen] == [
        ("", "IF-REG-01 s1"),
        ("404", "IF-REG-01 s1"),
    ]
    assert seen[0].startswith("/redirect?id=1\t")
    assert _run(tshark, tmp_path / FILE, "-Y", "_ws.malformed or tcp.analysis.flags") == []


def test_a_connection_carried_over_is_clean_in_the_next_file(tshark: str, tmp_path: Path) -> None:
    async def main(wire: Wire) -> None:
        async with ForeignDevice(echo) as device:
            stream = await wire.connect("127.0.0.1", device.port, label="device", within=5)
            for name in ("a", "b"):
                wire.begin(tmp_path / name, name)
                for _ in range(3):
                    stream.write(bytes(100_000))
                    received = 0
                    while received < 100_000:
                        received += len((await stream.read(within=5)).data)
                wire.end()

    record(tmp_path, main)
    for name in ("a", "b", "session"):
        path = tmp_path / name / "wire.pcapng"
        assert _run(tshark, path, "-Y", "_ws.malformed or tcp.analysis.flags") == []
    assert len(_run(tshark, tmp_path / "b" / "wire.pcapng", "-Y", "tcp.len > 0")) > 12
