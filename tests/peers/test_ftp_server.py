"""The FTP server of the bench, tried with the FTP client of the standard library."""

from __future__ import annotations

import asyncio
import ftplib
import hashlib
import io
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.peers.ftp_server import FtpServer
from conformance.wire import LiveWire, Recorder, Refused, Wire, read_tape, replay

PICTURE = bytes(range(256)) * 8
IMAGE = bytes(range(256)) * 2000


def with_server(prepare: Callable[[FtpServer], None], client: Callable[[FtpServer], None]) -> FtpServer:
    """Serve, run the client in a thread, return the stopped server with everything noted."""

    async def run() -> FtpServer:
        async with LiveWire(seed=1) as wire:
            server = FtpServer(wire, password="secret-1")
            await server.start()
            server.publish("fw/image.bin", IMAGE)
            prepare(server)
            await asyncio.to_thread(client, server)
            await server.collect()
            await server.stop()
            return server

    return asyncio.run(run())


def logged_in(server: FtpServer) -> ftplib.FTP:
    """A client that has logged in."""
    ftp = ftplib.FTP(timeout=5)
    ftp.connect(server.host, server.port)
    ftp.login(server.user, server.password)
    return ftp


def test_upload_is_noted_whole() -> None:
    def client(server: FtpServer) -> None:
        with logged_in(server) as ftp:
            ftp.mkd("KDN00000001")
            ftp.cwd("KDN00000001")
            ftp.storbinary("STOR a.jpg", io.BytesIO(PICTURE))

    server = with_server(lambda server: None, client)
    assert [(u.path, u.data, u.session) for u in server.uploads] == [("KDN00000001/a.jpg", PICTURE, 1)]
    assert server.uploads[0].digest == hashlib.sha256(PICTURE).hexdigest()
    assert server.partial == []
    verbs = [c.verb for c in server.commands]
    assert verbs[:4] == ["USER", "PASS", "MKD", "CWD"]
    assert verbs[-2:] == ["STOR", "QUIT"]
    assert [c.argument for c in server.commands if c.verb == "PASS"] == ["****"]
    assert all(0 <= c.at <= server.commands[-1].at for c in server.commands)


def test_download_whole_and_in_active_mode() -> None:
    got: list[bytes] = []

    def client(server: FtpServer) -> None:
        for passive in (True, False):
            with logged_in(server) as ftp:
                ftp.set_pasv(passive)
                ftp.voidcmd("TYPE I")
                assert ftp.size("fw/image.bin") == len(IMAGE)
                ftp.retrbinary("RETR fw/image.bin", got.append)

    server = with_server(lambda server: None, client)
    assert b"".join(got) == IMAGE * 2
    seen = [(d.path, d.sent_bytes, d.complete, d.session) for d in server.downloads]
    assert seen == [("fw/image.bin", len(IMAGE), True, 1), ("fw/image.bin", len(IMAGE), True, 2)]


def test_download_is_cut_once() -> None:
    got: list[bytes] = []

    def client(server: FtpServer) -> None:
        ftp = logged_in(server)
        with pytest.raises((OSError, EOFError)):
            ftp.retrbinary("RETR fw/image.bin", got.append)
        ftp.close()
        with logged_in(server) as again:
            again.retrbinary("RETR fw/image.bin", lambda data: None)

    server = with_server(lambda server: server.cut_after("fw/image.bin", 100_000), client)
    assert len(b"".join(got)) <= 100_000
    assert [(d.sent_bytes, d.complete) for d in server.downloads] == [(100_000, False), (len(IMAGE), True)]


def test_refused_login_and_wrong_password() -> None:
    def client(server: FtpServer) -> None:
        with pytest.raises(ftplib.error_perm, match="530"):
            logged_in(server)
        server.reset()
        server.password = "not-the-one"
        with pytest.raises(ftplib.error_perm, match="530"):
            logged_in(server)
        server.password = "secret-1"
        logged_in(server).close()

    with_server(lambda server: setattr(server, "refuse_login", True), client)


def test_missing_file_and_silence() -> None:
    def client(server: FtpServer) -> None:
        with logged_in(server) as ftp, pytest.raises(ftplib.error_perm, match="550"):
            ftp.retrbinary("RETR fw/image.bin", lambda data: None)
        server.silent = True
        quiet = ftplib.FTP(timeout=0.3)
        with pytest.raises(TimeoutError):
            quiet.connect(server.host, server.port)

    server = with_server(lambda server: server.missing.add("fw/image.bin"), client)
    assert server.downloads == []
    server.reset()
    assert (server.silent, server.missing) == (False, set())


def test_throttled_download_comes_in_small_pieces() -> None:
    got: list[bytes] = []

    def client(server: FtpServer) -> None:
        with logged_in(server) as ftp, ftp.transfercmd("RETR fw/image.bin") as data:
            got.append(data.recv(1 << 20))

    server = with_server(lambda server: server.throttle(20_000), client)
    assert 0 < len(got[0]) <= 20_000
    assert [d.complete for d in server.downloads] in ([], [False])


def test_upload_that_is_reset_is_partial() -> None:
    def client(server: FtpServer) -> None:
        with logged_in(server) as ftp:
            data = ftp.transfercmd("STOR half.jpg")
            data.sendall(IMAGE * 40)
            data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            data.close()
            with pytest.raises(ftplib.Error):
                ftp.voidresp()

    server = with_server(lambda server: None, client)
    assert server.uploads == []
    assert [u.path for u in server.partial] == ["half.jpg"]


def test_port_that_is_taken() -> None:
    async def run() -> None:
        async with LiveWire(seed=1) as wire:
            one = FtpServer(wire)
            await one.start()
            with pytest.raises(Refused):
                await FtpServer(wire).start(port=one.port)
            port = one.port
            await one.stop()
            await one.start()
            assert (one.port, one.running) == (port, True)
            await one.stop()

    asyncio.run(run())


def test_recorded_session_replays(tmp_path: Path) -> None:
    """What a test sees of an upload comes from the tape, with the same bytes and times."""

    async def session(wire: Wire, upload: bool) -> tuple[int, list[tuple[str, bytes, float]]]:
        server = FtpServer(wire, password="secret-1")
        await server.start()
        if upload:
            with await asyncio.to_thread(logged_in, server) as ftp:
                await asyncio.to_thread(ftp.storbinary, "STOR a.jpg", io.BytesIO(PICTURE))
        assert await server.wait_for(lambda found: found.uploads, within=5.0)
        await server.stop()
        return server.port, [(u.path, u.data, u.at) for u in server.uploads]

    async def live() -> tuple[int, list[tuple[str, bytes, float]]]:
        async with LiveWire(seed=1, recorder=Recorder(tmp_path)) as wire:
            return await session(wire, upload=True)

    recorded = asyncio.run(live())
    tape = read_tape(tmp_path)
    assert recorded[1][0][:2] == ("a.jpg", PICTURE)
    assert replay(tape, lambda wire: session(wire, upload=False)) == recorded
