"""Evidence files: written as it goes, split by test, masked, and readable after anything."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from wire_recording import ForeignDevice, echo, record

from conformance.wire import EvidenceError, Kind, LiveWire, Misuse, Recorder, TapeError, Wire, read_tape, read_tape_file
from conformance.wire.packet_synthesis import payload_of
from conformance.wire.tape_reader import packets_of


async def _ask(wire: Wire, port: int, *questions: bytes) -> list[bytes]:
    stream = await wire.connect("127.0.0.1", port, label="device", within=5)
    answers = []
    for question in questions:
        stream.write(question)
        answer = b""
        while len(answer) < len(question):
            answer += (await stream.read(within=5)).data
        answers.append(answer)
    stream.close()
    return answers


async def _with_device(wire: Wire, *questions: bytes) -> list[bytes]:
    async with ForeignDevice(echo) as device:
        return await _ask(wire, device.port, *questions)


def test_tape_holds_every_byte_in_order(tmp_path: Path) -> None:
    big = bytes(range(256)) * 1000
    _, tape = record(tmp_path, lambda wire: _with_device(wire, b"one", big))
    assert [event.n for event in tape.events] == list(range(1, len(tape.events) + 1))
    assert b"".join(event.data for event in tape.events if event.kind is Kind.OUT) == b"one" + big
    assert b"".join(event.data for event in tape.events if event.kind is Kind.IN) == b"one" + big
    kinds = [event.kind for event in tape.events if event.channel == 1]
    assert (kinds[0], kinds[1], kinds[-1]) == (Kind.DIAL, Kind.CONNECT, Kind.CLOSE)
    assert tape.complete


def test_packets_carry_the_payload_the_direction_and_the_step(tmp_path: Path) -> None:
    async def main(wire: Wire) -> None:
        wire.step("IF-AHL-02 s2")
        wire.note("令牌被拒绝")
        await _with_device(wire, b"question")

    record(tmp_path, main)
    packets = list(packets_of(tmp_path / "session" / "wire.pcapng"))
    assert [payload_of(frame) for _, outbound, frame, _ in packets if outbound and payload_of(frame)] == [b"question"]
    assert [payload_of(frame) for _, outbound, frame, _ in packets if not outbound and payload_of(frame)] == [
        b"question"
    ]
    assert all(comments[0] == "IF-AHL-02 s2" for _, _, _, comments in packets)
    assert packets[0][3] == ("IF-AHL-02 s2", "令牌被拒绝")


def test_each_test_has_its_file_and_connections_go_on(tmp_path: Path) -> None:
    async def main(wire: Wire) -> None:
        async with ForeignDevice(echo) as device:
            stream = await wire.connect("127.0.0.1", device.port, label="device", within=5)
            for name in ("a", "b"):
                wire.begin(tmp_path / name, f"test {name}")
                stream.write(name.encode())
                await stream.read(within=5)
                wire.end()

    record(tmp_path, main)
    for name in ("a", "b"):
        file = read_tape_file(tmp_path / name / "wire.pcapng")
        assert file.test_id == f"test {name}"
        assert [event.kind for event in file.events] == [Kind.BEGIN, Kind.OUT, Kind.IN, Kind.END]
        assert file.events[1].data == name.encode()
    assert read_tape(tmp_path).complete


def test_evidence_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "wire.pcapng").write_bytes(b"older evidence")

    async def main() -> None:
        async with LiveWire(Recorder(tmp_path)) as wire:
            with pytest.raises(EvidenceError, match="exists"):
                wire.begin(tmp_path, "a")

    asyncio.run(main())
    assert (tmp_path / "wire.pcapng").read_bytes() == b"older evidence"


def test_masked_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    secret = b"Pa55-word!"

    async def main(wire: Wire) -> list[bytes]:
        wire.note("the key is Pa55-word!")
        return await _with_device(wire, b"key=" + secret + b";", b"split Pa55-", b"word! here")

    answers, tape = record(tmp_path, main, redact=lambda data: data.replace(secret, b"*" * len(secret)))
    assert answers[0] == b"key=Pa55-word!;"
    assert secret not in (tmp_path / "session" / "wire.pcapng").read_bytes()
    outbound = [event for event in tape.events if event.kind is Kind.OUT]
    assert outbound[0].data == b"key=**********;"
    assert list(outbound[0].meta["masked"]) == [[4, 10]]
    assert [event.data for event in outbound[1:]] == [b"split Pa55-", b"***** here"]
    assert next(event.meta["text"] for event in tape.events if event.kind is Kind.NOTE) == "the key is **********"


def test_a_mask_of_other_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="as many bytes"):
        record(tmp_path, lambda wire: _with_device(wire, b"x"), redact=lambda data: data + b"!")


CHILD = """
    import asyncio, pathlib, sys
    sys.path.insert(0, {here!r})
    from wire_recording import ForeignDevice, echo
    from conformance.wire import LiveWire, Recorder

    async def main():
        async with ForeignDevice(echo) as device, LiveWire(Recorder(pathlib.Path({root!r}))) as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="device", within=5)
            for number in range({count}):
                stream.write(b"%06d" % number * 3000)
                received = 0
                while received < 18000:
                    received += len((await stream.read(within=5)).data)
                print(number, flush=True)
    {limit}
    asyncio.run(main())
"""


def _child(root: Path, count: int, limit: str = "") -> subprocess.Popen[str]:
    source = textwrap.dedent(CHILD.format(here=str(Path(__file__).parent), root=str(root), count=count, limit=limit))
    return subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_run_leaves_every_finished_exchange(tmp_path: Path) -> None:
    with _child(tmp_path, 100_000) as child:
        assert child.stdout is not None
        told = -1
        while told < 25:
            told = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        told = max([told, *(int(line) for line in child.stdout.read().split() if len(line) < 7)])
    tape = read_tape(tmp_path)
    returned = b"".join(event.data for event in tape.events if event.kind is Kind.IN)
    assert [event.n for event in tape.events] == list(range(1, len(tape.events) + 1))
    for number in range(told):
        assert returned[number * 18_000 : (number + 1) * 18_000] == b"%06d" % number * 3000


def test_full_disk_is_told_and_earlier_evidence_stays(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    with _child(tmp_path, 100_000, limit) as child:
        output, errors = child.communicate()
    assert child.returncode != 0
    assert "EvidenceError: evidence cannot be written to" in errors
    assert "File too large" in errors
    tape = read_tape(tmp_path)
    finished = len(output.split())
    assert finished >= 3
    assert tape.complete
    returned = b"".join(event.data for event in tape.events if event.kind is Kind.IN)
    assert returned.startswith(b"".join(b"%06d" % number * 3000 for number in range(finished)))


@pytest.mark.parametrize(
    "content", [b"", bytes(64), b"\x0a\x0d\x0d\x0a" + b"\xff" * 40, b"\xd4\xc3\xb2\xa1" + bytes(20)]
)
def test_other_files_are_no_tape(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wire.pcapng"
    path.write_bytes(content)
    with pytest.raises(TapeError, match="no head of a tape"):
        read_tape(path)


def test_damage_in_the_middle_ends_the_tape_before_it(tmp_path: Path) -> None:
    record(tmp_path, lambda wire: _with_device(wire, *(b"question %d" % number for number in range(10))))
    path = tmp_path / "session" / "wire.pcapng"
    whole = path.read_bytes()
    count = len(read_tape(path).events)
    for position in range(400, len(whole), 37):
        path.write_bytes(whole[:position] + b"\xff\xff\xff\xff" + whole[position + 4 :])
        tape = read_tape(path)
        assert len(tape.events) <= count
        assert [event.n for event in tape.events] == list(range(1, len(tape.events) + 1))


def test_missing_file_of_a_session_ends_the_tape(tmp_path: Path) -> None:
    async def main(wire: Wire) -> None:
        for name in ("a", "b", "c"):
            wire.begin(tmp_path / name, name)
            await _with_device(wire, name.encode())
            wire.end()

    record(tmp_path, main)
    (tmp_path / "b" / "wire.pcapng").unlink()
    tape = read_tape(tmp_path)
    assert not tape.complete
    assert [event.meta["test"] for event in tape.events if event.kind is Kind.BEGIN] == ["a"]
