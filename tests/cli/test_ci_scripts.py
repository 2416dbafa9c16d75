"""The scripts of the CI files, run by a shell against a stand-in for kandian that notes how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAND_IN = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$1" in
  certify) if [ "$BUNDLE" = yes ]; then : > certify-out/run.kandian; fi; exit "$CERTIFY" ;;
  gate) echo '## summary' >> certify-out/summary.md; exit "$GATE" ;;
esac
"""
EVERYTHING = {
    "declaration": "my cam.yaml",
    "profile": "p",
    "baseline": "b.json",
    "policy": "po.yaml",
    "waivers": "w.yaml",
}


class Shop:
    """A folder with the stand-in, and what a script did in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tool = folder / "kandian" / "bin" / "kandian"
        tool.parent.mkdir(parents=True)
        tool.write_text(STAND_IN, "utf-8")
        tool.chmod(0o755)
        self.environment = {
            "PATH": f"{tool.parent}:{os.environ['PATH']}",
            "CALLS": str(folder / "calls"),
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "step_summary"),
        }

    def run(self, shell: list[str], script: str, **environment: str) -> int:
        return subprocess.run(
            [*shell, script], cwd=self.folder, env={**self.environment, **environment}, timeout=30, check=False
        ).returncode

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text("utf-8").splitlines()


def github(shop: Shop, inputs: dict[str, str], **answers: str) -> int:
    """The steps after the installation, as the runner of a composite action takes them."""
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    values = {name: inputs.get(name, given["default"]) for name, given in action["inputs"].items()}
    code = 0
    for step in action["runs"]["steps"][1:]:
        environment = {k: values[v.removeprefix("${{ inputs.").removesuffix(" }}")] for k, v in step["env"].items()}
        code = code or shop.run(["bash", "-eo", "pipefail", "-c"], step["run"], **environment, **answers)
    return code


def gitlab(shop: Shop, inputs: dict[str, str], **answers: str) -> int:
    """The job, as one shell runs its lines."""
    document = yaml.safe_load((ROOT / "docs" / "ci" / "kandian.gitlab-ci.yml").read_text("utf-8"))
    variables = {**document["variables"], **{f"KANDIAN_{name.upper()}": value for name, value in inputs.items()}}
    return shop.run(["sh", "-ec"], "\n".join(document["kandian"]["script"]), **variables, **answers)


HOSTS = pytest.mark.parametrize("host", [github, gitlab], ids=("github", "gitlab"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@HOSTS
def test_every_input_reaches_its_command(host: Any, shop: Shop) -> None:
    assert host(shop, EVERYTHING, CERTIFY="0", GATE="0", BUNDLE="yes") == 0
    assert shop.calls == [
        "certify --out certify-out --lang zh --bundle certify-out/run.kandian"
        " --declaration my cam.yaml --profile p --waivers w.yaml",
        "report sarif certify-out --out certify-out/kandian.sarif --lang zh",
        "gate certify-out --summary certify-out/summary.md --lang zh"
        " --baseline b.json --policy po.yaml --waivers w.yaml",
    ]


@HOSTS
def test_without_inputs_no_option_is_left_over(host: Any, shop: Shop) -> None:
    assert host(shop, {}, CERTIFY="0", GATE="0", BUNDLE="yes") == 0
    assert shop.calls[0] == "certify --out certify-out --lang zh --bundle certify-out/run.kandian"
    assert shop.calls[2] == "gate certify-out --summary certify-out/summary.md --lang zh"


@HOSTS
@pytest.mark.parametrize(
    ("certify", "gate", "bundle", "expected"),
    [
        ("1", "0", "yes", 0),
        ("1", "1", "yes", 1),
        ("0", "1", "yes", 1),
        ("10", "0", "yes", 0),
        ("3", "1", "no", 1),
        ("3", "0", "no", 3),
    ],
)
def test_the_gate_decides(host: Any, shop: Shop, certify: str, gate: str, bundle: str, expected: int) -> None:
    assert host(shop, {}, CERTIFY=certify, GATE=gate, BUNDLE=bundle) == expected


@HOSTS
def test_usage_error_ends_the_job_before_the_gate(host: Any, shop: Shop) -> None:
    assert host(shop, {}, CERTIFY="4", GATE="0", BUNDLE="no") == 4
    assert len(shop.calls) == 1


@HOSTS
def test_input_with_shell_words_stays_one_argument(host: Any, shop: Shop) -> None:
    assert host(shop, {"declaration": "$(touch owned); x"}, CERTIFY="0", GATE="0", BUNDLE="yes") == 0
    assert shop.calls[0].endswith("--declaration $(touch owned); x")
    assert not (shop.folder / "owned").exists()


def test_action_leaves_outputs_and_summary(shop: Shop) -> None:
    assert github(shop, {}, CERTIFY="1", GATE="1", BUNDLE="yes") == 1
    assert (shop.folder / "output").read_text("utf-8") == "folder=certify-out\ncode=1\n"
    assert (shop.folder / "step_summary").read_text("utf-8") == "## summary\n"
