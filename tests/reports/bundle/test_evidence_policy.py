"""What a bundle keeps of the traffic is the profile's decision: all, or what needs explaining, within a budget."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from bundle_corpus import Workshop
from bundle_sample import make_key, pack, sign, write_run

from reports.bundle.content import check_content
from reports.bundle.layout import BundleError
from reports.bundle.reader import open_bundle
from specs.model import EvidencePolicy

VERIFIER = Path(__file__).parents[3] / "docs" / "verifier.mjs"


def evidence_in(path: Path) -> set[str]:
    with open_bundle(path) as bundle:
        return {name.split("/")[1] for name in bundle.below("evidence/")}


def test_all_is_kept_by_default(workshop: Workshop) -> None:
    with open_bundle(workshop.good) as bundle:
        assert evidence_in(workshop.good) == {line["id"] for line in bundle.results_lines if line["kind"] == "test"}


def test_only_findings(tmp_path: Path) -> None:
    device = write_run(tmp_path / "run", failing=True, evidence=EvidencePolicy(keep="findings"))
    target = tmp_path / "small.kandian"
    pack(tmp_path / "run", target, device)
    key = make_key(tmp_path, "lab", "lab")
    sign(target, key)
    with open_bundle(target) as bundle:
        failed = {line["id"] for line in bundle.results_lines if line["kind"] == "test" and line["verdict"] != "PASS"}
        assert check_content(bundle) == ()
    assert evidence_in(target) == failed
    assert len(failed) == 1
    if node := shutil.which("node"):
        command = [node, str(VERIFIER), str(target), str(tmp_path / "lab.pub.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_finding_without_evidence_is_refused(tmp_path: Path) -> None:
    device = write_run(tmp_path / "run", failing=True, evidence=EvidencePolicy(keep="findings"))
    for folder in (tmp_path / "run" / "evidence").iterdir():
        shutil.rmtree(folder)
    pack(tmp_path / "run", tmp_path / "bare.kandian", device)
    with open_bundle(tmp_path / "bare.kandian") as bundle:
        assert [problem.code for problem in check_content(bundle)] == ["no-evidence"]


def test_more_than_the_budget_is_refused_with_the_largest(tmp_path: Path) -> None:
    device = write_run(tmp_path / "run", evidence=EvidencePolicy(budget=1))
    large = next((tmp_path / "run" / "evidence").iterdir())
    (large / "wire.pcapng").write_bytes(bytes(1_500_000))
    with pytest.raises(BundleError, match=r"the evidence has 1\.5 MB, the profile allows 1 MB; the largest:") as caught:
        pack(tmp_path / "run", tmp_path / "never.kandian", device)
    assert f"{large.name} 1.5 MB" in str(caught.value)
    assert "keep: findings" in caught.value.zh
    assert not (tmp_path / "never.kandian").exists()
