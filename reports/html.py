"""report.html: one self-contained bilingual file, made from the result lines and the spec."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from reports.captured_messages import captured_messages
from reports.plots import line_plot
from reports.results import ORDER, Results, ResultsFileError
from reports.words import OUTCOMES, VERDICTS, conclusion

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
FINDINGS = ("ERROR", "FAIL", "INCONCLUSIVE", "WARN")
SHOWN_CHECKS = 6
SHOWN_TEXT = 2000
PAGES = "pages"


def write_html(
    results: Results, path: Path, language: str = "zh", *, read: Callable[[str], bytes] | None = None
) -> None:
    """Render the report; ``language`` is what it opens in. With ``read``, which gives the bytes of a file of the run,
    a page of evidence for every test is written into the folder ``pages`` beside it. Raises OSError."""
    shown = {**context(results, language), "pages": PAGES if read else ""}
    path.write_bytes(_render("report.html", shown).encode("utf-8", "replace"))
    if read:
        folder = path.parent / PAGES
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.html"):
            old.unlink()
        for test in results.tests:
            page = _render("evidence.html", _evidence(results, test, language, read, path.name))
            (folder / f"{_name(test)}.html").write_bytes(page.encode("utf-8", "replace"))


def _name(test: dict[str, Any]) -> str:
    """The name that the folder of its evidence has; never one that leads elsewhere."""
    return str(test["evidence"]).replace("\\", "/").rpartition("/")[2].lstrip(".") or "_"


def _evidence(
    results: Results, test: dict[str, Any], language: str, read: Callable[[str], bytes], back: str
) -> dict[str, Any]:
    """What the page of a test shows: its checks, and the messages of its capture."""
    capture = f"{test['evidence']}/wire.pcapng"
    try:
        messages, whole = captured_messages(read(capture))
    except ResultsFileError:
        messages, whole, capture = (), True, ""
    return {
        "language": language,
        "header": results.header,
        "test": test,
        "checks": [_shortened(check) for check in test["checks"]],
        "messages": messages,
        "whole": whole,
        "capture": f"../{quote(capture)}" if capture else "",
        "back": quote(back),
        "words": VERDICTS,
        "outcomes": OUTCOMES,
    }


def _render(template: str, shown: dict[str, Any]) -> str:
    """The page with its style and script inside; the policy lets these two run and nothing else."""
    environment, inside = _templates()
    return environment.get_template(template).render(**shown, **inside)


@lru_cache(maxsize=1)
def _templates() -> tuple[jinja2.Environment, dict[str, Markup]]:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "report.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment, {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def context(results: Results, language: str) -> dict[str, Any]:
    """What the template shows, ready made: the template only places it."""
    zh_word, en_word, zh, en = conclusion(results.exit_code, stale=results.stale_waivers)
    groups = _groups(results)
    return {
        "language": language,
        "conclusion": {"zh": zh_word, "en": en_word, "zh_text": zh, "en_text": en, "code": results.exit_code},
        "header": results.header,
        "plan": results.plan,
        "complete": results.complete,
        "blocked": results.footer.get("blocked"),
        "broken": results.footer.get("broken", ""),
        "ended": results.footer.get("ended", ""),
        "counts": results.counts,
        "tests": len(results.tests),
        "words": VERDICTS,
        "order": ORDER,
        "findings": [_finding(results, i) for verdict in FINDINGS for i in _with(results, verdict)],
        "groups": groups,
        "figures": _figures(results),
        "waivers": results.waivers,
        "open_rows": _open_rows(results),
    }


def _with(results: Results, verdict: str) -> list[str]:
    return [i for i, v in results.selected.items() if v == verdict]


def _requirement(results: Results, requirement_id: str) -> dict[str, Any]:
    r = results.catalogue.requirements.get(requirement_id)
    if r is None:
        return {
            "id": requirement_id,
            "title": {"zh": requirement_id, "en": requirement_id},
            "level": "",
            "status": "",
            "text": {"zh": "", "en": ""},
            "remedy": {"zh": "", "en": ""},
            "basis": "",
        }
    return {
        "id": r.id,
        "title": {"zh": r.title.zh, "en": r.title.en},
        "text": {"zh": r.text.zh, "en": r.text.en},
        "remedy": {"zh": r.remedy.zh, "en": r.remedy.en},
        "level": r.level,
        "status": r.status,
        "basis": ", ".join(map(str, r.basis)),
        "steps": {step.id: {"zh": step.zh, "en": step.en} for step in r.procedure},
    }


def _finding(results: Results, requirement_id: str) -> dict[str, Any]:
    requirement = _requirement(results, requirement_id)
    verdict = results.selected[requirement_id]
    tests = [t for t in results.tests_of(requirement_id) if t["requirements"][requirement_id] == verdict]
    steps = requirement.get("steps", {})
    checks = [
        {**_shortened(check), "step_text": steps.get(check["step"]), **_links(test)}
        for test in tests
        for check in test["checks"]
        if check["requirement"] == requirement_id and check["outcome"] != "held"
    ]
    return {
        **requirement,
        "verdict": verdict,
        "checks": checks[:SHOWN_CHECKS],
        "more": max(0, len(checks) - SHOWN_CHECKS),
        "tests": tests,
        "reproduce": _reproduce(results, requirement_id),
    }


def _links(test: dict[str, Any]) -> dict[str, str]:
    page = quote(f"{_name(test)}.html")
    return {"evidence": f"{test['evidence']}/wire.pcapng", "page": page, "test": str(test["id"])}


def _shortened(check: dict[str, Any]) -> dict[str, Any]:
    """The check with the beginning of long texts; the result lines have them whole."""
    short = {
        key: {
            language: text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]} …" for language, text in both.items()
        }
        for key, both in check.items()
        if key in ("about", "expected", "observed")
    }
    return {**check, **short}


def _reproduce(results: Results, requirement_id: str) -> str:
    seed = results.header["seed"]
    edition = shlex.quote(str(results.header["edition"]))
    address = str(results.header["device"]["address"])
    device = f"--target rtsp://{address}/…" if ":" in address else "--declaration FILE"
    return f"kandian certify {device} --edition {edition} --req {requirement_id} --seed {seed}"


def _groups(results: Results) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for planned in results.plan["requirements"]:
        if planned["selection"] == "not_selected":
            continue
        group = planned["id"].rpartition("-")[0]
        title = results.catalogue.groups.get(group)
        row = rows.setdefault(
            group,
            {
                "id": group,
                "title": {"zh": title.zh, "en": title.en} if title else {"zh": group, "en": group},
                "counts": {},
                "requirements": [],
            },
        )
        verdict = results.requirements.get(planned["id"], "NOT_TESTED")
        row["counts"][verdict] = row["counts"].get(verdict, 0) + 1
        row["requirements"].append(
            {**_requirement(results, planned["id"]), "verdict": verdict, "page": _page(results, planned["id"])}
        )
    for row in rows.values():
        row["bar"] = _bar(row["counts"], len(row["requirements"]))
    return list(rows.values())


def _page(results: Results, requirement_id: str) -> str:
    tests = results.tests_of(requirement_id)
    return quote(f"{_name(tests[0])}.html") if tests else ""


def _bar(counts: dict[str, int], total: int) -> list[dict[str, str]]:
    """Pieces of a bar of width 100, worst verdict first."""
    pieces, x = [], 0.0
    for verdict in ORDER:
        width = 100 * counts.get(verdict, 0) / total
        if width:
            pieces.append({"verdict": verdict, "x": f"{x:.2f}", "width": f"{width:.2f}"})
        x += width
    return pieces


def _open_rows(results: Results) -> list[dict[str, Any]]:
    return [
        {**_requirement(results, row["id"]), "selection": row["selection"], "reason": row["reason"]}
        for row in results.plan["requirements"]
        if row["selection"] in ("excluded", "not_tested")
    ]


def _figures(results: Results) -> list[dict[str, Any]]:
    """Plots of the stream measurements that tests left in their result lines."""
    names = {
        "bitrate": ("码率", "Bit rate", "kbit/s"),
        "frame_interval": ("帧间隔", "Frame interval", "ms"),
        "jitter": ("抖动", "Jitter", "ms"),
        "live_delay": ("实时视频时延", "Live delay", "ms"),
        "first_frame": ("首帧时间", "First frame time", "ms"),
    }
    found = []
    for test in results.tests:
        for key, points in test.get("figures", {}).items():
            kind, _, label = key.partition(":")
            if kind not in names:
                continue
            zh, en, unit = names[kind]
            svg = line_plot(points, unit, f"{en} {label}")
            if svg:
                found.append({"zh": f"{zh} {label}", "en": f"{en} {label}", "svg": Markup(svg), "test": test["id"]})
    return found
