"""What the bench can do to the device itself: power, alarm inputs, clock, network, storage.

A simulator offers one endpoint (newline-delimited JSON over TCP); a lab names a command per action.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from conformance.peers.faults import BenchFault
from conformance.wire import Closed, Exchange, Expired, Hop, Refused, Reset, Stream, Wire
from specs.declaration import Controls
from specs.model import Limit

MAX_LINE = 1 << 16
TOO_LONG = "too long"


class DeviceControl:
    """Carries out bench actions. Failures are BenchFault: the lab's, never the device's."""

    def __init__(self, wire: Wire, controls: Controls, limits: Mapping[str, Limit]) -> None:
        self.endpoint = controls.endpoint
        self._controls = controls
        self._limits = limits
        self._wire = wire
        self._stream: Stream | None = None
        self._buffer = b""

    async def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one action and return what the bench says. Raises BenchFault."""
        if action in self._controls.commands:
            return await self._command(action, arguments)
        if not self.endpoint:
            raise BenchFault(f"测试台没有控制手段 {action}", f"the bench has no control {action}")
        answer = await self._ask({"do": action, **arguments})
        if not answer.get("ok"):
            reason = str(answer.get("error", "?"))
            raise BenchFault(f"控制 {action} 失败: {reason}", f"the control {action} failed: {reason}")
        return answer

    async def status(self) -> dict[str, Any]:
        """The device's inner state as the simulator tells it."""
        return await self.do("status")

    def close(self) -> None:
        """Close the control connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        seconds = self._limits["answer_wait"].seconds * 2
        try:
            stream = await self._connected()
            stream.write(json.dumps(request).encode() + b"\n")
            while b"\n" not in self._buffer:
                chunk = await stream.read(within=seconds)
                if not chunk.data or len(self._buffer) > MAX_LINE:
                    raise Closed("device control")
                self._buffer += chunk.data
        except (Refused, Reset, Closed, Expired) as error:
            self.close()
            raise BenchFault(f"设备控制端口故障: {error.explain('zh')}", f"device control: {error}") from error
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            raise BenchFault(
                "设备控制端口应答不是 JSON", "the device control answered something that is not JSON"
            ) from None
        return answer if isinstance(answer, dict) else {}

    async def _connected(self) -> Stream:
        if self._stream is None or self._stream.closed or self._stream.at_eof:
            parts = urlsplit(self.endpoint)
            seconds = self._limits["connect_wait"].seconds
            host, port = parts.hostname or "127.0.0.1", parts.port or 0
            self._stream = await self._wire.connect(host, port, label="control", within=seconds)
            self._buffer = b""
        return self._stream

    async def _command(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        argv = (*self._controls.commands[action].command, json.dumps(arguments, sort_keys=True))
        seconds = self._limits["control_wait"].seconds
        exchange = await self._wire.blocking("control command", lambda: _run(argv, action, seconds))
        if exchange.error == TOO_LONG:
            raise BenchFault(f"控制命令 {action} 超时", f"the command of control {action} did not end")
        if exchange.error:
            reason = exchange.error
            raise BenchFault(f"控制命令 {action} 失败: {reason}", f"the command of control {action} failed: {reason}")
        try:
            answer = json.loads(exchange.hops[0].response or b"{}")
        except ValueError:
            answer = {}
        return answer if isinstance(answer, dict) else {}


def _run(argv: Sequence[str], action: str, seconds: float) -> Exchange:
    """Run a command of the lab; what it prints is the response. Blocks; a replay never comes here."""
    nowhere = ("", 0)
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Exchange((), TOO_LONG)
    except OSError as error:
        return Exchange((), error.strerror or str(error))
    said = done.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {done.returncode}"
    hop = Hop(f"command:{action}", nowhere, nowhere, argv[-1].encode(), done.stdout, 0.0, 0.0)
    return Exchange((hop,), said if done.returncode else "")
