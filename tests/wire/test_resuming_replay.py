"""Many tests on one tape: one leaves the recording, the others are judged all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from wire_recording import ForeignDevice, echo, record

from conformance.wire import (
    Diverged,
    Exchange,
    Expired,
    Hop,
    Kind,
    NotOnTape,
    ReplayLoop,
    ResumingReplay,
    Stream,
    Tape,
    Wire,
    mend_files,
    read_tape,
    read_tape_file,
)

TESTS = ("one", "two", "three")


class Bench:
    """A listener that answers in capitals as long as the session lasts, and a connection to a device that echoes:
    ``kept`` for the whole session, or one for each test."""

    def __init__(self, wire: Wire, *, kept: bool = False) -> None:
        self.wire = wire
        self.kept = kept
        self.port = self.device_port = 0
        self.device: Stream | None = None

    async def open(self, device: int) -> None:
        listener = await self.wire.listen("127.0.0.1", 0, self.serve, label="bench")
        self.port = listener.port
        self.device_port = self.wire.fact("device", lambda: {"port": device})["port"]
        if self.kept:
            await self.connect()

    async def connect(self) -> None:
        self.device = await self.wire.connect("127.0.0.1", self.device_port, label="device", within=5)

    @staticmethod
    async def serve(stream: Stream) -> None:
        while data := (await stream.read()).data:
            stream.write(data.upper())

    async def ask(self, text: bytes) -> tuple[bytes, float]:
        assert self.device is not None
        self.device.write(text)
        chunk = await self.device.read(within=5)
        return chunk.data, chunk.at


async def one_test(bench: Bench, name: str) -> list[tuple[bytes, float]]:
    if not bench.kept:
        await bench.connect()
    found = [await bench.ask(b"%s %d" % (name.encode(), turn)) for turn in range(2)]
    await bench.wire.sleep(0.01)
    return found


Recorded = tuple[dict[str, list[tuple[bytes, float]]], Tape]


def record_session(folder: Path, *, kept: bool) -> Recorded:
    async def script(wire: Wire) -> dict[str, list[tuple[bytes, float]]]:
        async with ForeignDevice(echo) as device:
            bench, found = Bench(wire, kept=kept), {}
            await bench.open(device.port)
            for name in TESTS:
                wire.begin(folder / name, name)
                found[name] = await one_test(bench, name)
                wire.end()
            return found

    outcome, _ = record(folder, script)
    return outcome, read_tape(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record_session(tmp_path_factory.mktemp("tapes"), kept=False)


@contextmanager
def session(tape: Tape, *, kept: bool = False) -> Iterator[tuple[ResumingReplay, Bench]]:
    loop = ReplayLoop()
    wire = ResumingReplay(tape, loop)
    bench = Bench(wire, kept=kept)
    wire.carry_out(bench.open(0))
    yield wire, bench
    wire.carry_out(wire.close())
    loop.close()


def replayed(wire: ResumingReplay, bench: Bench, name: str) -> list[tuple[bytes, float]]:
    wire.begin(None, name)
    found = wire.carry_out(one_test(bench, name))
    wire.end()
    assert wire.undecided is None
    assert not wire.left_over
    return found


def test_all_tests_as_recorded(recorded: Recorded) -> None:
    outcome, tape = recorded
    with session(tape) as (wire, bench):
        assert {name: replayed(wire, bench, name) for name in TESTS} == outcome


async def other_bytes(bench: Bench) -> None:
    await bench.connect()
    await bench.ask(b"something else")


async def another_connection(bench: Bench) -> None:
    await bench.wire.connect("127.0.0.1", bench.port, label="more", within=5)


async def another_host(bench: Bench) -> None:
    bench.device_port += 1
    try:
        await bench.connect()
    finally:
        bench.device_port -= 1


async def longer_wait(bench: Bench) -> None:
    await one_test(bench, "two")
    await bench.wire.sleep(60)


async def another_fact(bench: Bench) -> None:
    bench.wire.fact("nobody asked", lambda: 1)


async def forgetful(bench: Bench) -> None:
    await bench.wire.sleep(60)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (other_bytes, Diverged),
        (another_connection, NotOnTape),
        (another_host, Diverged),
        (longer_wait, NotOnTape),
        (another_fact, NotOnTape),
        (forgetful, Diverged),
    ],
)
def test_one_leaves_the_recording_and_the_next_is_as_recorded(
    recorded: Recorded, script: Callable[..., object], kind: type[Exception]
) -> None:
    outcome, tape = recorded
    with session(tape) as (wire, bench):
        assert replayed(wire, bench, "one") == outcome["one"]
        wire.begin(None, "two")
        with pytest.raises(kind):
            wire.carry_out(script(bench))  # type: ignore[arg-type]
        wire.end()
        assert isinstance(wire.undecided, kind)
        assert replayed(wire, bench, "three") == outcome["three"]


def test_a_test_that_swallows_the_error_is_undecided_all_the_same(
    recorded: Recorded,
) -> None:
    _, tape = recorded

    async def swallow(bench: Bench) -> str:
        await bench.connect()
        try:
            await bench.ask(b"something else")
        except (asyncio.CancelledError, Diverged, Expired):
            return "all is well"
        return "answered"

    with session(tape) as (wire, bench):
        wire.begin(None, "one")
        assert wire.carry_out(swallow(bench)) == "all is well"
        wire.end()
        assert isinstance(wire.undecided, Diverged)


def test_a_test_that_does_less_has_something_left_over(
    recorded: Recorded,
) -> None:
    outcome, tape = recorded

    async def less(bench: Bench) -> bytes:
        await bench.connect()
        return (await bench.ask(b"one 0"))[0]

    with session(tape) as (wire, bench):
        wire.begin(None, "one")
        assert wire.carry_out(less(bench)) == b"one 0"
        wire.end()
        assert wire.undecided is None
        assert wire.left_over
        assert replayed(wire, bench, "two") == outcome["two"]


def test_bytes_that_an_earlier_test_did_not_read_decide_nothing(tmp_path: Path) -> None:
    outcome, tape = record_session(tmp_path, kept=True)

    with session(tape, kept=True) as (wire, bench):
        assert replayed(wire, bench, "one") == outcome["one"]
        wire.begin(None, "two")
        with pytest.raises(NotOnTape):
            wire.carry_out(another_fact(bench))
        wire.end()
        wire.begin(None, "three")
        with pytest.raises(NotOnTape):
            wire.carry_out(one_test(bench, "three"))


def test_tests_may_be_left_out(recorded: Recorded) -> None:
    outcome, tape = recorded
    with session(tape) as (wire, bench):
        assert replayed(wire, bench, "three") == outcome["three"]
        with pytest.raises(NotOnTape):
            wire.begin(None, "four")


def mended(folder: Path) -> tuple[Tape, list[tuple[str, bool]]]:
    """The tape of what is there, and its tests: (id, whether it is damaged)."""
    tape = mend_files([read_tape_file(path) for path in sorted(folder.rglob("wire.pcapng"))])
    begun = [event.meta for event in tape.events if event.kind is Kind.BEGIN]
    return tape, [(meta["test"], "damaged" in meta) for meta in begun]


def test_a_file_is_missing(tmp_path: Path) -> None:
    outcome, _ = record_session(tmp_path, kept=False)
    (tmp_path / "two" / "wire.pcapng").unlink()

    tape, tests = mended(tmp_path)

    assert tests == [("one", False), ("three", False)]
    assert not tape.complete
    with session(tape) as (wire, bench):
        assert [replayed(wire, bench, name) for name in ("one", "three")] == [outcome["one"], outcome["three"]]


@pytest.mark.parametrize("part", [0.4, 0.6, 0.8, 0.97])
def test_a_file_is_cut_off(tmp_path: Path, part: float) -> None:
    outcome, _ = record_session(tmp_path, kept=False)
    path = tmp_path / "two" / "wire.pcapng"
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * part)])

    tape, tests = mended(tmp_path)

    assert tests == [("one", False), ("two", True), ("three", False)]
    with session(tape) as (wire, bench):
        assert replayed(wire, bench, "one") == outcome["one"]
        wire.pass_over("two")
        assert replayed(wire, bench, "three") == outcome["three"]


def test_nothing_is_missing(tmp_path: Path) -> None:
    _, tape = record_session(tmp_path, kept=False)
    assert mended(tmp_path) == (tape, [(name, False) for name in TESTS])


def test_an_inbound_event_that_fits_nothing_is_told(
    recorded: Recorded,
) -> None:
    _, tape = recorded
    events = [replace(event, channel=99) if event.data == b"one 1" else event for event in tape.events]
    with session(replace(tape, events=tuple(events))) as (wire, bench):
        wire.begin(None, "one")
        with pytest.raises((Diverged, NotOnTape)):
            wire.carry_out(one_test(bench, "one"))


def test_bytes_of_an_unknown_peer_are_on_the_tape(tmp_path: Path) -> None:
    found = Exchange((Hop("lib:call", ("", 0), ("", 0), b"", b"what it said" * 9, 0.0, 0.0),))

    async def script(wire: Wire) -> tuple[bytes, ...]:
        wire.note("before")
        exchange = await wire.blocking("library", lambda: found)
        wire.note("after")
        return tuple(hop.response for hop in exchange.hops)

    outcome, tape = record(tmp_path, script)

    assert outcome == (b"what it said" * 9,)
    assert tape.complete
    kept = next(event for event in tape.events if event.kind is Kind.EXCHANGE)
    assert kept.data == b"what it said" * 9
    assert tape.events[-1].meta == {"text": "after"}
