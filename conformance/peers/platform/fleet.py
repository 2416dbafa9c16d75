"""A fleet of registered devices with heartbeats in one process: the bench's handle on it.

The members do not speak over the wire: it releases one event after the other so that a run can be replayed, which ten
thousand connections would turn into a queue whose length is then measured instead of the platform. So the fleet has a
process of its own with its own sockets. What it measured comes back as raw samples, in the answer of a blocking
call of the wire: it stands on the tape, and everything that is judged is computed from it again when a run is rejudged.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from conformance.peers.faults import BenchFault
from conformance.peers.platform.fleet_order import FleetOrder, FleetState
from conformance.peers.platform.fleet_samples import Sample, read_samples
from conformance.wire import CallFailed, Exchange, Hop, Wire

LABEL = "fleet"
NOWHERE = ("", 0)
END_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """What happened during one command. ``begun``: state before it."""

    state: FleetState
    samples: tuple[Sample, ...]
    before: FleetState | None

    @property
    def cores(self) -> float:
        """Processor seconds a second that the fleet itself took; 0 for the first command."""
        if self.before is None or self.state.now <= self.before.now:
            return 0.0
        return (self.state.cpu - self.before.cpu) / (self.state.now - self.before.now)


class Fleet:
    """``async with Fleet(wire, order) as fleet``. A failure of the process is BenchFault, never the platform's."""

    def __init__(self, wire: Wire, order: FleetOrder) -> None:
        self.order = order
        self.state: FleetState | None = None
        self._wire = wire
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Fleet:
        self._report(await self._call(f"{LABEL} start", self.order.without_secret(), self._start))
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._call(f"{LABEL} stop", {"do": "stop"}, self._stop)

    async def attach(self, first: int, count: int, *, per_second: float, within: float) -> Report:
        """Let members register, log in and go on with heartbeats, beginning so many a second; until each of the
        fleet is online or has failed and waits to try again, at most ``within`` seconds."""
        order = {"do": "attach", "first": first, "count": count, "per_second": per_second}
        return await self.do({**order, "seconds": within, "until": "settled"})

    async def hold(self, seconds: float) -> Report:
        """Go on like this for so long."""
        return await self.do({"do": "hold", "seconds": seconds})

    async def pace(self, interval: float) -> Report:
        """A heartbeat of each member every ``interval`` seconds from now on."""
        return await self.do({"do": "pace", "interval": interval})

    async def until_online(self, within: float) -> Report:
        """Wait until everybody is online again, at most so many seconds."""
        return await self.do({"do": "hold", "seconds": within, "until": "online"})

    async def until_answered(self, within: float) -> Report:
        """Wait until all that has been asked so far is answered, at most so many seconds."""
        return await self.do({"do": "hold", "seconds": within, "until": "answered"})

    async def silence(self, first: int, count: int) -> Report:
        """Let members keep their connections and say nothing, like devices behind a dead line."""
        return await self.do({"do": "silence", "first": first, "count": count})

    async def speak(self, first: int, count: int) -> Report:
        """Let silent members be heard again."""
        return await self.do({"do": "speak", "first": first, "count": count})

    async def leave(self, first: int, count: int) -> Report:
        """Let members close their connections and stay away."""
        return await self.do({"do": "leave", "first": first, "count": count})

    async def do(self, command: Mapping[str, Any]) -> Report:
        """Carry out a command. Raises BenchFault."""
        answer = await self._call(LABEL, command, lambda: self._exchange(msgspec.json.encode(command)))
        return self._report(answer)

    def _report(self, answer: bytes) -> Report:
        line, _, raw = answer.partition(b"\n")
        before, self.state = self.state, msgspec.convert(json.loads(line)["state"], FleetState)
        return Report(self.state, read_samples(raw), before)

    async def _call(self, label: str, command: Mapping[str, Any], work: Any) -> bytes:
        def exchange() -> Exchange:
            answer = work()
            hop = Hop(
                f"fleet:{command.get('do', 'start')}", NOWHERE, NOWHERE, json.dumps(command).encode(), answer, 0, 0
            )
            return Exchange((hop,))

        try:
            done = await self._wire.blocking(label, exchange)
        except CallFailed as error:
            raise BenchFault(f"设备群进程故障: {error}", f"the process of the fleet failed: {error}") from None
        return done.hops[0].response

    # in an executor

    def _start(self) -> bytes:
        arguments = [sys.executable, "-m", "conformance.peers.platform.fleet_process"]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._exchange(msgspec.json.encode(self.order))

    def _exchange(self, line: bytes) -> bytes:
        self._write(line)
        assert self._process is not None
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process ended with code {self._process.wait(END_WAIT)}")
        return answer + self._process.stdout.read(int(json.loads(answer)["raw"]))

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def _stop(self) -> bytes:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(END_WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        return b""
