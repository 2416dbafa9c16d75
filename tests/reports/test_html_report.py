"""report.html: bounded, self-contained, and nothing that a device says becomes markup or script."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from captures import Packet, capture
from sample_runs import CHOSEN, DEVICE, HOSTILE, PASSING, results, write_run

from reports.html import write_html
from reports.result_files import load_run
from reports.waivers import apply_waivers
from specs.waiver_files import Scope, Waiver, WaiverFile

MEGABYTE = 1 << 20


class Elements(HTMLParser):
    """Every element with its attributes, and the text of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {"style": "", "script": ""}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def page(tmp_path: Path, verdicts: dict[str, str], language: str = "zh", **more: object) -> str:
    write_html(results(verdicts, **more), tmp_path / "report.html", language)
    return (tmp_path / "report.html").read_text("utf-8")


def hostile_capture() -> bytes:
    """A capture with one message whose text and comment are markup."""
    payload = b"GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n"
    return capture([Packet(0, ("192.0.2.1", 80), ("192.0.2.2", 81), payload, comment="<script>alert(1)")])


@pytest.fixture
def hostile(tmp_path: Path) -> list[str]:
    device = {**DEVICE, "manufacturer": HOSTILE, "dev_id": HOSTILE, "address": '"><script>alert(3)</script>:1'}
    run = results({**PASSING, "IF-REG-01": "FAIL", "ZZ-1": "INCONCLUSIVE"}, text=HOSTILE, device=device)
    write_html(run, tmp_path / "report.html", "en", read=lambda name: hostile_capture())
    return [path.read_text("utf-8") for path in sorted(tmp_path.rglob("*.html"))]


def test_device_text_is_text(hostile: list[str]) -> None:
    assert len(hostile) == 6
    assert sum("&lt;script&gt;alert(1)" in text for text in hostile) == 6
    for text in hostile:
        elements = Elements(text)
        assert [tag for tag, _ in elements.found].count("script") == 1
        assert not [
            tag for tag, _ in elements.found if tag in ("img", "iframe", "object", "embed", "form", "base", "link")
        ]
        assert not [name for _, attrs in elements.found for name in attrs if name.startswith("on") or name == "style"]


def test_policy_allows_this_style_and_this_script_only(hostile: list[str]) -> None:
    for text in hostile:
        elements = Elements(text)
        policy = next(a["content"] for t, a in elements.found if t == "meta" and a.get("http-equiv"))
        assert policy is not None
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        digests = {
            name: "'sha256-" + base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() + "'"
            for name, body in elements.inside.items()
        }
        assert parts == {
            "default-src": "'none'",
            "style-src": digests["style"],
            "script-src": digests["script"],
            "base-uri": "'none'",
            "form-action": "'none'",
        }


def test_links_lead_to_files_beside_the_report(hostile: list[str]) -> None:
    links = [attrs["href"] or "" for text in hostile for tag, attrs in Elements(text).found if tag == "a"]
    assert links
    assert not [link for link in links if re.match(r"[a-z]+:|/|\\", link)]


def test_every_link_has_its_file(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {**PASSING, "IF-REG-01": "FAIL"})
    for name in ("sample.if-ahl-02", "sample.if-reg-01", "sample.if-reg-02"):
        (run / "evidence" / name).mkdir(parents=True)
        (run / "evidence" / name / "wire.pcapng").write_bytes(hostile_capture())
    files = load_run(run)
    write_html(files.results, run / "report.html", "en", read=files.read)
    found = []
    for path in run.rglob("*.html"):
        for tag, attributes in Elements(path.read_text("utf-8")).found:
            if tag == "a":
                found.append((path.parent / unquote(attributes["href"] or "")).resolve())
    assert len(found) == 4 + 1 + 4 + 3
    assert [path for path in found if not path.is_file()] == []


def test_pages_of_an_earlier_run_go(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "gone.html").write_text("old", "utf-8")
    write_html(results(PASSING), tmp_path / "report.html", read=lambda name: b"")
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [f"sample.{i.lower()}.html" for i in CHOSEN]


@pytest.mark.parametrize("evidence", ["../../../etc/cron.d/x", "..", "/abs/..", "a\\..\\b"])
def test_page_of_a_test_stays_in_its_folder(tmp_path: Path, evidence: str) -> None:
    run = results({"IF-REG-01": "PASS"})
    run = replace(run, tests=({**run.tests[0], "evidence": evidence},))
    write_html(run, tmp_path / "out.html", read=lambda name: b"")
    assert len(list((tmp_path / "pages").glob("*.html"))) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_thousand_results_stay_under_a_megabyte(tmp_path: Path) -> None:
    from specs.loader import load_catalogue

    known = list(load_catalogue().requirements)
    names = [*known, *(f"ZZ-{n:04}" for n in range(1000))][:1000]
    verdicts = {name: "FAIL" if n % 20 == 0 else "PASS" for n, name in enumerate(names)}
    text = page(tmp_path, verdicts, text="401 Unauthorized, nonce missing " * 4)
    assert text.count('<tr class="req"') == 1000
    assert len(text.encode()) < MEGABYTE


def test_endless_answers_of_a_device_are_cut(tmp_path: Path) -> None:
    verdicts = {f"ZZ-{n:02}": "FAIL" for n in range(20)}
    text = page(tmp_path, verdicts, text="x" * 1_000_000)
    assert len(text.encode()) < MEGABYTE


def test_page_is_for_phones_and_has_search_and_filters(tmp_path: Path) -> None:
    text = page(tmp_path, {**PASSING, "IF-REG-01": "FAIL"})
    elements = Elements(text).found
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in elements
    assert [a.get("type") for t, a in elements if t == "input"] == ["search"]
    assert [a["data-verdict"] for t, a in elements if t == "button" and "data-verdict" in a] == ["FAIL", "PASS"]
    assert [a["data-verdict"] for t, a in elements if t == "tr" and "data-verdict" in a] == [
        "PASS",
        "FAIL",
        "PASS",
        "PASS",
    ]


def test_waivers_stand_before_the_findings(tmp_path: Path) -> None:
    entry = Waiver("IF-REG-01", Scope("Acme", "C-1", ("V1",)), "known <b>defect</b>", "Li", "t/1", "2024-12-31")
    run = results({**PASSING, "IF-REG-01": "FAIL"})
    waived = apply_waivers(run, WaiverFile("waivers/1", (entry,)), date(2024, 3, 1)).results
    write_html(waived, tmp_path / "report.html", "en")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "known &lt;b&gt;defect&lt;/b&gt; · Li · t/1" in text
    assert text.index("known &lt;b&gt;") < text.index("Findings")


def test_run_that_was_cut_off_says_so(tmp_path: Path) -> None:
    write_html(replace(results(PASSING), footer={}), tmp_path / "report.html", "en")
    assert "The run did not come to its end" in (tmp_path / "report.html").read_text("utf-8")
