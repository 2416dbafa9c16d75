"""Two states of the spec: what is told of a change, and whom it concerns."""

from __future__ import annotations

import msgspec
import pytest

from specs.difference import FieldChange, RequirementChange, affecting, compare, in_edition
from specs.loader import UnknownName, load_catalogue
from specs.model import Limit, NotTested, Requirement, Text


@pytest.fixture(scope="module")
def one() -> Requirement:
    return load_catalogue().requirement("IF-AHL-02")


def only(old: Requirement, **fields: object) -> RequirementChange:
    (change,) = compare({old.id: old}, {old.id: msgspec.structs.replace(old, **fields)})
    return change


def test_nothing_changed(one: Requirement) -> None:
    assert compare({one.id: one}, {one.id: one}) == ()


def test_added_and_removed(one: Requirement) -> None:
    assert compare({}, {one.id: one}) == (RequirementChange("IF-AHL-02", "camera", ("added",), 0, one.rev, ()),)
    assert compare({one.id: one}, {}) == (RequirementChange("IF-AHL-02", "camera", ("removed",), one.rev, 0, ()),)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("level", "SHOULD", "level"),
        ("status", "proposed", "level"),
        ("when", "always", "condition"),
        ("needs", ("control.power",), "condition"),
        ("not_tested", NotTested("needs_lab", "没有设备", "no bench"), "condition"),
        ("text", Text(zh="别的", en="Other"), "text"),
        ("remedy", Text(zh="别的", en="Other"), "text"),
    ],
)
def test_the_kind_of_a_change(one: Requirement, field: str, value: object, kind: str) -> None:
    change = only(one, **{field: value})
    assert change.kinds == (kind,)
    assert change.decides == (kind != "text")
    assert [told.field for told in change.fields] == [field]


def test_a_limit_is_told_with_both_values(one: Requirement) -> None:
    limits = {**one.limits, "verdict_wait": Limit(unit="s", max=3.0)}
    assert only(one, limits=limits, rev=9).fields == (
        FieldChange("limits", "verdict_wait <= 4 s (+-0.2 s) [observed]", "verdict_wait <= 3 s [ratified]"),
    )


def test_several_kinds_at_once(one: Requirement) -> None:
    change = only(one, level="MAY", limits={}, when="always", text=Text(zh="别的", en="Other"))
    assert change.kinds == ("level", "limit", "condition")


def test_whom_a_change_concerns(one: Requirement) -> None:
    limit, text = only(one, limits={}), only(one, text=Text(zh="别的", en="Other"))
    added = RequirementChange("IF-NEW-01", "camera", ("added",), 0, 1, ())

    assert affecting((limit, text), frozenset({"IF-AHL-02"}), "camera") == (limit,)
    assert affecting((limit,), frozenset({"IF-AHL-01"}), "camera") == ()
    assert affecting((added,), frozenset(), "camera") == (added,)
    assert affecting((added,), frozenset(), "cloud_storage") == ()


def test_editions() -> None:
    catalogue = load_catalogue()
    first, last = in_edition(catalogue, "pilot-2013.06"), in_edition(catalogue, "formal-2013.08")
    assert "IF-REG-01" in first
    assert len(first) < len(last)
    with pytest.raises(UnknownName):
        in_edition(catalogue, "formal-1913.08")
