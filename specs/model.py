"""What the spec files hold, as frozen values. Field names are the keys of the YAML files."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["MUST", "SHOULD", "MAY"]
Role = Literal["camera", "platform", "streams", "client", "cloud_storage", "operator", "portal", "toolkit"]
Binding = Literal[
    "tykd", "media", "ftp", "turn", "client", "cloud", "operator", "ui", "gb28181", "onvif", "service", "toolkit"
]
Status = Literal["ratified", "proposed"]
BasisKind = Literal["seed", "observed", "number", "practice", "standard", "assumed"]
Unit = Literal[
    "s",
    "ms",
    "min",
    "h",
    "d",
    "kbit/s",
    "Mbit/s",
    "fps",
    "px",
    "%",
    "ratio",
    "count",
    "packets",
    "bytes",
    "MB",
    "Hz",
    "1",
]
NotTestedReason = Literal["planned", "not-observable", "needs-lab", "undefined-body"]
Severity = Literal["FAIL", "INCONCLUSIVE"]

SECONDS: dict[str, float] = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str

    def get(self, language: str) -> str:
        """The text in ``zh`` or ``en``."""
        return self.zh if language == "zh" else self.en


class Basis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a requirement rests on: a key of basis.yaml, the clause of a standard, a remark. ``since`` and ``until``:
    first and last release of an ONVIF book that holds it, where it is not in all."""

    kind: BasisKind
    ref: str
    clause: str = ""
    note: str = ""
    since: str = ""
    until: str = ""

    def __str__(self) -> str:
        """On one line, without the remark."""
        span = f"[{self.since}–{self.until}]" if self.since or self.until else ""
        return " ".join(filter(None, (self.ref, self.clause, span)))


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of the spec. ``uncertainty`` is how far a measurement may lie outside before it counts."""

    unit: Unit
    max: float | None = None
    min: float | None = None
    value: float | None = None
    uncertainty: float = 0.0
    status: Literal["ratified", "observed", "proposed"] = "ratified"
    scalable: bool = False

    def scaled(self, factor: float) -> Limit:
        """The limit under compressed timers; only ``scalable`` limits change."""
        if not self.scalable or factor == 1.0:
            return self
        times = [None if number is None else number * factor for number in (self.max, self.min, self.value)]
        return msgspec.structs.replace(self, max=times[0], min=times[1], value=times[2])

    @property
    def seconds(self) -> float:
        """The single number of a time limit (value, else max, else min) in seconds."""
        number = next(n for n in (self.value, self.max, self.min) if n is not None)
        return number * SECONDS[self.unit]

    @property
    def number(self) -> float:
        """The single number of the limit: value, else max, else min, in its own unit."""
        return next(n for n in (self.value, self.max, self.min) if n is not None)

    def holds(self, measured: float) -> bool:
        """Whether a measurement in the limit's unit keeps it, measurement uncertainty allowed for."""
        if self.max is not None and measured > self.max + self.uncertainty:
            return False
        if self.min is not None and measured < self.min - self.uncertainty:
            return False
        return self.value is None or abs(measured - self.value) <= self.uncertainty

    def __str__(self) -> str:
        parts = [
            f"{sign} {n:g}" for sign, n in (("=", self.value), (">=", self.min), ("<=", self.max)) if n is not None
        ]
        unit = "" if self.unit in ("1", "count") else f" {self.unit}"
        slack = f" (+-{self.uncertainty:g}{unit})" if self.uncertainty else ""
        return " and ".join(parts) + unit + slack


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the test procedure."""

    id: str
    zh: str
    en: str


class NotTested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why no test verifies the requirement."""

    reason: NotTestedReason
    zh: str
    en: str


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement of the service."""

    id: str
    rev: int
    title: Text
    level: Level
    role: Role
    binding: Binding
    when: str
    status: Status
    since: str
    basis: tuple[Basis, ...]
    text: Text
    procedure: tuple[Step, ...]
    remedy: Text
    until: str = ""
    limits: dict[str, Limit] = {}
    needs: tuple[str, ...] = ()
    destructive: bool = False
    interrupted: Severity = "INCONCLUSIVE"
    not_tested: NotTested | None = None

    @property
    def group(self) -> str:
        """``IF-AHL`` of ``IF-AHL-02a``."""
        return self.id.rpartition("-")[0]


class RequirementFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of stanzas."""

    group: str
    title: Text
    requirements: tuple[Requirement, ...]


class BasisKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source that requirements may rest on."""

    kind: BasisKind
    zh: str
    en: str


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a device may declare."""

    type: Literal["bool", "int", "enum", "set"]
    zh: str
    en: str
    values: tuple[str, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """features.yaml: what a declaration can say and what a bench can do to a device."""

    features: dict[str, Feature]
    controls: dict[str, Text]


class Edition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One edition of the spec series; their order in the file is their order in time."""

    id: str
    title: Text
    date: str
    basis: tuple[Basis, ...] = ()


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requirements that a profile leaves out, and why."""

    id: str
    reason: Text


class EvidencePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle keeps of the recorded traffic. ``keep``: ``all`` bytes that a verdict read, or only those of tests
    that left something to explain (``findings``); ``budget``: MB that it may have at most, 0 for any number."""

    keep: Literal["all", "findings"] = "all"
    budget: int = 0


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certification profile: which requirements a certificate covers."""

    kandian: Literal["profile/1"]
    id: str
    title: Text
    description: Text
    role: Role
    include: tuple[str, ...]
    exclude: tuple[Exclusion, ...] = ()
    proposed_violation: Literal["WARN", "FAIL"] = "WARN"
    evidence: EvidencePolicy = EvidencePolicy()
