"""The process of a fleet: commands as JSON lines on standard input, states with raw samples on standard output.

The first line is the order of the fleet; it is answered like a command. A command is
``{"do": ..., "seconds": s, "until": "time" | "online" | "settled" | "answered"}``; the answer is a JSON line of the
state with the size of the samples, and the samples behind it. The process ends when standard input is closed.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import sys
from typing import Any

import msgspec

from conformance.peers.platform.fleet_engine import Engine
from conformance.peers.platform.fleet_order import FleetOrder

READ_SIZE = 65536
SPARE_DESCRIPTORS = 256


class FleetProcess:
    """Turns the engine and obeys, one command after the other."""

    def __init__(self, engine: Engine, source: int, sink: int, unread: bytes = b"") -> None:
        self.engine = engine
        self._source, self._sink = source, sink
        self._unread = unread
        self._command: dict[str, Any] | None = None
        self._since = self._until = 0.0
        self._ended = False

    def run(self) -> None:
        """Until the commands end."""
        self.engine.watch(self._source, self, select.EPOLLIN)
        self._answer()
        while not self._ended:
            self.engine.turn()
            self._look()
        self.engine.close()

    def ready(self, events: int, now: float) -> None:
        """A command has come, or there will be none any more."""
        data = os.read(self._source, READ_SIZE)
        self._unread += data
        self._ended = not data

    def _look(self) -> None:
        if self._command is None and b"\n" in self._unread:
            line, _, self._unread = self._unread.partition(b"\n")
            self._command = msgspec.json.decode(line, type=dict[str, Any])
            self._since = self.engine.now()
            self._until = self._since + float(self._command.pop("seconds", 0.0))
            self._begin(self._command)
        if self._command is not None and self._done():
            self._command = None
            self._answer()

    def _done(self) -> bool:
        if self.engine.now() >= self._until:
            return True
        assert self._command is not None
        match self._command.get("until"):
            case "online":
                return self.engine.state().complete
            case "settled":
                return self.engine.settled
            case "answered":
                return self.engine.answered(self._since)
            case _:
                return False

    def _begin(self, command: dict[str, Any]) -> None:
        engine, now = self.engine, self.engine.now()
        chosen = engine.chosen(int(command.get("first", 0)), int(command.get("count", 0)))
        match command["do"]:
            case "attach":
                engine.attach(int(command["first"]), int(command["count"]), float(command["per_second"]))
            case "pace":
                engine.pace(float(command["interval"]))
            case "silence":
                for member in chosen:
                    member.fall_silent()
            case "speak":
                for member in chosen:
                    member.speak(now)
            case "leave":
                for member in chosen:
                    member.leave()
            case _:
                pass

    def _answer(self) -> None:
        raw = self.engine.take_samples()
        line = msgspec.json.encode({"state": self.engine.state(), "raw": len(raw)}) + b"\n"
        view = memoryview(line + raw)
        while view:
            view = view[os.write(self._sink, view) :]


def main() -> None:
    """Read the order from the first line, then run."""
    source, line = sys.stdin.fileno(), b""
    while b"\n" not in line:
        if not (data := os.read(source, READ_SIZE)):
            return
        line += data
    text, _, unread = line.partition(b"\n")
    order = msgspec.json.decode(text, type=FleetOrder)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = order.members + order.connections + SPARE_DESCRIPTORS
    if most == resource.RLIM_INFINITY or most > wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    engine = Engine(order)
    gc.freeze()
    FleetProcess(engine, source, sys.stdout.fileno(), unread).run()


if __name__ == "__main__":
    main()
