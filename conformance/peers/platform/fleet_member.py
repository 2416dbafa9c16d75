"""One member of a fleet: a tykd device without media on a socket of its own (tykd 2, 3)."""

from __future__ import annotations

import select
import socket
from enum import Enum, auto
from typing import TYPE_CHECKING

from conformance.peers.platform.fleet_frames import digest_holds, framed, split_frame, text_of
from conformance.peers.platform.fleet_samples import Outcome, What
from conformance.protocols.tykd_frame import DIGEST_SIZE, HEADER, HEADER_SIZE
from conformance.protocols.tykd_message import encode_refusal
from specs.messages import UnknownMessage

if TYPE_CHECKING:
    from conformance.peers.platform.fleet_engine import Engine

READ_SIZE, BEAT_SIZE = 16384, 2048
READ, WRITE = select.EPOLLIN, select.EPOLLOUT
UNSUPPORTED = 255
BEAT, GOOD = What.HEARTBEAT, Outcome.OK
_ANSWERED = {"LOGIN": What.LOGIN, "ABILITYUP": What.ABILITIES, "HEARTBEAT": What.HEARTBEAT}


class Stage(Enum):
    """Where a member stands. ``AWAY``: it waits to try again; ``SILENT``: it keeps its connection and says nothing."""

    IDLE = auto()
    REGISTERING = auto()
    AWAY = auto()
    CONNECTING = auto()
    ENTERING = auto()
    ONLINE = auto()
    SILENT = auto()
    LEFT = auto()


class Member:
    """``asked``: the command code that waits for an answer, 0 for none; ``ticket``: makes older timers worthless;
    ``name``: its DevID as an element; ``opening``: first bytes of the request, with which its answer begins too."""

    __slots__ = (
        "addresses",
        "asked",
        "asked_at",
        "beat",
        "dev_id",
        "engine",
        "failures",
        "lost_at",
        "missed",
        "name",
        "number",
        "opening",
        "received",
        "sequence",
        "sock",
        "stage",
        "ticket",
        "unsent",
    )

    def __init__(self, engine: Engine, number: int) -> None:
        self.engine = engine
        self.number = number
        self.dev_id = engine.identity.device_id(number)
        self.name = b"<DevID>" + self.dev_id.encode() + b"</DevID>"
        self.opening = b""
        self.stage = Stage.IDLE
        self.sock: socket.socket | None = None
        self.addresses: tuple[tuple[str, int], ...] = ()
        self.beat = b""
        self.received = bytearray()
        self.unsent = b""
        self.asked = self.sequence = self.missed = self.failures = self.ticket = 0
        self.asked_at = 0.0
        self.lost_at: float | None = None

    # steps

    def due(self, now: float) -> None:
        """A timer of this member has run out."""
        if self.stage is Stage.ONLINE:
            self.send_beat(now)
        elif self.stage in (Stage.IDLE, Stage.AWAY):
            if self.addresses:
                self.connect(now)
            else:
                self.stage = Stage.REGISTERING
                self.asked_at = now
                self.engine.registry.take(self)

    def registered(self, addresses: tuple[tuple[str, int], ...], now: float) -> None:
        """REGISTER was granted."""
        self.engine.record(self.number, What.REGISTER, Outcome.OK, self.asked_at, now)
        self.addresses = addresses
        self.connect(now)

    def not_registered(self, outcome: Outcome, now: float) -> None:
        """REGISTER failed; the member comes again after the pause for that."""
        self.engine.record(self.number, What.REGISTER, outcome, self.asked_at, now)
        order = self.engine.order
        lowest, highest = order.refusal_pause if outcome is Outcome.REFUSED else order.registration_pause
        self.wait(now, self.engine.random.uniform(lowest, highest))

    def wait(self, now: float, seconds: float) -> None:
        """Do nothing for so long."""
        self.stage = Stage.AWAY
        self.engine.set_timer(self, now, seconds)

    def connect(self, now: float) -> None:
        """Connect to the primary access server, after a failure to the next one."""
        self.stage, self.asked_at = Stage.CONNECTING, now
        self.received.clear()
        self.unsent = b""
        self.missed = 0
        self.sock = sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect_ex(self.addresses[self.failures % len(self.addresses)])
        self.engine.watch(sock.fileno(), self, READ | WRITE)

    def enter(self, now: float) -> None:
        """The connection stands: LOGIN."""
        self.stage = Stage.ENTERING
        began = self.asked_at
        self.ask("LOGIN", self.engine.frames.login(self.dev_id), now)
        self.asked_at = began

    def came_online(self, now: float) -> None:
        """ABILITYUP was answered."""
        self.stage, self.failures = Stage.ONLINE, 0
        self.engine.online += 1
        if self.lost_at is not None:
            self.engine.record(self.number, What.BACK, Outcome.OK, self.lost_at, now)
            self.lost_at = None
        self.beat = self.beat or self.engine.frames.heartbeat(self.dev_id)
        self.engine.set_timer(self, now, self.engine.random.uniform(0.0, self.engine.interval))

    def send_beat(self, now: float) -> None:
        """HEARTBEAT, unless the one before still waits."""
        engine = self.engine
        self.ticket += 1
        engine.wheel.set(now, engine.interval, (self, self.ticket))
        engine.beats += 1
        if not self.asked:
            self.request(engine.beat_code, self.beat, now)

    def ask(self, name: str, xml: bytes, now: float) -> None:
        """Send the request of that name."""
        self.request(self.engine.frames.codes[name], xml, now)

    def request(self, code: int, xml: bytes, now: float) -> None:
        """Send a request under a new sequence."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.asked, self.asked_at = code, now
        frame = framed(code, self.sequence, xml)
        self.opening = frame[:5]
        self.send(frame, now)

    def send(self, data: bytes, now: float) -> None:
        """Send, or keep what the socket does not take."""
        sock = self.sock
        if sock is None:
            return
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.lose(now)
            return
        if sent < len(data):
            self.unsent = data[sent:]
            self.engine.watch(sock.fileno(), self, READ | WRITE)

    # events

    def ready(self, events: int, now: float) -> None:
        """The socket can be read or written, or has failed."""
        sock = self.sock
        if sock is None:
            return
        if events == READ and self.asked == self.engine.beat_code and not self.received:
            self.read_beat(sock, now)
            return
        if self.stage is Stage.CONNECTING:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.lose(now)
                return
            self.engine.watch(sock.fileno(), self, READ)
            self.enter(now)
            return
        if events & WRITE and self.unsent:
            rest, self.unsent = self.unsent, b""
            self.engine.watch(sock.fileno(), self, READ)
            self.send(rest, now)
        if events & ~WRITE:
            self.read(now)

    def read_beat(self, sock: socket.socket, now: float) -> None:
        """The answer to a heartbeat, nearly always: looked at without taking it apart, or else taken the long way."""
        try:
            data = sock.recv(BEAT_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        whole = data[:5] == self.opening and split_frame(data) == len(data)
        if whole and self.name in data and digest_holds(data):
            self.asked = self.missed = 0
            self.engine.record(self.number, BEAT, GOOD, self.asked_at, now)
        else:
            self.got(data, now)

    def read(self, now: float) -> None:
        """Take what has come."""
        if self.sock is None:
            return
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.got(data, now)

    def got(self, data: bytes, now: float) -> None:
        """Bytes have come, or the end of the connection."""
        if not data:
            self.lose(now)
            return
        if not self.received and split_frame(data) == len(data):
            self.take(data, now)
            return
        self.received += data
        while self.received and self.sock is not None:
            size = split_frame(self.received)
            if size < 0:
                self.answered(Outcome.BROKEN, now)
                self.lose(now)
                return
            if not size or len(self.received) < size:
                return
            frame = bytes(self.received[:size])
            del self.received[:size]
            self.take(frame, now)

    def take(self, frame: bytes, now: float) -> None:
        """One whole frame: the answer that is waited for, a late one, or a request of the platform."""
        _, command, sequence, _, _ = HEADER.unpack_from(frame)
        if not digest_holds(frame):
            self.answered(Outcome.BROKEN, now)
            self.lose(now)
        elif command == self.asked and sequence == self.sequence:
            self.on_answer(frame, now)
        elif command in self.engine.names_of_codes:
            self.engine.late += 1
        else:
            self.decline(command, sequence, now)

    def on_answer(self, frame: bytes, now: float) -> None:
        """The answer to the request that waits."""
        right = self.name in frame
        name = self.engine.names_of_codes[self.asked]
        if name == "HEARTBEAT":
            self.missed = 0
            self.answered(Outcome.OK if right else Outcome.BROKEN, now)
            return
        result = text_of(frame[HEADER_SIZE:-DIGEST_SIZE], b"Result")
        if result != "0" or not right:
            outcome = Outcome.BROKEN if result == "0" or not result else Outcome.REFUSED
            self.answered(outcome, now)
            self.lose(now, self.engine.order.refusal_pause)
            return
        self.answered(Outcome.OK, now)
        if name == "LOGIN":
            self.ask("ABILITYUP", self.engine.frames.abilities(self.dev_id), now)
        else:
            self.came_online(now)

    def answered(self, outcome: Outcome, now: float) -> None:
        """The transaction that waits has ended."""
        if self.asked:
            what = _ANSWERED[self.engine.names_of_codes[self.asked]]
            self.engine.record(self.number, what, outcome, self.asked_at, now)
            self.asked = 0

    def decline(self, command: int, sequence: int, now: float) -> None:
        """A member has no abilities: whatever the platform wants is answered 255."""
        try:
            name = self.engine.table.command(command).name
        except UnknownMessage:
            return
        self.send(framed(command, sequence, encode_refusal(self.engine.table, name, UNSUPPORTED, self.dev_id)), now)

    def overdue(self, now: float) -> None:
        """No answer within its time."""
        if self.stage is Stage.CONNECTING:
            self.lose(now)
            return
        self.missed += 1
        self.answered(Outcome.TIMEOUT, now)
        if self.stage is not Stage.ONLINE or self.missed >= self.engine.order.unanswered:
            self.lose(now)

    # endings

    def lose(self, now: float, pause: tuple[float, float] | None = None) -> None:
        """The connection has ended; come again after a random wait that grows with each failure."""
        order = self.engine.order
        if self.stage is Stage.CONNECTING:
            self.engine.record(self.number, What.LOGIN, Outcome.LOST, self.asked_at, now)
            self.asked = 0
        self.answered(Outcome.LOST, now)
        if self.stage is Stage.ONLINE:
            self.engine.online -= 1
            self.engine.lost += 1
            self.lost_at = now
        elif self.stage is Stage.SILENT:
            self.lost_at = now
        else:
            self.failures += 1
        self.hang_up()
        lowest, highest = pause or order.lost_pause
        growth = 1 if pause else 2 ** min(self.failures, 16)
        longest = max(order.longest_pause, highest)
        self.wait(now, min(self.engine.random.uniform(lowest, highest) * growth, longest))

    def fall_silent(self) -> None:
        """Keep the connection, neither read nor write: what a device behind a dead line looks like."""
        if self.stage is Stage.ONLINE and self.sock is not None:
            self.stage, self.asked = Stage.SILENT, 0
            self.ticket += 1
            self.engine.online -= 1
            self.engine.unwatch(self.sock.fileno())

    def speak(self, now: float) -> None:
        """Be heard again after a silence."""
        if self.stage is Stage.SILENT and self.sock is not None:
            self.stage = Stage.ONLINE
            self.engine.online += 1
            self.engine.watch(self.sock.fileno(), self, READ)
            self.engine.set_timer(self, now, 0.0)

    def leave(self) -> None:
        """Close the connection and stay away."""
        if self.stage is Stage.ONLINE:
            self.engine.online -= 1
        self.hang_up()
        self.asked = 0
        self.ticket += 1
        self.stage = Stage.LEFT

    def hang_up(self) -> None:
        """Close the socket."""
        if self.sock is not None:
            self.engine.unwatch(self.sock.fileno())
            self.sock.close()
            self.sock = None
