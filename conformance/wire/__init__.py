"""Every byte in or out: live, recorded, replayed. One event loop, one order of events, one clock."""

from conformance.wire.errors import (
    BackgroundFailure,
    CallFailed,
    Closed,
    DeviceBusy,
    Diverged,
    EvidenceError,
    Expired,
    Misuse,
    NotOnTape,
    Refused,
    Reset,
    TapeError,
    TlsFailed,
    WireError,
)
from conformance.wire.live import LiveWire
from conformance.wire.lock import DeviceLock
from conformance.wire.recorder import Recorder
from conformance.wire.replay import ReplayWire, replay
from conformance.wire.replay_loop import ReplayLoop
from conformance.wire.resuming_replay import ResumingReplay
from conformance.wire.streams import Datagram, Listener, Stream
from conformance.wire.tape import Address, Chunk, Event, Exchange, Hop, Kind, Packet, Tape, TlsInfo
from conformance.wire.tape_reader import join_files, mend_files, read_tape, read_tape_file, sessions_below
from conformance.wire.wire import Wire

__all__ = [
    "Address",
    "BackgroundFailure",
    "CallFailed",
    "Chunk",
    "Closed",
    "Datagram",
    "DeviceBusy",
    "DeviceLock",
    "Diverged",
    "Event",
    "EvidenceError",
    "Exchange",
    "Expired",
    "Hop",
    "Kind",
    "Listener",
    "LiveWire",
    "Misuse",
    "NotOnTape",
    "Packet",
    "Recorder",
    "Refused",
    "ReplayLoop",
    "ReplayWire",
    "Reset",
    "ResumingReplay",
    "Stream",
    "Tape",
    "TapeError",
    "TlsFailed",
    "TlsInfo",
    "Wire",
    "WireError",
    "join_files",
    "mend_files",
    "read_tape",
    "read_tape_file",
    "replay",
    "sessions_below",
]
