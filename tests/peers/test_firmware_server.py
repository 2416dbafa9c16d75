"""The FTP server for images, tried with the FTP client of the standard library."""

from __future__ import annotations

import asyncio
import ftplib
from collections.abc import Callable
from typing import TypeVar

import pytest

from conformance.peers.firmware_server import FirmwareServer
from conformance.wire import LiveWire
from specs.model import Limit

T = TypeVar("T")
LIMITS = {"connect_wait": Limit(unit="s", max=1.0)}
IMAGE = bytes(range(256)) * 100


def with_server(
    prepare: Callable[[FirmwareServer], None], client: Callable[[ftplib.FTP], T]
) -> tuple[FirmwareServer, T]:
    """Serve on the loop, run the client in a thread; returns the server, stopped, and what the client returned."""

    async def run() -> tuple[FirmwareServer, T]:
        async with LiveWire(seed=1) as wire, FirmwareServer(wire, "127.0.0.1", LIMITS) as server:
            server.files["image.bin"] = IMAGE
            prepare(server)

            def work() -> T:
                with ftplib.FTP(timeout=5) as ftp:
                    ftp.connect(server.host, server.port)
                    ftp.login(server.account, server.password)
                    return client(ftp)

            found = await asyncio.to_thread(work)
            assert wire.take_failures() == ()
            return server, found

    return asyncio.run(run())


def fetch(ftp: ftplib.FTP, name: str = "image.bin", rest: int | None = None) -> bytes:
    data = bytearray()
    ftp.retrbinary(f"RETR {name}", data.extend, rest=rest)
    return bytes(data)


def nothing(server: FirmwareServer) -> None:
    """An honest server."""


@pytest.mark.parametrize("passive", [True, False])
def test_a_file_arrives_whole_in_passive_and_active_mode(passive: bool) -> None:
    def client(ftp: ftplib.FTP) -> tuple[int | None, bytes]:
        ftp.set_pasv(passive)
        ftp.voidcmd("TYPE I")
        return ftp.size("image.bin"), fetch(ftp)

    server, found = with_server(nothing, client)
    assert found == (25_600, IMAGE)
    (transfer,) = server.transfers
    assert (transfer.user, transfer.name, transfer.binary) == ("upgrade", "image.bin", True)
    assert (transfer.sent, transfer.complete) == (25_600, True)
    assert server.asked_for("image.bin")
    assert not server.asked_for("other.bin")
    assert all(server.password not in request.argument for request in server.requests)


def test_a_transfer_goes_on_where_it_was_broken_off() -> None:
    def prepare(server: FirmwareServer) -> None:
        server.bends.break_after["image.bin"] = 10_000

    def client(ftp: ftplib.FTP) -> bool:
        with pytest.raises((EOFError, OSError)):
            fetch(ftp)
        return True

    server, _ = with_server(prepare, client)
    assert [(t.sent, t.complete) for t in server.transfers] == [(10_000, False)]
    server, found = with_server(nothing, lambda ftp: fetch(ftp, rest=25_000))
    assert found == IMAGE[25_000:]
    assert (server.transfers[0].start, server.transfers[0].sent, server.transfers[0].complete) == (25_000, 600, True)


def test_a_size_that_is_told_is_also_sent() -> None:
    def prepare(server: FirmwareServer) -> None:
        server.bends.told["image.bin"] = 60_000

    _, found = with_server(prepare, lambda ftp: (ftp.voidcmd("TYPE I"), ftp.size("image.bin"), fetch(ftp)))
    assert found[1] == 60_000
    assert found[2] == IMAGE + bytes(60_000 - len(IMAGE))


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        (lambda ftp: ftp.size("other.bin"), "550"),
        (lambda ftp: fetch(ftp, "other.bin"), "550"),
        (lambda ftp: ftp.login("upgrade", "wrong"), "530"),
        (lambda ftp: ftp.sendcmd("RETR image.bin"), "425"),
        (lambda ftp: ftp.sendcmd("DELE image.bin"), "502"),
    ],
    ids=["size", "missing", "password", "no-data", "unknown"],
)
def test_refusals_are_coded(step: Callable[[ftplib.FTP], object], reply: str) -> None:
    def client(ftp: ftplib.FTP) -> str:
        with pytest.raises(ftplib.Error) as refusal:
            step(ftp)
        return str(refusal.value)[:3]

    assert with_server(nothing, client)[1] == reply


def test_nothing_is_given_out_after_a_refused_login() -> None:
    def client(ftp: ftplib.FTP) -> str:
        for account in (("upgrade", "wrong"), ("somebody", "wrong")):
            with pytest.raises(ftplib.error_perm):
                ftp.login(*account)
        with pytest.raises(ftplib.error_perm) as refusal:
            ftp.sendcmd("SIZE image.bin")
        return str(refusal.value)[:3]

    server, found = with_server(nothing, client)
    assert found == "530"
    assert not server.asked_for("image.bin")


def test_a_paced_transfer_comes_in_small_pieces() -> None:
    pieces: list[int] = []

    def prepare(server: FirmwareServer) -> None:
        server.bends.pace = 100_000.0

    def client(ftp: ftplib.FTP) -> None:
        ftp.retrbinary("RETR image.bin", lambda block: pieces.append(len(block)))

    with_server(prepare, client)
    assert sum(pieces) == 25_600
    assert max(pieces) <= 10_000


def test_a_line_without_end_closes_the_connection() -> None:
    def client(ftp: ftplib.FTP) -> bool:
        assert ftp.sock is not None
        ftp.sock.sendall(b"x" * 5000)
        with pytest.raises((EOFError, OSError)):
            ftp.getresp()
        return True

    assert with_server(nothing, client)[1]
