"""The releases of the ONVIF books, and what names them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specs.lint import lint
from specs.loader import SPECS_ROOT, load_catalogue
from specs.model import Basis
from specs.onvif_operations import OPERATION_FOLDER, load_onvif_operations, version_of
from specs.onvif_releases import RELEASES, load_releases

CITED = "  basis: [{kind: seed, ref: S18}]\n"


def test_the_list_runs_from_the_first_split_of_the_books() -> None:
    releases = load_releases(SPECS_ROOT)
    assert (releases[0].id, releases[0].month) == ("2.1", "2011-07")
    months = [release.month for release in releases]
    assert months == sorted(set(months))
    assert {"2.4.2", "16.06", "22.12"} < {release.id for release in releases}


@pytest.mark.parametrize(
    ("release", "version"),
    [("2.1", (2, 10)), ("2.4.2", (2, 42)), ("2.6.1", (2, 61)), ("16.06", (16, 6)), ("18.12", (18, 12))],
)
def test_a_release_as_devices_tell_it(release: str, version: tuple[int, int]) -> None:
    assert version_of(release) == version


def test_operations_that_came_later() -> None:
    tables = load_onvif_operations()
    seek, displays = tables.operation("events", "Seek"), tables.operation("media", "GetOSDs")
    assert [seek.begins_after(version) for version in ((2, 21), (2, 30), (16, 6))] == [True, False, False]
    assert [displays.begins_after(version) for version in ((2, 30), (2, 4), (2, 40))] == [True, True, False]
    assert not tables.operation("device", "GetServices").begins_after((1, 0))
    assert (tables.services["media2"].since, tables.services["uplink"].since) == ("2.6.1", "18.12")


def test_a_basis_tells_its_releases() -> None:
    assert str(Basis("standard", "ONVIF-UPLINK", "Uplink", since="18.12")) == "ONVIF-UPLINK Uplink [18.12–]"
    assert str(Basis("standard", "ONVIF-CORE", "8.3", "a remark", "2.1", "24.12")) == "ONVIF-CORE 8.3 [2.1–24.12]"
    assert str(Basis("seed", "S18")) == "S18"


def test_every_stanza_of_the_later_services_says_since_when() -> None:
    found = {
        basis.since
        for requirement in load_catalogue().requirements.values()
        for basis in requirement.basis
        if basis.ref in ("ONVIF-MEDIA2", "ONVIF-UPLINK")
    }
    assert found == {"2.6.1", "18.12"}


@pytest.mark.parametrize(
    ("basis", "sentence"),
    [
        ('ref: ONVIF-PTZ, since: "2.2"', ""),
        ('ref: ONVIF-PTZ, since: "2.7"', "ONVIF-PTZ: since: there is no release 2.7"),
        ('ref: ONVIF-PTZ, since: "17.06", until: "2.6"', "ONVIF-PTZ: until 2.6 lies before since 17.06"),
        ('ref: RFC7616, since: "2.2"', "RFC7616 has no ONVIF releases"),
    ],
)
def test_a_basis_names_a_release(root: Path, basis: str, sentence: str) -> None:
    shutil.copy(SPECS_ROOT / RELEASES, root / RELEASES)
    path = root / "interface" / "xxx.yaml"
    more = f"  basis: [{{kind: seed, ref: S18}}, {{kind: standard, {basis}}}]\n"
    path.write_text(path.read_text("utf-8").replace(CITED, more), encoding="utf-8")
    assert [fault.sentence for fault in lint(root)] == ([f"IF-XXX-01: {sentence}"] if sentence else [])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('since: "18.12"', 'since: "18.11"', "since: there is no release 18.11"),
        ("- name: SetUplink\n", '- name: SetUplink\n  until: "1.0"\n', "SetUplink: until: there is no release 1.0"),
    ],
)
def test_an_operation_names_a_release(root: Path, old: str, new: str, sentence: str) -> None:
    folder = OPERATION_FOLDER.relative_to(SPECS_ROOT)
    shutil.copytree(OPERATION_FOLDER, root / folder, dirs_exist_ok=True)
    shutil.copy(SPECS_ROOT / RELEASES, root / RELEASES)
    shutil.copy(SPECS_ROOT / "basis.yaml", root / "basis.yaml")
    path = root / folder / "uplink.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    told = [(Path(fault.path).name, fault.sentence) for fault in lint(root)]
    assert told == [("uplink.yaml", sentence)]
