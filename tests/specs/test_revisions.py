"""A normative field does not change under the same rev; what only explains may."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.lint import lint
from specs.loader import load_catalogue
from specs.revisions import LOCK_FILE, read_revisions, write_revisions


def change(root: Path, *changes: tuple[str, str]) -> list[str]:
    """Change the file; what lint then says."""
    path = root / "interface" / "xxx.yaml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return [fault.sentence for fault in lint(root)]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("level: MUST", "level: SHOULD", "level (level, status, interrupted)"),
        ("status: ratified", "status: proposed", "level (level, status, interrupted)"),
        ("max: 4.0", "max: 5.0", "limit (limits)"),
        ("unit: s}", "unit: s, uncertainty: 0.5}", "limit (limits)"),
        ("when: always", "when: feature.tykd", "condition (when, since, until, role, binding, needs, destructive)"),
        ("en: Text", "en: Other text", "text (text)"),
    ],
)
def test_a_normative_field_needs_a_new_rev(root: Path, old: str, new: str, kind: str) -> None:
    assert change(root, (old, new)) == [f"IF-XXX-01: changed without a new rev: {kind}"]


@pytest.mark.parametrize(
    ("old", "new"), [("en: Title", "en: Name"), ("en: Remedy", "en: Cure"), ("en: Step", "en: Do")]
)
def test_what_explains_may_change(root: Path, old: str, new: str) -> None:
    assert change(root, (old, new)) == []


def test_a_new_rev_is_locked(root: Path) -> None:
    assert change(root, ("rev: 2", "rev: 3"), ("max: 4.0", "max: 5.0")) == [
        "IF-XXX-01: rev 3 is not locked; run `kandian specs lint --lock`"
    ]
    assert write_revisions(root, load_catalogue(root)) == ["IF-XXX-01"]
    assert [str(fault) for fault in lint(root)] == []


def test_locking_does_not_cover_up_a_change(root: Path) -> None:
    change(root, ("max: 4.0", "max: 5.0"))
    assert write_revisions(root, load_catalogue(root)) == []
    assert [fault.sentence for fault in lint(root)] == ["IF-XXX-01: changed without a new rev: limit (limits)"]


def test_a_rev_never_falls(root: Path) -> None:
    assert change(root, ("rev: 2", "rev: 1")) == ["IF-XXX-01: rev 1 is lower than the locked rev 2"]


def test_a_requirement_without_a_locked_revision(root: Path) -> None:
    (root / LOCK_FILE).unlink()
    assert read_revisions(root) == {}
    assert [fault.sentence for fault in lint(root)] == [
        "IF-XXX-01: its revision is not locked; run `kandian specs lint --lock`"
    ]


def test_a_line_that_is_none_is_named(root: Path) -> None:
    (root / LOCK_FILE).write_text("# head\nIF-XXX-01 two level=1\n", encoding="utf-8")
    assert [f"{Path(fault.path).name}:{fault.line}" for fault in lint(root)] == [f"{LOCK_FILE}:2"]
