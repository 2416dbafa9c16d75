"""The files that partners put into their CI: valid by the schemas of their hosts, and they call commands that exist."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from conformance.cli.main import cli

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "docs" / "ci" / "kandian.gitlab-ci.yml"
DOCKERFILE = ROOT / "Dockerfile"
INPUTS = ("declaration", "profile", "baseline")
OUTPUTS = ("junit", "sarif", "summary", "bundle")


@pytest.mark.parametrize(
    ("schema", "path"), [("vendor.github-actions", ACTION), ("vendor.gitlab-ci", GITLAB)], ids=("github", "gitlab")
)
def test_valid_by_the_schema_of_the_host(schema: str, path: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(path)]).exit_code == 0
    broken = tmp_path / path.name
    broken.write_text(path.read_text("utf-8").replace("steps:", "stepz:").replace("stage: test", "stage: {}"), "utf-8")
    assert CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(broken)]).exit_code == 1


def test_documented_workflow_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(jobs:\n.*?)```", text, re.DOTALL)
    path = tmp_path / "workflow.yml"
    path.write_text("on: push\n" + block, "utf-8")
    assert (
        CliRunner().invoke(check_jsonschema, ["--builtin-schema", "vendor.github-workflows", str(path)]).exit_code == 0
    )
    given = next(
        step["with"] for step in yaml.safe_load(block)["jobs"]["conformance"]["steps"] if "kandian" in step["uses"]
    )
    assert set(given) <= set(yaml.safe_load(ACTION.read_text("utf-8"))["inputs"])


def test_action_has_the_promised_inputs_and_outputs() -> None:
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    assert set(INPUTS) <= set(action["inputs"])
    assert set(OUTPUTS) <= set(action["outputs"])


def test_inputs_reach_the_shell_as_variables_only() -> None:
    """An input that stood in the text of a script would be a way to run commands."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"], step["name"]


def test_gitlab_publishes_results_even_when_the_gate_is_shut() -> None:
    job = yaml.safe_load(GITLAB.read_text("utf-8"))["kandian"]
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"]["junit"] == "certify-out/junit.xml"


def options(*names: str) -> set[str]:
    """The long options of a command of ours."""
    command: click.Command | None = cli
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None, names
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


@pytest.mark.parametrize("path", [ACTION, GITLAB], ids=("github", "gitlab"))
def test_options_in_the_scripts_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    certify, gate, sarif = options("certify"), options("gate"), options("report", "sarif")
    used = set(re.findall(r'(?<=[\s(])--[a-z-]+(?= ["$a-z])', text)) - {"--quiet"}
    assert {"--declaration", "--profile", "--baseline", "--policy", "--waivers", "--bundle", "--summary"} <= used
    assert used - {"--require-hashes", "--no-deps", "--no-build-isolation"} <= certify | gate | sarif


def test_hook_lints_the_specs_of_the_repository_that_it_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    name, *arguments = hook["entry"].split()
    assert name == "kandian"
    assert re.search(hook["files"], "specs/interface/anti_hotlink.yaml")
    assert not re.search(hook["files"], "docs/ci.md")
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    stanza = tmp_path / "specs" / "interface" / "anti_hotlink.yaml"
    stanza.write_text(stanza.read_text("utf-8").replace("level: MUST", "level: MIGHT", 1), "utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 1
    assert "anti_hotlink.yaml" in result.output


def test_image_installs_locked_packages_the_font_and_no_root_user() -> None:
    text = DOCKERFILE.read_text("utf-8")
    assert "fonts-noto-cjk" in text
    assert "--require-hashes -r requirements.lock" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    copied = [path for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for path in line.split()]
    assert [path for path in copied if not (ROOT / path).exists()] == []
