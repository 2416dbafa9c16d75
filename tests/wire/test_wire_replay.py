"""What was recorded runs again without sockets: same bytes, same times, same outcome, no waiting."""

from __future__ import annotations

import asyncio
import dataclasses
import selectors
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest
import trustme
from wire_recording import ForeignDevice, echo, record

from conformance.wire import (
    Diverged,
    Expired,
    Kind,
    NotOnTape,
    Refused,
    Reset,
    Stream,
    Tape,
    Wire,
    read_tape,
    replay,
)
from conformance.wire.tape import NS, Event

Log = list[tuple[object, ...]]


async def _scripted(wire: Wire, port: int) -> Log:
    """A bit of everything; every observation with its time goes to one log, in the order it was made."""
    log: Log = []

    async def serve(stream: Stream) -> None:
        try:
            while data := (await stream.read()).data:
                log.append(("served", stream.peer, data, wire.now(), wire.random.random()))
                stream.write(data.upper())
        except Reset as reset:
            log.append(("reset", reset.last_bytes, wire.now()))
        stream.close()

    async def chatter(number: int, listening: int) -> None:
        stream = await wire.connect("127.0.0.1", listening, label=f"client {number}", within=5)
        for turn in range(3):
            stream.write(b"%d turn %d" % (number, turn))
            chunk = await stream.read(within=5)
            log.append(("answer", chunk, wire.now(), wire.random.random()))
            await wire.sleep(0.002 * number)
        if number == 2:
            stream.abort()
        else:
            stream.close()

    listener = await wire.listen("127.0.0.1", 0, serve, label="access")
    wire.step("IF-TST-01 s1")
    tasks = [wire.spawn(chatter(number, listener.port), f"chatter {number}") for number in range(3)]
    for task in tasks:
        await task
    here, there = await wire.datagram(label="rtp"), await wire.datagram(label="rtcp")
    here.on_packet = lambda packet: log.append(("packet", packet, wire.now()))
    for number in range(5):
        there.send(b"packet %d" % number, here.local)
    await wire.sleep(0.02)
    device = await wire.connect("127.0.0.1", port, label="device", within=5)
    device.write(b"anyone?")
    log.append(("device", await device.read(within=5), wire.now()))
    for wait in (0.01, 0.02):
        try:
            await device.read(within=wait)
        except Expired as expired:
            log.append(("expired", str(expired), wire.now(), wire.epoch()))
    log.append(("computed", await wire.compute("decode", lambda: 42), wire.now()))
    device.write(b"x" * 3_000_000)
    await device.drain()
    received = 0
    while received < 3_000_000:
        received += len((await device.read(within=5)).data)
    log.append(("all", received, wire.now()))
    try:
        await wire.connect("127.0.0.1", 1, label="nobody", within=5)
    except Refused as refused:
        log.append(("refused", refused.reason, wire.now()))
    device.close()
    return log


def _record_scripted(directory: Path) -> tuple[Log, Tape, int]:
    port = 0

    async def main(wire: Wire) -> Log:
        nonlocal port
        async with ForeignDevice(echo) as device:
            port = device.port
            return await _scripted(wire, device.port)

    log, tape = record(directory, main)
    return log, tape, port


def test_replay_sees_the_same_bytes_times_and_order(tmp_path: Path) -> None:
    recorded, tape, port = _record_scripted(tmp_path)
    assert tape.complete
    assert {entry[0] for entry in recorded} >= {"served", "answer", "packet", "expired", "refused", "all", "reset"}
    assert replay(tape, lambda wire: _scripted(wire, port)) == recorded


def test_replay_leaves_nothing_behind(tmp_path: Path) -> None:
    _, tape, port = _record_scripted(tmp_path)
    rests: list[tuple[int, int]] = []

    async def main(wire: Wire) -> None:
        await _scripted(wire, port)
        rests.append(wire.remaining())  # type: ignore[attr-defined]

    replay(tape, main)
    assert rests == [(0, 0)]


async def _patient(wire: Wire, port: int) -> list[tuple[bytes, float]]:
    stream = await wire.connect("127.0.0.1", port, label="device", within=5)
    seen = []
    for _ in range(3):
        stream.write(b"heartbeat")
        chunk = await stream.read(within=60)
        seen.append((chunk.data, chunk.at))
        await wire.sleep(45)
    return seen


def _patient_tape() -> Tape:
    """Three heartbeats, each answered after 10 s, 45 s of rest between them: 165 s in all."""
    label = {"label": "device", "call": 1}
    names = {"local": ["127.0.0.1", 40_000], "peer": ["127.0.0.1", 554]}
    events = [
        Event(1, Kind.DIAL, 0, 0, 1, b"", {**label, "host": "127.0.0.1", "port": 554, "tls": False}),
        Event(2, Kind.CONNECT, 0, 0, 1, b"", {**label, **names}),
    ]
    now = 0
    for turn in range(3):
        events.append(Event(len(events) + 1, Kind.OUT, now, now, 1, b"heartbeat"))
        now += 10 * NS
        events.append(Event(len(events) + 1, Kind.IN, now, now, 1, b"alive %d" % turn))
        now += 45 * NS
        events.append(Event(len(events) + 1, Kind.TIMER, now, now, 0, b"", {"what": "sleep", "seconds": 45}))
    return Tape(tuple(events), epoch=1_371_000_000 * NS, end=now)


def _silence() -> Tape:
    """165 s in which nothing happened."""
    return dataclasses.replace(_patient_tape(), events=())


def test_long_waits_collapse(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    select = selectors.DefaultSelector.select

    def spied(self: selectors.DefaultSelector, timeout: float | None = None) -> object:
        waits.append(timeout)
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", spied)
    seen = replay(_patient_tape(), lambda wire: _patient(wire, 554))
    assert seen == [(b"alive 0", 10.0), (b"alive 1", 65.0), (b"alive 2", 120.0)]
    assert set(waits) == {0}


def test_epoch_is_that_of_the_recording() -> None:
    async def main(wire: Wire) -> float:
        await wire.sleep(30)
        return wire.epoch()

    assert replay(_silence(), main) == 1_371_000_030.0


def test_a_shorter_limit_is_judged_on_the_old_recording() -> None:
    async def main(wire: Wire) -> float:
        stream = await wire.connect("127.0.0.1", 554, label="device", within=5)
        stream.write(b"heartbeat")
        with pytest.raises(Expired):
            await stream.read(within=9.5)
        return wire.now()

    assert replay(_patient_tape(), main) == 9.5


def test_waiting_beyond_the_recording_needs_the_device() -> None:
    async def main(wire: Wire) -> None:
        await wire.sleep(166)

    with pytest.raises(NotOnTape, match="after"):
        replay(_silence(), main)


@pytest.mark.parametrize(
    "ask",
    [
        lambda wire: wire.connect("127.0.0.1", 554, label="stranger", within=5),
        lambda wire: wire.listen("127.0.0.1", 0, None, label="stranger"),
        lambda wire: wire.datagram(label="stranger"),
        lambda wire: wire.blocking("stranger", None),
    ],
)
def test_asking_for_what_was_not_recorded(ask: object) -> None:
    with pytest.raises(NotOnTape, match="stranger"):
        replay(_patient_tape(), ask)  # type: ignore[arg-type]


def test_other_bytes_are_a_divergence_with_offset_and_both_strings() -> None:
    async def main(wire: Wire) -> None:
        stream = await wire.connect("127.0.0.1", 554, label="device", within=5)
        stream.write(b"heart")
        stream.write(b"bEat")

    with pytest.raises(Diverged) as diverged:
        replay(_patient_tape(), main)
    assert (diverged.value.offset, diverged.value.recorded, diverged.value.produced) == (6, b"beat", b"bEat")


@pytest.mark.parametrize("patience", [None, 5, 10, 60])
def test_unsent_bytes_are_a_divergence_never_a_silent_device(patience: float | None) -> None:
    async def main(wire: Wire) -> None:
        stream = await wire.connect("127.0.0.1", 554, label="device", within=5)
        stream.write(b"heart")
        await stream.read(within=patience)

    with pytest.raises(Diverged) as diverged:
        replay(_patient_tape(), main)
    assert (diverged.value.offset, diverged.value.recorded) == (5, b"beat")


def test_other_target_is_a_divergence() -> None:
    async def main(wire: Wire) -> None:
        await wire.connect("127.0.0.1", 8554, label="device", within=5)

    with pytest.raises(Diverged, match="8554"):
        replay(_patient_tape(), main)


def test_more_bytes_than_recorded_are_not_on_tape() -> None:
    async def main(wire: Wire) -> None:
        stream = await wire.connect("127.0.0.1", 554, label="device", within=5)
        stream.write(b"heartbeat" * 4)

    with pytest.raises(NotOnTape, match="from 27 on"):
        replay(_patient_tape(), main)


def test_who_waits_for_nobody_is_told_as_well() -> None:
    async def main(wire: Wire) -> None:
        await asyncio.Event().wait()

    with pytest.raises(NotOnTape):
        replay(_silence(), main)


def test_masked_bytes_are_not_compared() -> None:
    tape = _patient_tape()
    events = tuple(
        dataclasses.replace(event, data=b"h****beat", meta={"masked": [[1, 4]]}) if event.kind is Kind.OUT else event
        for event in tape.events
    )
    masked = dataclasses.replace(tape, events=events)
    assert len(replay(masked, lambda wire: _patient(wire, 554))) == 3


def test_every_truncation_gives_a_clean_end(tmp_path: Path) -> None:
    async def main(wire: Wire) -> list[bytes]:
        async with ForeignDevice(echo) as device:
            port.append(device.port)
            return await _chat(wire, device.port)

    port: list[int] = []
    outcome, _ = record(tmp_path, main)
    path = tmp_path / "session" / "wire.pcapng"
    whole = path.read_bytes()
    assert replay(read_tape(path), lambda wire: _chat(wire, port[0])) == outcome
    ended = 0
    for length in range(600, len(whole), 52):
        path.write_bytes(whole[:length])
        try:
            assert replay(read_tape(path), lambda wire: _chat(wire, port[0])) == outcome
        except NotOnTape:
            ended += 1
    assert ended > 20


async def _chat(wire: Wire, port: int) -> list[bytes]:
    stream = await wire.connect("127.0.0.1", port, label="device", within=5)
    heard = []
    for turn in range(10):
        stream.write(b"turn %d" % turn)
        heard.append((await stream.read(within=5)).data)
        await wire.sleep(0.001)
    return heard


def test_tests_of_a_session_replay_in_order(tmp_path: Path) -> None:
    async def session(wire: Wire, port: int) -> list[object]:
        seen: list[object] = []
        stream = await wire.connect("127.0.0.1", port, label="device", within=5)
        for name in ("first", "second"):
            wire.begin(tmp_path / name, name)
            stream.write(b"%s %d" % (name.encode(), wire.random.randrange(1000)))
            seen.append((await stream.read(within=5), wire.now()))
            await wire.sleep(0.01)
            wire.end()
            stream.write(b"between")
            seen.append(await stream.read(within=5))
        return seen

    ports: list[int] = []

    async def main(wire: Wire) -> list[object]:
        async with ForeignDevice(echo) as device:
            ports.append(device.port)
            return await session(wire, device.port)

    outcome, tape = record(tmp_path, main)
    assert sorted(path.parent.name for path in tmp_path.rglob("wire.pcapng")) == ["first", "second", "session"]
    assert replay(tape, lambda wire: session(wire, ports[0])) == outcome


def test_blocked_loop_does_not_expire_a_fresh_wait(tmp_path: Path) -> None:
    async def script(wire: Wire, port: int) -> list[object]:
        stream = await wire.connect("127.0.0.1", port, label="device", within=5)
        stream.write(b"one")
        first = await stream.read(within=5)
        if not hasattr(wire, "virtual"):
            deadline = time.monotonic() + 0.3
            while time.monotonic() < deadline:
                pass
        await wire.sleep(0.05)
        return [first, wire.now() - first.at > 0.3, wire.now()]

    ports: list[int] = []

    async def main(wire: Wire) -> list[object]:
        async with ForeignDevice(echo) as device:
            ports.append(device.port)
            return await script(wire, device.port)

    outcome, tape = record(tmp_path, main)
    assert outcome[1] is True
    assert [event.kind for event in tape.events].count(Kind.TICK) >= 1
    assert replay(tape, lambda wire: script(wire, ports[0])) == outcome


def test_tls_replays_without_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)

    async def script(wire: Wire) -> tuple[bytes, object]:
        async def serve(stream: Stream) -> None:
            stream.write(b"welcome " + (await stream.read()).data)

        listener = await wire.listen("127.0.0.1", 0, serve, label="access", tls=server)
        stream = await wire.connect("127.0.0.1", listener.port, label="device", tls=client, within=5)
        stream.write(b"camera")
        return (await stream.read(within=5)).data, stream.tls

    outcome, tape = record(tmp_path, script)
    assert outcome[0] == b"welcome camera"
    assert replay(tape, script) == outcome


def test_reset_by_the_device_replays(tmp_path: Path) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
        writer.transport.abort()

    async def script(wire: Wire, port: int) -> tuple[str, float]:
        stream = await wire.connect("127.0.0.1", port, label="device", within=5)
        stream.write(b"hello")
        with pytest.raises(Reset) as reset:
            await stream.read(within=5)
        return str(reset.value), wire.now()

    ports: list[int] = []

    async def main(wire: Wire) -> tuple[str, float]:
        async with ForeignDevice(drop) as device:
            ports.append(device.port)
            return await script(wire, device.port)

    outcome, tape = record(tmp_path, main)
    assert replay(tape, lambda wire: script(wire, ports[0])) == outcome
