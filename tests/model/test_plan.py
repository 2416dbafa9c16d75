"""The plan: what is selected, what not, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.model.plan import Choice, Plan, make_plan
from specs.declaration import LoadedDeclaration, load_declaration
from specs.loader import UnknownName, load_catalogue

CATALOGUE = load_catalogue()
TEXT = """kandian: declaration/1
device: {dev_id: KDN00000001, key: {value: abcdefgh}}
features: {tykd: true, anti_hotlink: true, ptz: false, playback: false, channels: 1, max_viewers: 2, udp: true}
controls: {endpoint: "tcp://127.0.0.1:9", actions: [clock]}
"""


@pytest.fixture
def declaration(tmp_path: Path) -> LoadedDeclaration:
    path = tmp_path / "device.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_declaration(path, CATALOGUE.vocabulary)


def plan(declaration: LoadedDeclaration, **choice: object) -> Plan:
    chosen = Choice(**choice)  # type: ignore[arg-type]
    return make_plan(CATALOGUE, CATALOGUE.profile("camera"), "formal-2013.08", declaration, chosen)


def rows(of: Plan) -> dict[str, tuple[str, str]]:
    return {row.id: (row.selection, row.reason.en) for row in of.rows}


def test_rows_have_reasons(declaration: LoadedDeclaration) -> None:
    found = rows(plan(declaration))
    assert found["IF-AHL-02"] == ("selected", "")
    assert found["IF-AHL-04"][0] == "not_applicable"
    assert "feature.playback" in found["IF-AHL-04"][1]
    assert found["IF-REG-07"] == ("selected", "")
    assert found["IF-LOG-08a"] == ("excluded", "the bench lacks the control control.link")
    assert found["IF-AHL-27"] == ("excluded", "may harm the device: needs --allow-destructive")
    assert "IF-CLI-01" not in found


def test_destructive_tests_can_be_allowed(declaration: LoadedDeclaration) -> None:
    assert rows(plan(declaration, allow_destructive=True))["IF-AHL-27"] == ("selected", "")


@pytest.mark.parametrize(
    ("images", "selected"),
    [
        ("", set()),
        ("images: {good: [{path: a.bin, version: V1.1.0_20140101}]}\n", {"IF-MNT-04a"}),
        ("images: {older: o.bin, foreign_model: f.bin}\n", {"IF-MNT-04c", "IF-MNT-04d"}),
        ("images: {handed_over: true}\n", {"IF-MNT-04a", "IF-MNT-04c", "IF-MNT-04d"}),
    ],
    ids=["none", "good", "others", "handed-over"],
)
def test_upgrades_need_images(tmp_path: Path, images: str, selected: set[str]) -> None:
    path = tmp_path / "device.yaml"
    path.write_text(TEXT.replace("ptz: false", "upgrade: true") + images, encoding="utf-8")
    found = plan(load_declaration(path, CATALOGUE.vocabulary), allow_destructive=True)
    assert found.selected & {"IF-MNT-04a", "IF-MNT-04c", "IF-MNT-04d"} == selected
    if not selected:
        assert rows(found)["IF-MNT-04c"] == ("excluded", "the declaration names no image.foreign_model")
        assert rows(found)["IF-MNT-05a"] == ("excluded", "the bench lacks the control control.power")


def test_narrowing(declaration: LoadedDeclaration) -> None:
    chosen = plan(declaration, requirements=("IF-AHL-0[12]",), levels=("MUST",))
    assert chosen.selected == {"IF-AHL-01", "IF-AHL-02"}


def test_unknown_names_have_near_matches(declaration: LoadedDeclaration) -> None:
    with pytest.raises(UnknownName, match=r"no requirement named 'IF-AHL-2'; did you mean IF-AHL-2"):
        plan(declaration, requirements=("IF-AHL-2",))
    with pytest.raises(UnknownName, match=r"no profile named .camra.; did you mean camera"):
        CATALOGUE.profile("camra")
    with pytest.raises(UnknownName, match=r"no edition named .formal.; did you mean formal-2013\.08"):
        CATALOGUE.edition("formal")


def test_the_digest_covers_every_row(declaration: LoadedDeclaration) -> None:
    one, other = plan(declaration).document(), plan(declaration, allow_destructive=True).document()
    assert one["digest"] == plan(declaration).document()["digest"]
    assert one["digest"] != other["digest"]


def test_an_earlier_edition_has_no_later_requirements(declaration: LoadedDeclaration) -> None:
    early = make_plan(CATALOGUE, CATALOGUE.profile("camera"), "pilot-2013.06", declaration)
    assert {row.id for row in early.rows} <= set(rows(plan(declaration)))
