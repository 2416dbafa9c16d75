"""Writes the tape: one ``wire.pcapng`` per test, and one for what happens between tests.

Every event is handed to the kernel before it takes effect, in one write: a killed run loses at most the event in
flight. Secrets: the session may give ``redact(bytes) -> bytes`` (equal length). It is applied to payloads and texts
before writing, with the last bytes of the stream before them, so that a whole secret never reaches the disk even when
it arrives in two parts (of a secret that is split over two arrivals the first part stays). Masked spans are listed
with the event. In a replay the code sees masked inbound bytes; outbound bytes are not compared inside masked spans;
but a value computed from a secret (a digest response) differs unless the replay is given the same secret, or the
hook masks such values as well.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from conformance.wire.errors import EvidenceError, Misuse
from conformance.wire.packet_synthesis import UDP_PAYLOAD, Frame, TcpConversation, udp_frame
from conformance.wire.pcapng_writer import (
    OPT_COMMENT,
    BlockFile,
    custom_block,
    interface_block,
    machine_option,
    packet_block,
    section_block,
    text,
)
from conformance.wire.tape import DATAGRAM_DATA, Event, Exchange, Kind, address

FORMAT = "kandian-wire/1"
FILE_NAME = "wire.pcapng"
SESSION = "session"
LABELS = 64
OPTION_ROOM = 60_000
CONTEXT = 256
FILE_LIMIT = 8 * 1024**3
TLS_COMMENT = "TLS on the wire; the tape holds the plaintext"
MASK_KINDS = frozenset({Kind.IN, Kind.OUT})

Redact = Callable[[bytes], bytes]


class TapeFile:
    """One pcapng file under way: its interfaces, and the TCP conversations as far as this file shows them."""

    def __init__(self, path: Path, head: Mapping[str, Any], application: str) -> None:
        self.path = path
        self.size = 0
        self._interfaces: dict[str, int] = {}
        self._conversations: dict[int, TcpConversation] = {}
        self._file = BlockFile(path)
        self.append(section_block(application, str(head.get("test", ""))) + custom_block(_json(head)))

    def append(self, data: bytes) -> None:
        if self.size + len(data) > FILE_LIMIT:
            raise EvidenceError(self.path, f"more than {FILE_LIMIT} bytes in one file")
        self._file.append(data)
        self.size += len(data)

    def interface(self, label: str) -> tuple[int, bytes]:
        """The number of the interface for this label, and its block when it is new in this file."""
        if label not in self._interfaces and len(self._interfaces) >= LABELS:
            label = "other"
        known = self._interfaces.get(label)
        if known is not None:
            return known, b""
        number = self._interfaces[label] = len(self._interfaces)
        return number, interface_block(label, f"kandian wire: {label}")

    def conversation(self, channel: int, meta: Mapping[str, Any]) -> TcpConversation:
        found = self._conversations.get(channel)
        if found is None:
            found = TcpConversation(address(meta["local"]), address(meta["peer"]), channel)
            self._conversations[channel] = found
        return found

    def forget(self, channel: int) -> None:
        self._conversations.pop(channel, None)

    def close(self) -> None:
        self._file.close()


class Recorder:
    """Puts events into files under ``root`` (the evidence directory of the session)."""

    def __init__(self, root: Path, *, application: str = "Kandian", redact: Redact | None = None) -> None:
        self.root = root
        self.step = ""
        self._application = application
        self._redact = redact
        self._head: dict[str, Any] = {}
        self._files: dict[str, TapeFile] = {}
        self._current: TapeFile | None = None
        self._open: dict[int, dict[str, Any]] = {}
        self._tails: dict[tuple[int, Kind], bytes] = {}
        self._remarks: list[str] = []

    def start(self, epoch: int, seed: int) -> None:
        """For the wire: the session's Unix time at clock zero (ns) and its seed, repeated at the head of every file."""
        self._head = {"format": FORMAT, "epoch": epoch, "seed": seed}

    @property
    def path(self) -> Path | None:
        """The file being written."""
        return self._current.path if self._current else None

    def begin(self, directory: Path, test_id: str) -> None:
        """Start ``directory``/wire.pcapng; following events go there. Raises EvidenceError when it exists."""
        if self._current is not None and self._current is not self._files.get(SESSION):
            raise Misuse("a test is already being recorded")
        self._current = TapeFile(directory / FILE_NAME, {**self._head, "test": test_id}, self._application)
        self._carry()

    def end(self) -> None:
        """Finish the test's file; following events go to session/wire.pcapng."""
        if self._current is not None and self._current is not self._files.get(SESSION):
            finished, self._current = self._current, None
            finished.close()

    def close(self) -> None:
        """Finish all files."""
        self.end()
        self._current = None
        for file in self._files.values():
            file.close()
        self._files.clear()

    def append(self, event: Event) -> None:
        """Write one event. Raises EvidenceError; the file then ends with the event before."""
        file = self._file()
        event = self._masked(event) if self._redact is not None else event
        self._track(event)
        frames = self._frames(file, event)
        first = next(frames, None) if event.data else None
        machine = _json(_machine(event, shown=first is not None))
        frames = frames if first is None else chain((first,), frames)
        if event.kind is Kind.NOTE:
            self._remarks.append(str(event.meta["text"]))
        file.append(self._blocks(file, event, machine, frames))
        if event.kind in (Kind.CLOSE, Kind.RESET):
            self._open.pop(event.channel, None)
            file.forget(event.channel)
            for kind in MASK_KINDS:
                self._tails.pop((event.channel, kind), None)

    def _file(self) -> TapeFile:
        if self._current is None:
            session = self._files.get(SESSION)
            if session is None:
                path = self.root / SESSION / FILE_NAME
                session = self._files[SESSION] = TapeFile(path, {**self._head, "test": ""}, self._application)
            self._current = session
            self._carry()
        return self._current

    def _carry(self) -> None:
        """Announce the connections that go on in this file."""
        if self._current is not None and self._open:
            blocks = (
                custom_block(_json({"k": Kind.CARRY, "c": channel, **meta})) for channel, meta in self._open.items()
            )
            self._current.append(b"".join(blocks))

    def _track(self, event: Event) -> None:
        if event.kind in (Kind.CONNECT, Kind.ACCEPT, Kind.BIND):
            names = ("label", "local", "peer", "tls")
            self._open[event.channel] = {name: event.meta[name] for name in names if name in event.meta}

    def _blocks(self, file: TapeFile, event: Event, machine: bytes, frames: Iterator[Frame]) -> bytes:
        label = str(event.meta.get("label") or self._open.get(event.channel, {}).get("label", "wire"))
        parts: list[bytes] = []
        interface = -1
        stamp = self._head["epoch"] + event.at
        comment = [text(OPT_COMMENT, self.step)] if self.step else []
        for frame in frames:
            options = comment
            if interface < 0:
                interface, announced = file.interface(label)
                options = [*comment, *self._first_options(event)]
                if len(machine) > OPTION_ROOM:
                    announced += custom_block(machine)
                else:
                    options.append(machine_option(machine))
                parts.append(announced)
            parts.append(packet_block(interface, stamp, frame.data, frame.outbound, options))
        return b"".join(parts) if parts else custom_block(machine)

    def _first_options(self, event: Event) -> list[bytes]:
        remarks, self._remarks = self._remarks, []
        if event.meta.get("tls"):
            remarks.append(TLS_COMMENT)
        return [text(OPT_COMMENT, remark) for remark in remarks]

    def _frames(self, file: TapeFile, event: Event) -> Iterator[Frame]:
        """The packets that show this event; empty for events that are not packets."""
        meta = self._open.get(event.channel)
        if event.kind is Kind.EXCHANGE:
            yield from _exchange_frames(event)
        elif meta is None:
            return
        elif event.kind in DATAGRAM_DATA:
            if len(event.data) <= UDP_PAYLOAD:
                outbound = event.kind is Kind.DATAGRAM_OUT
                yield udp_frame(outbound, address(meta["local"]), address(event.meta["peer"]), event.data)
        elif "peer" in meta:
            yield from _stream_frames(file.conversation(event.channel, meta), event)

    def _masked(self, event: Event) -> Event:
        data, spans = event.data, []
        if data:
            data = self._mask_payload(event)
            spans = _differing(event.data, data)
        meta = {name: self._mask_text(value) for name, value in event.meta.items()}
        if spans:
            meta["masked"] = spans
        return Event(event.n, event.kind, event.at, event.release, event.channel, data, meta)

    def _mask_payload(self, event: Event) -> bytes:
        assert self._redact is not None
        if event.kind not in MASK_KINDS:
            return self._redacted(event.data)
        key = (event.channel, event.kind)
        joined = self._tails.get(key, b"") + event.data
        self._tails[key] = joined[-CONTEXT:]
        return self._redacted(joined)[-len(event.data) :]

    def _redacted(self, data: bytes) -> bytes:
        assert self._redact is not None
        masked = self._redact(data)
        if len(masked) != len(data):
            raise Misuse("redact must return as many bytes as it was given")
        return masked

    def _mask_text(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redacted(value.encode("utf-8", "replace")).decode("utf-8", "replace")
        if isinstance(value, (list, tuple)):
            return [self._mask_text(one) for one in value]
        if isinstance(value, dict):
            return {name: self._mask_text(one) for name, one in value.items()}
        return value


def _stream_frames(conversation: TcpConversation, event: Event) -> Iterator[Frame]:
    match event.kind:
        case Kind.CONNECT:
            return conversation.opening(outbound=True)
        case Kind.ACCEPT:
            return conversation.opening(outbound=False)
        case Kind.IN:
            return conversation.segments(False, event.data)
        case Kind.OUT:
            return conversation.segments(True, event.data)
        case Kind.EOF:
            return conversation.ending(outbound=False)
        case Kind.RESET:
            return conversation.reset(outbound=False)
        case Kind.CLOSE if event.meta.get("abort"):
            return conversation.reset(outbound=True)
        case Kind.CLOSE:
            return conversation.ending(outbound=True)
        case _:
            return iter(())


def _exchange_frames(event: Event) -> Iterator[Frame]:
    """A TCP conversation per connection of the exchange; a connection kept for several hops stays one conversation.
    Bytes of an unknown peer cannot be shown, and then nothing is."""
    conversation: TcpConversation | None = None
    pair = None
    hops = Exchange.from_event(event).hops
    if any(not hop.peer[1] and (hop.request or hop.response) for hop in hops):
        return
    for number, hop in enumerate(hops):
        if not hop.peer[1]:
            continue
        if conversation is None or pair != (hop.local, hop.peer):
            if conversation is not None:
                yield from conversation.ending(outbound=True)
            pair = (hop.local, hop.peer)
            conversation = TcpConversation(hop.local, hop.peer, event.n * 256 + number)
            yield from conversation.opening(outbound=True)
        yield from conversation.segments(True, hop.request)
        yield from conversation.segments(False, hop.response)
    if conversation is not None:
        yield from conversation.ending(outbound=True)


def _machine(event: Event, *, shown: bool) -> dict[str, Any]:
    """What a reader needs beside the packets. ``shown``: the data is in packets; else it goes along as base64."""
    short: dict[str, Any] = {"n": event.n, "k": event.kind, "t": event.at}
    if event.release != event.at:
        short["r"] = event.release
    if event.channel:
        short["c"] = event.channel
    if event.data and shown:
        short["len"] = len(event.data)
    elif event.data:
        short["b64"] = base64.b64encode(event.data).decode()
    return {**short, "m": dict(event.meta)} if event.meta else short


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _differing(before: bytes, after: bytes) -> list[list[int]]:
    """[offset, length] of every run of bytes that masking has changed."""
    spans: list[list[int]] = []
    if before == after:
        return spans
    for offset, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if spans and sum(spans[-1]) == offset:
            spans[-1][1] += 1
        else:
            spans.append([offset, 1])
    return spans
