"""Reads ``wire.pcapng`` files back into events. A file that was cut short gives every event that is whole."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.wire.errors import TapeError
from conformance.wire.packet_synthesis import payload_of
from conformance.wire.pcapng_writer import (
    BYTE_ORDER,
    CUSTOM,
    EPB_FLAGS,
    OPT_COMMENT,
    OPT_CUSTOM_TEXT,
    OPT_END,
    PACKET,
    PRIVATE_ENTERPRISE_NUMBER,
    SECTION,
)
from conformance.wire.recorder import FILE_NAME, FORMAT
from conformance.wire.tape import Event, Kind, Tape

BLOCK_LIMIT = 256 * 1024 * 1024
HEAD_ROOM = 4096


@dataclass(frozen=True, slots=True)
class TapeFileContent:
    """One file: what its head says, its whole events, and whether it ends between two events."""

    path: Path
    test_id: str
    epoch: int
    seed: int
    events: tuple[Event, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """One block: the machine part that opens an event, or payload that belongs to the event before."""

    machine: dict[str, Any] | None
    payload: bytes


class _CutShort(Exception):
    """The file ends inside a block, or a block contradicts itself."""


def read_tape(path: Path) -> Tape:
    """A file, or a directory in which every ``wire.pcapng`` (at any depth) belongs to one session.

    Raises TapeError when there is no tape, or when files of different sessions are mixed. Missing numbers end the tape.
    """
    paths = sorted(path.rglob(FILE_NAME)) if path.is_dir() else [path]
    files = [read_tape_file(one) for one in paths]
    if not files:
        raise TapeError(path, "no wire.pcapng here")
    if len({(file.epoch, file.seed) for file in files}) > 1:
        raise TapeError(path, "files of different sessions")
    return join_files(files)


def sessions_below(folder: Path) -> dict[tuple[int, int], list[Path]]:
    """The ``wire.pcapng`` files at any depth by the session that they belong to: (its clock zero, its seed).

    Raises TapeError for a file that is none of ours.
    """
    found: dict[tuple[int, int], list[Path]] = {}
    for path in sorted(folder.rglob(FILE_NAME)):
        head = read_head(path)
        found.setdefault((int(head["epoch"]), int(head["seed"])), []).append(path)
    return found


def read_head(path: Path) -> dict[str, Any]:
    """What the head of a file says: ``epoch``, ``seed``, ``test``. Raises TapeError."""
    try:
        with path.open("rb") as file:
            content = file.read(HEAD_ROOM)
    except OSError as error:
        raise TapeError(path, error.strerror or str(error)) from error
    try:
        for part in _parts(content):
            if part.machine is not None and part.machine.get("format") == FORMAT:
                return part.machine
    except _CutShort:
        pass
    raise TapeError(path, "no head of a tape")


def join_files(files: Sequence[TapeFileContent]) -> Tape:
    """The files of one session as one tape; at least one file."""
    events = sorted((event for file in files for event in file.events), key=lambda event: event.n)
    first = events[0].n if events else 1
    whole = len(events)
    for position, event in enumerate(events):
        if event.n != first + position:
            whole = position
            break
    end = max((max(event.release, event.at) for event in events[:whole]), default=0)
    complete = whole == len(events) and all(file.complete for file in files)
    return Tape(tuple(events[:whole]), files[0].epoch, end, files[0].seed, complete)


def mend_files(files: Sequence[TapeFileContent]) -> Tape:
    """The files of one session as a tape of those tests that are whole; files of others may be missing or damaged.

    A damaged test is there as far as it goes, ended by an END of ours, with ``damaged`` in the meta of its BEGIN: it
    can be passed over, not judged.
    """
    events = sorted((event for file in files for event in _mended(file)), key=lambda event: event.n)
    end = max((max(event.release, event.at) for event in events), default=0)
    complete = all(file.complete for file in files) and join_files(files).complete
    return Tape(tuple(events), files[0].epoch, end, files[0].seed, complete)


def _mended(file: TapeFileContent) -> Iterator[Event]:
    events, first = file.events, file.events[0] if file.events else None
    if not file.test_id:
        yield from events
        return
    if first is None or first.kind is not Kind.BEGIN:
        return
    whole = len(events)
    for position, event in enumerate(events):
        if event.n != first.n + position:
            whole = position
            break
    last = events[whole - 1]
    if file.complete and whole == len(events) and last.kind is Kind.END:
        yield from events
        return
    yield replace(first, meta={**first.meta, "damaged": True})
    yield from (event for event in events[1:whole] if event.kind is not Kind.END)
    yield Event(last.n + 1, Kind.END, last.at, last.release, meta={"test": ""})


def read_tape_file(path: Path) -> TapeFileContent:
    """One file. Raises TapeError when it is missing or not ours; damage further on only ends the events."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TapeError(path, error.strerror or str(error)) from error
    head: dict[str, Any] = {}
    events: list[Event] = []
    complete = True
    try:
        for event in _events(content, head):
            events.append(event)
    except _CutShort:
        complete = False
    if head.get("format") != FORMAT:
        raise TapeError(path, "no head of a tape")
    return TapeFileContent(path, str(head["test"]), int(head["epoch"]), int(head["seed"]), tuple(events), complete)


def _events(content: bytes, head: dict[str, Any]) -> Iterator[Event]:
    machine: dict[str, Any] | None = None
    payload: list[bytes] = []
    missing = 0
    for part in _parts(content):
        if part.machine is None:
            if machine is None:
                continue
        elif "format" in part.machine:
            head.update(part.machine)
            continue
        elif part.machine.get("k") == Kind.CARRY:
            continue
        else:
            if machine is not None:
                raise _CutShort
            machine, payload = part.machine, []
            missing = int(machine.get("len", 0))
        payload.append(part.payload)
        missing -= len(part.payload)
        if missing <= 0:
            yield _event(machine, b"".join(payload))
            machine = None
    if machine is not None:
        raise _CutShort


def _event(machine: dict[str, Any], data: bytes) -> Event:
    try:
        if len(data) != machine.get("len", 0):
            raise _CutShort
        data = data or base64.b64decode(machine.get("b64", ""), validate=True)
        at = int(machine["t"])
        release = int(machine.get("r", at))
        meta = machine.get("m", {})
        return Event(int(machine["n"]), Kind(machine["k"]), at, release, int(machine.get("c", 0)), data, meta)
    except (KeyError, ValueError, TypeError) as error:
        raise _CutShort from error


def _parts(content: bytes) -> Iterator[_Part]:
    for kind, body in _blocks(content):
        if kind == CUSTOM:
            enterprise, length = struct.unpack_from("<II", body)
            if enterprise == PRIVATE_ENTERPRISE_NUMBER:
                yield _Part(_machine(body[8 : 8 + length]), b"")
        elif kind == PACKET:
            captured = struct.unpack_from("<I", body, 12)[0]
            frame = body[20 : 20 + captured]
            if len(frame) != captured or captured < 42:
                raise _CutShort
            found = None
            for code, value in options_of(body[20 + captured + (-captured % 4) :]):
                if code == OPT_CUSTOM_TEXT and value[:4] == struct.pack("<I", PRIVATE_ENTERPRISE_NUMBER):
                    found = _machine(value[4:])
            yield _Part(found, _payload(frame))


def _payload(frame: bytes) -> bytes:
    try:
        return payload_of(frame)
    except IndexError as error:
        raise _CutShort from error


def _machine(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise _CutShort from error
    if not isinstance(value, dict):
        raise _CutShort
    return value


def _blocks(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        if position + 12 > len(content):
            raise _CutShort
        kind, length = struct.unpack_from("<II", content, position)
        end = position + length
        if length < 12 or length % 4 or length > BLOCK_LIMIT or end > len(content):
            raise _CutShort
        if struct.unpack_from("<I", content, end - 4)[0] != length:
            raise _CutShort
        if kind == SECTION and struct.unpack_from("<I", content, position + 8)[0] != BYTE_ORDER:
            raise _CutShort
        if kind in (CUSTOM, PACKET) and length < (20 if kind == CUSTOM else 32):
            raise _CutShort
        yield kind, content[position + 8 : end - 4]
        position = end


def options_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(code, value) of every option in an options field."""
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, position)
        if code == OPT_END:
            return
        yield code, data[position + 4 : position + 4 + length]
        position += 4 + length + (-length % 4)


def packets_of(path: Path) -> Iterator[tuple[int, bool, bytes, tuple[str, ...]]]:
    """For reports: (Unix time in ns, outbound, frame, comments) of every packet, until the file ends or is damaged."""
    try:
        for kind, body in _blocks(path.read_bytes()):
            if kind != PACKET:
                continue
            _, high, low, captured = struct.unpack_from("<IIII", body)
            options = list(options_of(body[20 + captured + (-captured % 4) :]))
            outbound = any(code == EPB_FLAGS and value[0] & 3 == 2 for code, value in options)
            comments = tuple(value.decode("utf-8", "replace") for code, value in options if code == OPT_COMMENT)
            yield (high << 32) | low, outbound, body[20 : 20 + captured], comments
    except _CutShort:
        return
