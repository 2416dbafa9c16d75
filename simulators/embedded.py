"""A golden simulator, or a mutant of it, beside a run of the suites, as a pytest plugin."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from simulators.process import Serve, SimulatorProcess

S = TypeVar("S")


class Embedded:
    """The device under test is a simulator in a process of its own. ``serve`` runs it; ``taken``: what it wants to know
    of the bench's addresses."""

    serve: ClassVar[Serve]
    taken: ClassVar[tuple[str, ...]] = ()

    def __init__(self, declaration: Path, fault: str = "", *, fork: bool = False) -> None:
        self.declaration = declaration
        self.process = SimulatorProcess(type(self).serve, declaration, fault, fork=fork)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the simulator."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start it; returns what it says of itself."""
        return self.process.start(**{name: str(addresses[name]) for name in self.taken if addresses.get(name)})

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()

    def pytest_unconfigure(self) -> None:
        """Stop it where no run came to be."""
        self.process.stop()


def simulator_class(golden: type[S], fault: str) -> type[S]:
    """The golden simulator, or the mutant of that id. Raises KeyError."""
    if not fault:
        return golden
    found: type[S] = importlib.import_module("simulators.faults.registry").load_mutants()[fault].simulator
    return found
