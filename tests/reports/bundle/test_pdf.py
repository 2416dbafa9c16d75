"""The PDF: what page one calls itself, what it holds, and pages that hostile text cannot break."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bundle_corpus import Workshop
from bundle_sample import NOW, write_run

from reports.pdf import MissingFont, cjk_font, document, render, subject, title, validity, write_pdf
from reports.result_files import RunFiles, Signer, load_run, load_signed_run
from reports.results import ResultsFileError
from reports.waivers import apply_waivers
from specs.waiver_files import Scope, Waiver, WaiverFile

HOSTILE = '#pagebreak() #panic("x") ]] $x$ "; }) <script> \x00\x1b[31m\ud800 = 恶意 ' + "W" * 4000
LONG = Waiver("IF-AHL-02", Scope("Kandian", "GC-1", ("V1",)), "x" * 500, "y" * 200, "z" * 200, "2024-12-31")


LAB = Signer("lab", "Lab A", "2024-03-01T12:00:00+00:00")
VENDOR = Signer("vendor", "Acme", "2024-03-01T12:00:00+00:00")


@pytest.fixture
def passing(tmp_path: Path) -> RunFiles:
    """A run that passed, as a bundle of the whole profile at natural speed would give it."""
    write_run(tmp_path / "passing")
    manifest = {"exit_code": 0, "timer_scale": 1.0, "narrowed": False}
    return replace(load_run(tmp_path / "passing"), digest="a" * 64, manifest=manifest, signed=True)


@pytest.fixture
def failing(workshop: Workshop) -> RunFiles:
    return load_run(workshop.good)


@pytest.fixture
def font() -> None:
    try:
        cjk_font()
    except MissingFont:
        pytest.skip("no Chinese font on this machine")


def test_unsigned_run_is_no_certificate(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert title(run, "en") == "Test report (unsigned, not a certificate)"
    assert title(run, "zh") == "测试报告（未签名，非证书）"
    assert subject(run)[1].startswith("kandian:results:sha256:")


def test_signature_that_nobody_checked_makes_no_certificate(passing: RunFiles) -> None:
    assert title(passing, "en") == "Test report (signature not verified, not a certificate)"
    assert ["签名", "有签名，未验证"] in document(passing, "zh", "Noto")["facts"]


def test_verified_signature_of_a_lab_makes_a_certificate(passing: RunFiles) -> None:
    run = replace(passing, signers=(LAB, VENDOR))
    assert title(run, "en") == "lab certificate"
    assert title(run, "zh") == "实验室认证证书"
    facts = dict(document(run, "en", "Noto")["facts"])
    assert facts["Signed by"] == "Lab A (lab), 2024-03-01 12:00 UTC; Acme (vendor), 2024-03-01 12:00 UTC"
    assert facts["Device under test"] == "Kandian GC-1"
    assert facts["Firmware"] == "V1"
    assert facts["Tested"] == "2024-03-01 10:00 UTC"


def test_vendor_signature_is_never_called_a_certificate(passing: RunFiles) -> None:
    assert title(replace(passing, signers=(VENDOR,)), "en") == "vendor pre-test"


@pytest.mark.parametrize("why", [{"exit_code": 1}, {"timer_scale": 0.02}, {"narrowed": True}])
def test_any_other_run_is_a_report_whoever_signs(passing: RunFiles, why: dict[str, object]) -> None:
    run = replace(passing, signers=(LAB,), manifest={**passing.manifest, **why})
    assert title(run, "en") == "lab test report"


def test_faulty_waiver_takes_the_certificate_away(passing: RunFiles) -> None:
    results = apply_waivers(passing.results, WaiverFile("waivers/1", (LONG,)), date(2024, 3, 1)).results
    assert title(replace(passing, signers=(LAB,), results=results), "en") == "lab test report"


def test_signature_in_a_bundle_is_verified(workshop: Workshop) -> None:
    run = load_signed_run(workshop.good, [workshop.lab.public], NOW)
    assert [(signer.role, signer.owner) for signer in run.signers] == [("lab", "lab lab")]
    assert title(run, "en") == "lab test report"


def test_wrong_key_renders_nothing(workshop: Workshop) -> None:
    with pytest.raises(ResultsFileError, match="nobody you trust"):
        load_signed_run(workshop.good, [workshop.stranger.public], NOW)


def test_folder_with_keys_renders_nothing(tmp_path: Path, workshop: Workshop) -> None:
    write_run(tmp_path / "run")
    with pytest.raises(ResultsFileError, match="no signature"):
        load_signed_run(tmp_path / "run", [workshop.lab.public], NOW)


def test_edited_bundle_renders_nothing(workshop: Workshop, tmp_path: Path) -> None:
    with zipfile.ZipFile(workshop.good) as source, zipfile.ZipFile(tmp_path / "x.kandian", "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            target.writestr(
                entry, content.replace(b'"FAIL"', b'"PASS"') if entry.filename == "results.jsonl" else content
            )
    with pytest.raises(ResultsFileError, match="content does not verify"):
        load_run(tmp_path / "x.kandian")


def test_validity_ends_with_the_first_waiver(failing: RunFiles) -> None:
    entries = tuple(replace_day(LONG, day) for day in ("2024-12-31", "2024-06-30"))
    results = apply_waivers(failing.results, WaiverFile("waivers/1", entries), date(2024, 3, 1)).results
    waived = replace(failing, results=results)
    assert validity(waived, "en") == "For this device, firmware and edition only, until 2024-06-30 (waiver expires)"
    assert validity(failing, "zh") == "仅对所列设备、固件与规范版次有效"


def replace_day(waiver: Waiver, day: str) -> Waiver:
    return Waiver(waiver.requirement, waiver.scope, waiver.reason, waiver.approver, waiver.issue, day)


def test_subject_is_the_digest_of_the_bundle(failing: RunFiles) -> None:
    assert subject(failing) == ("manifest.json", f"kandian:manifest:sha256:{failing.digest}")
    assert len(failing.digest) == 64


def test_report_tells_cause_evidence_and_what_was_not_tested(failing: RunFiles) -> None:
    shown = document(failing, "en", "Noto")
    rows = {row["id"]: row for row in shown["rows"]}
    assert rows["IF-AHL-02"]["verdict"] == "FAIL"
    assert rows["IF-AHL-02"]["evidence"] == "evidence/sample.if-ahl-02/wire.pcapng"
    assert len(rows["IF-AHL-02"]["remedy"]) > 10
    untested = [row for row in shown["rows"] if row["open"]]
    assert untested
    assert all(row["verdict"] == "NOT_TESTED" and row["reason"] for row in untested)
    assert [name for name, _ in shown["run"]] == ["Tool", "Tests", "Seed", "Spec digest", "Plan digest"]


def test_missing_font_names_the_package(tmp_path: Path, failing: RunFiles) -> None:
    with pytest.raises(MissingFont, match="fonts-noto-cjk"):
        write_pdf(failing, tmp_path / "r.pdf", "zh", font_paths=[])


@pytest.mark.usefixtures("font")
def test_pdf_is_archival_and_carries_the_results(failing: RunFiles, tmp_path: Path) -> None:
    write_pdf(failing, tmp_path / "r.pdf", "zh")
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF-1.7")
    assert re.search(rb"<pdfaid:part>3</pdfaid:part>\s*<pdfaid:conformance>A</pdfaid:conformance>", content)
    streams = list(unpacked(content))
    assert failing.read("results.jsonl") in streams
    assert failing.read("plan.json") in streams


def unpacked(content: bytes) -> list[bytes]:
    found = []
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            found.append(part)
    return found


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_hostile_text_and_many_waivers_leave_page_one_alone(failing: RunFiles, language: str) -> None:
    hostile = hostile_run(failing)
    pages = [picture(page) for page in render(hostile, language, "png")]
    assert len(pages) < 20
    for page in pages:
        height, width = page.shape
        assert page[:, int(width * 0.92) :].min() > 250, "text runs over the right margin"
    assert pages[0][int(height * 0.95) :].min() > 250, "text runs over the bottom of page one"
    assert read_qr_code(pages[0]) == f"kandian:manifest:sha256:{failing.digest}"
    shown = {row["id"]: row for row in document(hostile, language, "Noto")["rows"]}
    assert shown["IF-AHL-02"]["observed"].startswith('#pagebreak() #panic("x") ]]')


def read_qr_code(page: np.ndarray) -> str:
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    return str(cv2.QRCodeDetector().detectAndDecode(page)[0])


def picture(page: bytes) -> np.ndarray:
    """A page in grey, 255 is paper."""
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    found = cv2.imdecode(np.frombuffer(page, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    return found


def hostile_run(run: RunFiles) -> RunFiles:
    """Every text that a device or an approver has a hand in, as bad as it can be."""
    device = {**run.results.header["device"], "manufacturer": HOSTILE, "model": HOSTILE, "dev_id": HOSTILE}
    header = {**run.results.header, "device": {**device, "version": HOSTILE}}
    said = {"zh": HOSTILE, "en": HOSTILE}
    checks = [{**check, "observed": said, "expected": said} for check in run.results.tests[0]["checks"]]
    tests = ({**run.results.tests[0], "reason": said, "checks": checks}, *run.results.tests[1:])
    rows = apply_waivers(run.results, WaiverFile("waivers/1", (LONG,) * 30), date(2024, 3, 1)).results.waivers
    return replace(run, results=replace(run.results, header=header, tests=tests, waivers=rows))
