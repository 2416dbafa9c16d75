"""The list of public ONVIF cases, and that stanzas cite only what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.lint import lint
from specs.loader import SPECS_ROOT, SourceError, load_catalogue
from specs.onvif_public_cases import CASE_LIST, cited_cases, load_public_cases

LIST = """\
books:
- title: Small Book
  file: device/small.xml
  commit: 0123456789
  cases:
  - {id: PTZ-1-1-1, title: PTZ NODES, seen: heading}
  - {id: PTZ-1-1-2, title: PTZ NODE, seen: history}
"""
CITED = "  basis: [{kind: seed, ref: S18}]\n"


def cite(root: Path, citation: str) -> list[str]:
    """What lint finds when the stanza of the small folder has one more basis, on a line of its own."""
    (root / CASE_LIST).write_text(LIST, encoding="utf-8")
    path = root / "interface" / "xxx.yaml"
    more = f"  basis:\n  - {{kind: seed, ref: S18}}\n  - {{kind: standard, ref: ONVIF-CASES{citation}}}\n"
    path.write_text(path.read_text("utf-8").replace(CITED, more), encoding="utf-8")
    return [f"{Path(fault.path).name}:{fault.line}: {fault.sentence}" for fault in lint(root)]


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        (', clause: "PTZ-1-1-1, PTZ-1-1-2"', []),
        (", note: A book", []),
        (', clause: "PTZ-1-1-1, PTZ-9-9-9"', ["PTZ-9-9-9 is no case of interface/onvif_public_cases.yaml"]),
        (", clause: Feature discovery", ["Feature discovery is no case of interface/onvif_public_cases.yaml"]),
        (', clause: "PTZ-1-1-2, PTZ-1-1-2"', ["PTZ-1-1-2 is cited twice"]),
        ("", ["the basis ONVIF-CASES names neither a case nor a document"]),
    ],
)
def test_a_citation_is_held_against_the_list(root: Path, citation: str, expected: list[str]) -> None:
    found = cite(root, citation)
    assert len(found) == len(expected)
    for sentence, told in zip(found, expected, strict=True):
        assert sentence.startswith(f"xxx.yaml:15: IF-XXX-01: {told}")


def test_a_typo_is_told_with_the_case_that_was_meant(root: Path) -> None:
    (sentence,) = cite(root, ", clause: PTZ-1-1-11")
    assert "did you mean PTZ-1-1-1" in sentence


def test_without_a_list_every_citation_is_a_fault(root: Path) -> None:
    assert cite(root, ", clause: PTZ-1-1-1") == []
    (root / CASE_LIST).unlink()
    assert [fault.line for fault in lint(root)] == [15]


def test_a_case_stands_in_the_list_once(root: Path) -> None:
    (root / CASE_LIST).write_text(LIST.replace("PTZ-1-1-2", "PTZ-1-1-1"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"onvif_public_cases\.yaml:7: PTZ-1-1-1 stands in the list twice"):
        load_public_cases(root)
    assert [fault.line for fault in lint(root)] == [7]


def test_the_shipped_list() -> None:
    cases = load_public_cases(SPECS_ROOT)
    assert cases["IMAGING-1-1-8"].title == "IMAGING COMMAND SETIMAGINGSETTINGS – INVALID SETTINGS"
    assert cases["DEVICE-3-1-11"].title == "SYSTEM COMMAND SETSYSTEMDATEANDTIME"
    assert cases["PTZ-3-1-5"].title == "PTZ CONTINUOUS MOVE & STOP"
    cited = cited_cases(load_catalogue())
    assert cited["IMAGING-1-1-8"] == ("ONV-IMG-04",)
    assert cited["DEVICE-3-1-11"] == ("ONV-SYS-02",)
    assert cited["PTZ-3-1-5"] == ("ONV-PTZ-02",)
    assert set(cited) <= set(cases)
