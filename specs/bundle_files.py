"""The shapes of the files in a certificate bundle. Digests are sha256 in hexadecimal, times ISO 8601 with offset."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, msgspec.Meta(ge=0)]
Verdict = Literal[
    "PASS",
    "WARN",
    "INCONCLUSIVE",
    "FAIL",
    "ERROR",
    "NOT_APPLICABLE",
    "NOT_SELECTED",
    "BLOCKED",
    "NOT_TESTED",
    "WAIVED",
]
Selection = Literal["selected", "not_applicable", "excluded", "not_tested", "not_selected"]


class BundledFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size in bytes and digest of one file."""

    size: Count
    sha256: Sha256


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """manifest.json. ``files``: every file of the bundle but the manifest itself and the signatures; ``counts``:
    planned requirements by verdict; ``tests``: test lines; ``exit_code``: of the run; ``narrowed``: only a part of
    the profile was chosen, which is no certification run."""

    kandian: Literal["manifest/1"]
    plan_digest: Sha256
    spec_digest: Sha256
    declaration_digest: Sha256
    edition: str
    profile: str
    timer_scale: float
    narrowed: bool
    device: dict[str, str]
    started: str
    ended: str
    tool: str
    seed: int
    tests: Count
    counts: dict[Verdict, Count]
    exit_code: int
    files: dict[str, BundledFile]


class PublicKeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """NAME.pub.json. ``keyid``: sha256 over "algorithm:public"; ``public``: the raw key in hexadecimal."""

    kandian: Literal["key/1"]
    keyid: Sha256
    algorithm: Literal["ed25519"]
    public: Sha256
    role: Literal["vendor", "lab", "carrier"]
    owner: str
    created: str
    expires: str


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A digest set of in-toto."""

    sha256: Sha256


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resource descriptor of in-toto."""

    name: str
    digest: Digests


class RequirementVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One planned requirement."""

    id: str
    selection: Selection
    verdict: Verdict


class VerdictPredicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signer says of a run: every planned requirement with its verdict."""

    role: Literal["vendor", "lab", "carrier"]
    kind: str
    signedAt: str
    device: dict[str, str]
    edition: str
    profile: str
    plan_digest: Sha256
    spec_digest: Sha256
    timer_scale: float
    narrowed: bool
    counts: dict[Verdict, Count]
    tests: Count
    exit_code: int
    requirements: list[RequirementVerdict]


class VerdictStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An in-toto Statement with our predicate; the subject is manifest.json."""

    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: Annotated[list[Resource], msgspec.Meta(min_length=1, max_length=1)]
    predicateType: Literal["urn:x-kandian:requirement-verdicts:v1"]
    predicate: VerdictPredicate


class ResultHeader(msgspec.Struct, frozen=True):
    """The first line of results.jsonl, as far as a bundle depends on it."""

    kind: Literal["header"]
    tool: str
    started: str
    edition: str
    profile: str
    plan_digest: Sha256
    spec_digest: Sha256
    declaration_digest: Sha256
    seed: int
    timer_scale: float
    device: dict[str, str]


class BothLanguages(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


class RecordedCheck(msgspec.Struct, frozen=True):
    """One check of a test line."""

    requirement: str
    outcome: Literal["held", "violated", "inconclusive", "not_applicable"]


class RecordedControl(msgspec.Struct, frozen=True):
    """One control leg of a test line."""

    held: bool


class ResultTest(msgspec.Struct, frozen=True):
    """A test line, as far as verdicts depend on it."""

    kind: Literal["test"]
    index: Count
    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._=-]+$")]
    nodeid: str
    verdict: Verdict
    requirements: Annotated[dict[str, Verdict], msgspec.Meta(min_length=1)]
    reason: BothLanguages
    checks: list[RecordedCheck]
    controls: list[RecordedControl]
    evidence: str


class ResultFooter(msgspec.Struct, frozen=True):
    """The last line."""

    kind: Literal["footer"]
    ended: str
    tests: Count
    counts: dict[Verdict, Count]
    requirements: dict[str, Verdict]
    blocked: BothLanguages | None
    broken: str
    interrupted: bool
    exit_code: int
    digest: Sha256


class PlanRow(msgspec.Struct, frozen=True):
    """One requirement of the plan."""

    id: str
    selection: Selection
    reason: BothLanguages


class PlanFile(msgspec.Struct, frozen=True):
    """plan.json, as far as a bundle depends on it."""

    edition: str
    profile: str
    proposed_violation: Literal["WARN", "FAIL"]
    timer_scale: float
    spec_digest: Sha256
    declaration_digest: Sha256
    requirements: list[PlanRow]
    digest: Sha256


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """environment.json. ``clock_offset``: seconds by which the device's clock was ahead, by source; ``found``: what
    the device said of itself, each value once, in the order of appearance; ``seeds``: of the run and of each test."""

    kandian: Literal["environment/1"]
    tool: str
    python: str
    platform: str
    packages: dict[str, str]
    declared: dict[str, str]
    found: dict[str, list[str]]
    clock_offset: dict[str, float]
    seeds: dict[str, int]
