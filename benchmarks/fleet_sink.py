"""A platform that does nothing but answer, for the benchmark of the fleet: frames built before, digests alone are made.

``python benchmarks/fleet_sink.py`` prints the port of REGISTER and of tykd (one and the same) and serves until
standard input ends.
"""

from __future__ import annotations

import select
import socket
import sys

from conformance.peers.platform.fleet_frames import framed, split_frame, text_of
from conformance.protocols.tykd_frame import HEADER
from conformance.protocols.tykd_message import encode_message
from specs.messages import load_message_table

LOGIN, ABILITYUP, HEARTBEAT = 0x31, 0x32, 0x33
NAMES = {LOGIN: "LOGIN", ABILITYUP: "ABILITYUP", HEARTBEAT: "HEARTBEAT"}
AT = "20130801120000"
READ_SIZE, MOST_EVENTS, BACKLOG = 65536, 1024, 4096


class Sink:
    """One listening socket, one epoll."""

    def __init__(self) -> None:
        self.table = load_message_table()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.answers: dict[int, dict[int, bytes]] = {}
        self.pending: dict[int, bytes] = {}

    def run(self) -> None:
        """Until standard input ends."""
        listener, control = self.listener.fileno(), sys.stdin.fileno()
        for descriptor in (listener, control):
            self.epoll.register(descriptor, select.EPOLLIN)
        while True:
            for descriptor, _ in self.epoll.poll(-1, MOST_EVENTS):
                if descriptor == control:
                    return
                if descriptor == listener:
                    self.accept()
                else:
                    self.read(descriptor)

    def accept(self) -> None:
        """Take every connection that waits."""
        while True:
            try:
                taken, _ = self.listener.accept()
            except BlockingIOError:
                return
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets[taken.fileno()] = taken
            self.epoll.register(taken.fileno(), select.EPOLLIN)

    def read(self, descriptor: int) -> None:
        """Answer whatever is complete."""
        found = self.sockets[descriptor]
        try:
            data = found.recv(READ_SIZE)
        except OSError:
            data = b""
        if not data:
            self.epoll.unregister(descriptor)
            self.pending.pop(descriptor, None)
            self.answers.pop(descriptor, None)
            self.sockets.pop(descriptor).close()
            return
        data = self.pending.pop(descriptor, b"") + data
        if data.startswith(b"POST"):
            self.register(descriptor, data)
            return
        while 0 < (size := split_frame(data)) <= len(data):
            found.send(self.answer(descriptor, data[:size]))
            data = data[size:]
        if data:
            self.pending[descriptor] = data

    def answer(self, descriptor: int, frame: bytes) -> bytes:
        """The answer to one frame under its sequence."""
        _, command, sequence, _, _ = HEADER.unpack_from(frame)
        if command == LOGIN:
            dev_id = text_of(frame, b"DevID") or ""
            good = {"Result": 0, "DevID": dev_id}
            self.answers[descriptor] = {
                LOGIN: encode_message(self.table, "LOGIN", "response", {**good, "Time": AT}),
                ABILITYUP: encode_message(self.table, "ABILITYUP", "response", good),
                HEARTBEAT: encode_message(self.table, "HEARTBEAT", "response", {"DevID": dev_id, "Time": AT}),
            }
        return framed(command, sequence, self.answers[descriptor][command])

    def register(self, descriptor: int, data: bytes) -> None:
        """The answer to REGISTER; the connection is kept."""
        if b"</REGISTER_REQ>" not in data:
            self.pending[descriptor] = data
            return
        names = [e.name for e in self.table.command("REGISTER").response.elements]
        values: dict[str, object] = dict.fromkeys(names, "")
        values |= {"Result": 0, "DevID": text_of(data, b"DevID") or "", "NatIP": "127.0.0.1", "NatPort": self.port}
        body = encode_message(self.table, "REGISTER", "response", {**values, "Time": AT}, check=False)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
        self.sockets[descriptor].send(head.encode() + body)


if __name__ == "__main__":
    sink = Sink()
    sys.stdout.write(f"{sink.port}\n")
    sys.stdout.flush()
    sink.run()
