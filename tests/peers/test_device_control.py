"""Commands of the lab as bench controls: run once, taken from the tape ever after."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault
from conformance.wire import LiveWire, Recorder, Wire, read_tape, replay
from specs.declaration import Action, Controls
from specs.model import Limit

LIMITS = {name: Limit(unit="s", value=5.0) for name in ("control_wait", "answer_wait", "connect_wait")}
GOOD = "import sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write('x'); print('{\"said\": ' + sys.argv[2] + '}')"
BAD = "import sys; sys.exit('the relay is stuck')"


def control(wire: Wire, *argv: str, seconds: float = 5.0) -> DeviceControl:
    action = Action((sys.executable, "-c", *argv))
    limits = {**LIMITS, "control_wait": Limit(unit="s", value=seconds)}
    return DeviceControl(wire, Controls(commands={"power": action}), limits)


def test_a_command_runs_once_and_then_comes_from_the_tape(tmp_path: Path) -> None:
    traces = tmp_path / "traces"

    async def script(wire: Wire) -> dict[str, Any]:
        return await control(wire, GOOD, str(traces)).do("power", on=True)

    async def live() -> dict[str, Any]:
        async with LiveWire(Recorder(tmp_path / "tape")) as wire:
            return await script(wire)

    answer = asyncio.run(live())

    assert answer == {"said": {"on": True}}
    assert replay(read_tape(tmp_path / "tape"), script) == answer
    assert traces.read_text() == "x"


@pytest.mark.parametrize(
    ("argv", "seconds", "reason"),
    [
        ((BAD,), 5.0, "the relay is stuck"),
        (("while True: pass",), 0.2, "did not end"),
        (("raise SystemExit(3)",), 5.0, "3"),
    ],
)
def test_a_command_that_fails_is_a_fault_of_the_bench(argv: tuple[str, ...], seconds: float, reason: str) -> None:
    async def live() -> None:
        async with LiveWire() as wire:
            await control(wire, *argv, seconds=seconds).do("power")

    with pytest.raises(BenchFault, match=reason):
        asyncio.run(live())


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    async def live() -> None:
        async with LiveWire() as wire:
            controls = Controls(commands={"power": Action((str(tmp_path / "nothing"),))})
            await DeviceControl(wire, controls, LIMITS).do("power")

    with pytest.raises(BenchFault, match="No such file"):
        asyncio.run(live())
