"""The camera's own numbers: timers.yaml, the long ones multiplied by the declared scale."""

from __future__ import annotations

from pathlib import Path

import msgspec

from specs.loader import decode
from specs.yaml_source import read_yaml

SOURCE = Path(__file__).with_name("timers.yaml")


class Timers(msgspec.Struct, frozen=True):
    """Seconds by name, and counts."""

    long: dict[str, float]
    reaction: dict[str, float]
    counts: dict[str, int]
    scale: float = 1.0

    def seconds(self, name: str) -> float:
        """A waiting time in seconds, scaled where it is a long one."""
        return self.long[name] * self.scale if name in self.long else self.reaction[name]


def load_timers(scale: float) -> Timers:
    """Timers under this scale. Raises SourceError."""
    return msgspec.structs.replace(decode(read_yaml(SOURCE), (), Timers), scale=scale)
