"""The examples of the documentation are files that the toolkit reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.cli.report import command
from specs.waiver_files import BaselineFile, PolicyFile, WaiverFile, read_file

DOCS = Path(__file__).parents[2] / "docs"
KINDS = {"waivers/1": WaiverFile, "baseline/1": BaselineFile, "policy/1": PolicyFile}


def examples() -> list[tuple[str, str]]:
    """(format, text) of every YAML block that says its format."""
    text = "".join((DOCS / name).read_text("utf-8") for name in ("reports.md", "ci.md"))
    blocks = re.findall(r"```yaml\n(kandian: (\S+)\n.*?)```", text, re.DOTALL)
    return [(kind, block) for block, kind in blocks]


def test_every_format_has_an_example() -> None:
    assert sorted(kind for kind, _ in examples()) == sorted(KINDS)


@pytest.mark.parametrize(("kind", "text"), examples(), ids=[kind for kind, _ in examples()])
def test_example_is_read(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(text, "utf-8")
    reader: Any = KINDS[kind]
    assert read_file(tmp_path / "example.yaml", reader).kandian == kind


def test_every_form_of_report_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z]+)", (DOCS / "reports.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(command.commands)
