"""PDF/A-3 by typst: a certificate of one page, then the report, with the result files embedded."""

from __future__ import annotations

import json
import re
import tempfile
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.bundle.statement import KINDS, kind_words
from reports.result_files import RunFiles, results_digest
from reports.results import Results
from reports.rows import table_rows
from reports.spreadsheet_text import printable
from reports.words import conclusion, verdict_word

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
CJK_FONTS = ("Noto Sans CJK SC", "Noto Serif CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei")
SHOWN_OBSERVED = 600
SHOWN_FACT = 90
SHOWN_NAME = 40
LONG_WORD = re.compile(r"\S{24,}")


class MissingFont(ValueError):
    """No font with Chinese characters: the page would show boxes."""

    def __init__(self) -> None:
        super().__init__(
            "没有中文字体，请安装（Debian: apt-get install fonts-noto-cjk）"
            " / no font with Chinese characters; install one (Debian: apt-get install fonts-noto-cjk)"
        )


def write_pdf(run: RunFiles, path: Path, language: str = "zh", font_paths: Sequence[Path] | None = None) -> None:
    """Write the PDF. ``font_paths`` replaces the fonts of the system. Raises MissingFont, ValueError, OSError."""
    path.write_bytes(render(run, language, "pdf", font_paths)[0])


def render(run: RunFiles, language: str, form: str, font_paths: Sequence[Path] | None = None) -> list[bytes]:
    """The document as ``pdf`` (one item) or its pages as ``png``. Raises MissingFont, ValueError."""
    import typst

    font = cjk_font(font_paths)
    with tempfile.TemporaryDirectory(prefix="kandian-pdf-") as name:
        folder = Path(name)
        source = folder / "report.typ"
        source.write_bytes(TEMPLATE.read_bytes())
        (folder / "data.json").write_text(json.dumps(document(run, language, font), ensure_ascii=False), "utf-8")
        (folder / "qr.svg").write_bytes(qr_code(subject(run)[1]))
        for file in ("plan.json", "results.jsonl"):
            (folder / file).write_bytes(run.read(file))
        options: dict[str, Any] = {"root": folder, "format": form, "font_paths": list(font_paths or ())}
        options["ignore_system_fonts"] = font_paths is not None
        if form == "pdf":
            options["pdf_standards"] = "a-3a"
        try:
            made = typst.compile(source, **options)
        except RuntimeError as error:
            raise ValueError(f"typst: {error}") from None
    return made if isinstance(made, list) else [made]


def cjk_font(font_paths: Sequence[Path] | None = None) -> str:
    """The first font with Chinese characters. Raises MissingFont."""
    import typst

    fonts = typst.Fonts(
        include_system_fonts=font_paths is None, include_embedded_fonts=True, font_paths=list(font_paths or ())
    )
    families = {str(name).lower(): str(name) for name in fonts.families()}
    for name in CJK_FONTS:
        if name.lower() in families:
            return families[name.lower()]
    raise MissingFont


def qr_code(text: str) -> bytes:
    """The text as a QR code in SVG."""
    import io

    import segno

    image = io.BytesIO()
    segno.make(text, error="m", micro=False).save(image, kind="svg", border=2, xmldecl=True, svgns=True)
    return image.getvalue()


def subject(run: RunFiles) -> tuple[str, str]:
    """What the QR code stands for, (file, text): the manifest of a bundle, else the result lines."""
    if run.bundled:
        return "manifest.json", f"kandian:manifest:sha256:{run.digest}"
    return "results.jsonl", f"kandian:results:sha256:{results_digest(run)}"


def title(run: RunFiles, language: str) -> str:
    """What the page calls itself. A certificate: a whole passing run at natural speed that a key of a lab or of the
    carrier signed, verified against the keys that the reader trusts, and that rests on no faulty waiver."""
    roles = [role for role in reversed(KINDS) if role in {signer.role for signer in run.signers}]
    if not roles:
        key = "unverified" if run.signed else "unsigned"
        return _WORDS[key][0 if language == "zh" else 1]
    return kind_words(roles[0], {**run.manifest, "exit_code": _worse(run)}, language)


def _worse(run: RunFiles) -> int:
    """The exit code of the run, or that after its waivers; a waiver stands beside the signature, not under it."""
    return int(run.manifest["exit_code"]) or run.results.exit_code


def validity(run: RunFiles, language: str) -> str:
    """How long the page holds: this firmware and edition, and no longer than the waivers it rests on."""
    days = [row["expires"] for row in run.results.waivers if row["state"] == "used"]
    if language == "zh":
        return "仅对所列设备、固件与规范版次有效" + (f"，且不晚于 {min(days)}（豁免到期）" if days else "")
    return "For this device, firmware and edition only" + (f", until {min(days)} (waiver expires)" if days else "")


def document(run: RunFiles, language: str, font: str) -> dict[str, Any]:
    """All text of the pages; the template only places it."""
    results, side = run.results, 0 if language == "zh" else 1
    zh_word, en_word, zh, en = conclusion(results.exit_code, stale=results.stale_waivers)
    text: dict[str, Any] = _clean(
        {
            "language": language,
            "words": {key: pair[side] for key, pair in _WORDS.items()},
            "title": title(run, language),
            "conclusion": {"word": (zh_word, en_word)[side], "text": (zh, en)[side], "code": results.exit_code},
            "notes": _notes(results, side),
            "facts": _facts(run, language),
            "counts": [{"verdict": v, "word": verdict_word(v, language), "n": n} for v, n in results.counts.items()],
            "waivers": [_waiver(row, language) for row in results.waivers],
            "foot": results.header["device"]["dev_id"][:SHOWN_NAME],
            "rows": [_row(results, row, language) for row in table_rows(results, language)],
        }
    )
    name, digest = subject(run)
    run_facts = _run_facts(results, language)
    return {
        **text,
        "font": font,
        "run": run_facts,
        "digest": [name, digest],
        "parts": textwrap.wrap(digest.rpartition(":")[2], 32),
    }


def _waiver(row: dict[str, Any], language: str) -> dict[str, Any]:
    names = {key: row[key][:SHOWN_NAME] for key in ("requirement", "approver", "issue")}
    reason = row["reason"]
    return {
        **row,
        **names,
        "words": row["words"][language],
        "reason": reason[:SHOWN_OBSERVED],
        "short": reason[:SHOWN_NAME],
    }


def _row(results: Results, row: dict[str, Any], language: str) -> dict[str, Any]:
    known = results.catalogue.requirements.get(row["id"])
    shown = {key: row[key] for key in ("id", "title", "group", "level", "verdict", "word", "evidence")}
    cut = {key: row[key][:SHOWN_OBSERVED] for key in ("expected", "observed", "reason")}
    open_row = row["selection"] in ("excluded", "not_tested")
    return {**shown, **cut, "remedy": known.remedy.get(language) if known else "", "open": open_row}


def _run_facts(results: Results, language: str) -> list[list[str]]:
    header, side = results.header, 0 if language == "zh" else 1
    rows = [
        ["tool", f"Kandian {header['tool']}, Python {header['python']}"],
        ["tests", str(len(results.tests))],
        ["seed", str(header["seed"])],
        ["spec_digest", str(header["spec_digest"])],
        ["plan_digest", str(header["plan_digest"])],
    ]
    return [[_WORDS[name][side], value] for name, value in rows]


def _facts(run: RunFiles, language: str) -> list[list[str]]:
    header, words = run.results.header, {key: pair[0 if language == "zh" else 1] for key, pair in _WORDS.items()}
    device = header["device"]
    rows = [
        [words["device"], f"{device['manufacturer']} {device['model']}"],
        [words["id"], str(device["dev_id"])],
        [words["firmware"], str(device["version"] or "-")],
        [words["scope"], f"{header['profile']} · {len(run.results.selected)} {words['requirements']}"],
        [words["edition"], str(header["edition"])],
        [words["time"], _moment(str(header["started"]))],
        [words["validity"], validity(run, language)],
        [words["signer"], _signer(run, words)],
    ]
    return [[name, value[:SHOWN_FACT]] for name, value in rows]


def _signer(run: RunFiles, words: dict[str, str]) -> str:
    if run.signers:
        return "; ".join(f"{s.owner} ({s.role}), {_moment(s.signed_at)}" for s in run.signers)
    return words["not_checked"] if run.signed else words["nobody"]


def _moment(text: str) -> str:
    """An ISO time as people read it, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _notes(results: Results, side: int) -> list[str]:
    notes = []
    if results.header.get("timer_scale", 1.0) < 1.0:
        notes.append(("定时器已压缩，不是认证运行。", "Compressed timers: not a certification run.")[side])
    if not results.complete:
        notes.append(("运行未正常结束。", "The run did not come to its end.")[side])
    return notes


def _clean(value: Any) -> Any:
    """Without control characters, which PDF/A forbids, and with places to break in long words. Paths stay as they are:
    people copy them."""
    if isinstance(value, str):
        return LONG_WORD.sub(_breakable, printable(value))
    if isinstance(value, dict):
        return {key: printable(item) if key == "evidence" else _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _breakable(word: re.Match[str]) -> str:
    """The word with a zero-width space after every eighth character."""
    return "\u200b".join(word[0][at : at + 8] for at in range(0, len(word[0]), 8))


_WORDS = {
    "brand": ("看店 KANDIAN", "KANDIAN 看店"),
    "device": ("被测设备", "Device under test"),
    "id": ("设备编号", "Device id"),
    "firmware": ("固件版本", "Firmware"),
    "scope": ("范围", "Scope"),
    "requirements": ("项要求", "requirements"),
    "edition": ("规范版次", "Spec edition"),
    "time": ("测试时间", "Tested"),
    "validity": ("有效性", "Validity"),
    "signer": ("签名", "Signed by"),
    "nobody": ("无", "nobody"),
    "not_checked": ("有签名，未验证", "a signature is there, not verified"),
    "unsigned": ("测试报告（未签名，非证书）", "Test report (unsigned, not a certificate)"),
    "unverified": ("测试报告（签名未验证，非证书）", "Test report (signature not verified, not a certificate)"),
    "waivers": ("豁免", "Waivers"),
    "approver": ("批准", "approved by"),
    "until": ("有效至", "until"),
    "no_waivers": ("无豁免。", "No waivers."),
    "check": (
        "请用 kandian verify 校验本摘要所指的文件；纸面内容不能代替校验。",
        "Check the file that this digest stands for with kandian verify; paper is no substitute.",
    ),
    "report": ("测试报告", "Test report"),
    "findings": ("问题", "Findings"),
    "no_findings": ("没有发现问题。", "Nothing was found."),
    "expected": ("期望", "Expected"),
    "observed": ("实际", "Observed"),
    "reason": ("原因", "Reason"),
    "evidence": ("证据", "Evidence"),
    "remedy": ("可能原因", "Likely cause"),
    "open": ("未测试的要求及原因", "Requirements not tested, and why"),
    "tool": ("工具", "Tool"),
    "tests": ("测试数", "Tests"),
    "seed": ("种子", "Seed"),
    "spec_digest": ("规范摘要", "Spec digest"),
    "plan_digest": ("计划摘要", "Plan digest"),
    "disclaimer": (
        "要求文本为公开资料整理的拟定稿，并非运营商正式文本。",
        "The requirement texts rest on public material; they are not an official text of the carrier.",
    ),
    "all": ("全部要求", "All requirements"),
    "requirement": ("要求", "Requirement"),
    "name": ("名称", "Title"),
    "level": ("级别", "Level"),
    "verdict": ("判定", "Verdict"),
}
