"""One byte of the tape is another: what we sent differs, or the device is judged by what it then says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conformance.cli.rejudge import judge_sessions
from conformance.plugin.recorded_run import RecordedRun, read_run
from conformance.wire import Event, Kind, Tape

COMMAND = "from conformance.cli.main import main; main()"
REQUIREMENT = "CS-010"
TEST = "objects.round_trip"
FLIPS = 40
STATUS_AT = len("HTTP/1.1 ")


@dataclass(frozen=True)
class Changed:
    """A session whose tape is handed in."""

    changed: Tape

    def tape(self) -> Tape:
        return self.changed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    out = tmp_path_factory.mktemp("flips") / "out"
    arguments = ["certify", "--profile", "cloud-storage", "--req", REQUIREMENT, "--out", str(out)]
    subprocess.run([sys.executable, "-c", COMMAND, *arguments], check=True, capture_output=True, timeout=120)
    return read_run(out)


@pytest.fixture(scope="module")
def tape(run: RecordedRun) -> Tape:
    tapes = [session.tape() for session in run.sessions()]
    return next(tape for tape in tapes if any(event.meta.get("test") == TEST for event in tape.events))


def in_the_test(tape: Tape) -> Iterator[tuple[int, Event]]:
    """Positions and events of the test."""
    inside = False
    for position, event in enumerate(tape.events):
        inside = event.meta["test"] == TEST if event.kind is Kind.BEGIN else inside
        if inside:
            yield position, event


def with_byte(tape: Tape, position: int, offset: int, value: int) -> Tape:
    event = tape.events[position]
    data = bytearray(event.data)
    data[offset] = value
    events = [*tape.events]
    events[position] = replace(event, data=bytes(data))
    return replace(tape, events=tuple(events))


def flips(tape: Tape, random: Random, wanted: Callable[[Event], bool]) -> list[Tape]:
    """The tape with one bit changed, many times over."""
    places = [(position, event) for position, event in in_the_test(tape) if event.data and wanted(event)]
    made = []
    for _ in range(FLIPS):
        position, event = random.choice(places)
        offset = random.randrange(len(event.data))
        made.append(with_byte(tape, position, offset, event.data[offset] ^ 1 << random.randrange(8)))
    return made


def judged(run: RecordedRun, tapes: list[Tape], tmp_path: Path) -> list[dict[str, Any]]:
    """The line of the test for each tape."""
    sessions: list[Any] = [Changed(tape) for tape in tapes]
    lines = [line for line in judge_sessions(run, sessions, None, "", tmp_path).lines if line["id"] == TEST]
    assert len(lines) == len(tapes)
    return lines


def test_as_recorded(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    recorded = next(test for test in run.tests if test["id"] == TEST)

    (line,) = judged(run, [tape], tmp_path)

    assert line["verdict"] == "PASS"
    for name in ("requirements", "reason", "checks", "controls", "figures", "started", "duration", "seed"):
        assert line[name] == recorded[name], name


def test_a_bit_of_what_was_sent_is_never_overlooked(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    changed = flips(tape, Random(5), lambda event: event.kind is Kind.OUT)

    verdicts = {line["verdict"] for line in judged(run, changed, tmp_path)}

    assert verdicts == {"INCONCLUSIVE"}


def answers_about_objects(tape: Tape) -> Iterator[int]:
    """Positions of what answers PUT, GET and HEAD of an object."""
    asked: dict[int, bytes] = {}
    for position, event in in_the_test(tape):
        if event.kind is Kind.OUT:
            asked[event.channel] = event.data
        elif event.kind is Kind.IN and event.data.startswith(b"HTTP/1.1 2"):
            method, path = asked[event.channel].split(b" ")[:2]
            if method != b"DELETE" and path.count(b"/") > 1:
                yield position


def test_an_error_in_place_of_success_never_passes(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    changed = [with_byte(tape, position, STATUS_AT, ord("5")) for position in answers_about_objects(tape)]
    assert len(changed) >= 4

    verdicts = [line["verdict"] for line in judged(run, changed, tmp_path)]

    assert set(verdicts) <= {"FAIL", "INCONCLUSIVE"}
    assert "FAIL" in verdicts


def end_of_body(data: bytes) -> bytes:
    """What a piece of an answer holds of its body; head and body may come together or in pieces."""
    return data.partition(b"\r\n\r\n")[2] if data.startswith(b"HTTP/") else data


def test_a_bit_of_a_stored_object_that_comes_back_fails(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    uploads = {event.data.partition(b"\r\n\r\n")[2] for _, event in in_the_test(tape) if event.data[:4] == b"PUT "}
    places = [
        (position, len(event.data) - 1)
        for position, event in in_the_test(tape)
        if event.kind is Kind.IN and (end := end_of_body(event.data)) and any(one.endswith(end) for one in uploads)
    ]
    changed = [with_byte(tape, position, last, tape.events[position].data[last] ^ 1) for position, last in places]
    assert changed

    assert {line["verdict"] for line in judged(run, changed, tmp_path)} == {"FAIL"}


def test_no_flip_breaks_the_suite(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    changed = flips(tape, Random(6), lambda event: event.kind is Kind.IN)

    verdicts = [line["verdict"] for line in judged(run, changed, tmp_path)]

    assert set(verdicts) <= {"PASS", "FAIL", "INCONCLUSIVE"}
    assert verdicts.count("PASS") < len(verdicts)


def test_events_that_are_gone_are_not_made_up(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    inputs = [position for position, event in in_the_test(tape) if event.kind is Kind.IN]
    events = [event for position, event in enumerate(tape.events) if position != inputs[len(inputs) // 2]]

    (line,) = judged(run, [replace(tape, events=tuple(events))], tmp_path)

    assert line["verdict"] == "INCONCLUSIVE"


def test_a_tape_that_is_not_one_of_ours_decides_nothing(run: RecordedRun, tape: Tape, tmp_path: Path) -> None:
    sessions: list[Any] = []
    for position, event in in_the_test(tape):
        if event.meta and event.kind is not Kind.BEGIN:
            events = [*tape.events]
            events[position] = replace(event, meta={})
            sessions.append(Changed(replace(tape, events=tuple(events))))

    outcome = judge_sessions(run, sessions[:FLIPS], None, "", tmp_path)

    assert [line["reason"]["en"] for line in outcome.lines if line["verdict"] not in ("PASS", "INCONCLUSIVE")] == []
    assert outcome.failure or "INCONCLUSIVE" in {line["verdict"] for line in outcome.lines}
