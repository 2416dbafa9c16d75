"""The files about mutants: the list of those that there are, and what a qualification of the suites found."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from specs.model import Text

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Za-z0-9]*$")]
RequirementId = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]+[A-Z0-9]*-([A-Z0-9]+-[0-9]{2}|[0-9]{3})[a-z]?$")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class MutantEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mutant. ``violates``: the requirement that it breaks; ``declaration``: the name of the declaration it has to
    run under, empty for the first under which the requirement applies; ``fault``: what is wrong with it."""

    id: Id
    violates: RequirementId
    fault: Text
    declaration: str = ""


class MutantList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every mutant, in order of requirement and id."""

    kandian: Literal["mutants/1"]
    mutants: tuple[MutantEntry, ...]


class QualifiedMutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one mutant. ``verdict``: that of ``requirement``, or how the run ended without one; ``others``:
    requirements that were blamed besides or instead; ``seconds``: how long the run took."""

    id: Id
    requirement: RequirementId
    declaration: str
    outcome: Literal["killed", "silent", "wrong requirement"]
    verdict: str
    others: tuple[RequirementId, ...]
    seconds: Annotated[float, msgspec.Meta(ge=0)]
    fault: Text


class QualificationFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verdict that must not be. ``requirement`` is ``-`` when the run gave no verdicts at all."""

    device: str
    requirement: str
    verdict: str
    reason: str


class QualificationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``kandian qualify --json`` writes. ``uncovered``: tested MUSTs that no mutant violates;
    ``unsteady``: verdicts under the load of the whole that a second look alone did not confirm."""

    kandian: Literal["qualification/1"]
    mutants: tuple[QualifiedMutant, ...]
    killed: Count
    silent: Count
    wrong_requirement: Count
    detection_rate: Annotated[float, msgspec.Meta(ge=0, le=1)]
    false_alarms: tuple[QualificationFinding, ...]
    null_passes: tuple[QualificationFinding, ...]
    uncovered: tuple[RequirementId, ...]
    unsteady: tuple[QualificationFinding, ...]
