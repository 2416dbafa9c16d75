"""The test plan for people: its parts, and that nothing of the plan is missing in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli.plan import command
from conformance.model.plan import Choice, Plan, make_plan
from conformance.model.plan_document import plan_document
from specs.declaration import LoadedDeclaration, load_declaration
from specs.loader import load_catalogue

CATALOGUE = load_catalogue()
TEXT = """kandian: declaration/1
device: {role: platform, dev_id: province-1, model: P-9, version: V3}
platform: {}
bench: {host: 192.0.2.10, second_host: 192.0.2.11, push_port: 8090}
features: {tykd: true, push: true}
controls: {endpoint: "tcp://127.0.0.1:9", actions: [clock]}
timers: {scale: 0.5}
"""
TOOLS = {"kandian": "0.1.0", "Python": "3.11.7"}


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedDeclaration:
    path = tmp_path / "platform.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_declaration(path, CATALOGUE.vocabulary)


@pytest.fixture
def plan(loaded: LoadedDeclaration) -> Plan:
    return make_plan(CATALOGUE, CATALOGUE.profile("platform"), "formal-2013.08", loaded, Choice())


def section(document: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    return document.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_its_parts(plan: Plan, loaded: LoadedDeclaration) -> None:
    document = plan_document(CATALOGUE, plan, loaded, TOOLS, "en")
    setup = section(document, "1 Subject and set-up")
    assert "- Under test: P-9 V3 province-1 (platform)\n" in setup
    assert f"`{plan.document()['digest']}`" in setup
    assert "192.0.2.10, 192.0.2.11; group_port any free port" in setup
    assert "push_port 8090" in setup
    assert "- Controls of the bench: clock" in setup
    assert section(document, "2 Tools and versions").split() == ["-", "kandian", "0.1.0", "-", "Python", "3.11.7"]
    assert "- latency <= 400 ms\n- jitter <= 50 ms\n- loss <= 0.001 ratio" in section(document, "3 Network profile")
    assert section(document, "4 Evidence").strip() == "The traffic of every test is kept, 1024 MB at most."
    assert "- MUST (ratified): When violated FAIL\n- MUST (proposed): When violated WARN" in document
    assert "`--lf`" in section(document, "6 Retest rule")


def test_every_selected_requirement_has_its_steps_and_limits(plan: Plan, loaded: LoadedDeclaration) -> None:
    document = plan_document(CATALOGUE, plan, loaded, TOOLS, "en")
    tests = section(document, "7 Tests")
    headings = [line.split()[1] for line in tests.splitlines() if line.startswith("### ")]
    assert headings == [row.id for row in plan.rows if row.selection == "selected"]
    one = tests.split("### BIZ-KPI-04a ")[1].split("### ")[0]
    assert "- MUST, ratified, rev 2; When violated: FAIL" in one
    assert "push <= 4 s (+-0.3 s)" in one
    assert "apart >= 5 s" in one
    assert [line.split(":")[0].strip() for line in one.splitlines() if line.startswith("  - ")] == [
        "- s1",
        "- s2",
        "- s3",
    ]


def test_what_is_not_tested_has_its_reason(plan: Plan, loaded: LoadedDeclaration) -> None:
    others = section(plan_document(CATALOGUE, plan, loaded, TOOLS, "en"), "8 What is not tested, and why")
    lines = [line for line in others.splitlines() if line.startswith("- ")]
    assert len(lines) == len([row for row in plan.rows if row.selection != "selected"])
    assert all(not line.endswith("; ") for line in lines)


def test_both_languages_have_the_same_parts(plan: Plan, loaded: LoadedDeclaration) -> None:
    zh, en = (plan_document(CATALOGUE, plan, loaded, TOOLS, language) for language in ("zh", "en"))
    assert zh.startswith("# 测试方案\n")
    assert [line.split()[1] for line in zh.splitlines() if line.startswith("#")][1:] == [
        line.split()[1] for line in en.splitlines() if line.startswith("#")
    ][1:]


def test_the_command_writes_it(tmp_path: Path, loaded: LoadedDeclaration) -> None:
    file = tmp_path / "plan.md"
    told = CliRunner().invoke(command, ["--declaration", str(loaded.path), "--lang", "en", "--document", str(file)])
    assert told.exit_code == 0, told.output
    assert "### BIZ-ALM-05 Alarm history" in file.read_text("utf-8")
